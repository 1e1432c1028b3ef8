//! Answers that would lead a client to somebody else's host: in `Location`, in `Link`, in the challenge's realm.

use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::registry::{self, challenge, send_json};
use serde_json::json;

use super::{World, with_accounts};

const EVIL: &str = "evil.example.com";

/// Headers by which somebody on the way, or the client itself, says what the host is called.
const WORDS: [(&str, &str); 7] = [
    ("X-Forwarded-Host", EVIL),
    ("X-Forwarded-Server", EVIL),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "4443"),
    ("X-Original-URL", "//evil.example.com/"),
    ("X-Rewrite-URL", "//evil.example.com/"),
    ("Forwarded", "host=evil.example.com;proto=https"),
];

/// The request with all of these words.
fn send(client: &Client, method: &str, target: &str, body: &[u8], kind: &str) -> Response {
    let request = WORDS.iter().fold(client.request(method, target), |request, (name, value)| request.header(name, value));
    request.header("Content-Type", kind).body(body).send()
}

/// It leads to a place on the host that was asked, and nowhere else.
fn assert_stays(answer: &Response) -> String {
    assert!(!matches!(answer.status, 300..=399), "{answer:?}");
    let location = registry::location(answer);
    assert!(location.starts_with("/v2/") || location.starts_with("/api/v1/"), "{location}");
    assert!(!location.contains("//") && !location.contains('\\') && !location.contains(EVIL), "{location}");
    location
}

#[test]
fn no_location_ever_leaves_the_host() {
    let world = World::with(with_accounts());
    for client in [world.alice(), world.alice().host(EVIL)] {
        let bytes = format!("one for {client:?}").into_bytes();
        let digest = digest::sha256(&bytes);
        let begun = send(&client, "POST", "/v2/team/app/blobs/uploads/", b"", "application/octet-stream").expect(202);
        let patched = send(&client, "PATCH", &assert_stays(&begun), &bytes, "application/octet-stream").expect(202);
        let upload = assert_stays(&patched);
        assert_stays(&send(&client, "GET", &upload, b"", "text/plain").expect(204));
        let done = send(&client, "PUT", &format!("{upload}?digest={digest}"), b"", "text/plain").expect(201);
        client.get(&assert_stays(&done)).expect(200);
        let mount = format!("/v2/team/other/blobs/uploads/?mount={digest}&from=team/app");
        assert_stays(&send(&client, "POST", &mount, b"", "text/plain").expect(201));
        let single = format!("/v2/team/app/blobs/uploads/?digest={}", digest::sha256(b"single"));
        assert_stays(&send(&client, "POST", &single, b"single", "application/octet-stream").expect(201));
        let manifest = &world.team.manifest;
        let put = send(&client, "PUT", "/v2/team/app/manifests/1", &manifest.bytes, &manifest.media_type).expect(201);
        assert_stays(&put);
        let body = json!({ "roles": ["AcrPull"] }).to_string();
        let made =
            send(&client, "POST", "/api/v1/registries/default/principals", body.as_bytes(), "application/json").expect(201);
        assert_stays(&made);
        for target in ["/v2/_catalog?n=1", "/v2/_catalog?n=1&last=%2F%2Fevil.example.com%2F"] {
            let page = send(&client, "GET", target, b"", "text/plain").expect(200);
            let next = registry::next_page(&page).expect("there are more");
            assert!(next.starts_with("/v2/_catalog?"), "{next}");
        }
    }
}

#[test]
fn no_path_is_answered_with_a_redirect() {
    let world = World::new();
    for target in [
        "/",
        "//evil.example.com",
        "//evil.example.com/v2/",
        "///evil.example.com/%2e%2e",
        "/\\evil.example.com/",
        "/%5cevil.example.com",
        "/%2f%2fevil.example.com",
        "/v2",
        "/v2//",
        "/v2//evil.example.com/",
        "/v2/%2f%2fevil.example.com/manifests/1",
        "/v2/..//evil.example.com/",
        "/v2/team/app/blobs/uploads",
        "/oauth2/token/",
        "/oauth2/authorize?redirect_uri=http://evil.example.com/",
        "/oauth2/token?redirect_uri=http://evil.example.com/&service=//evil.example.com",
        "/api/v1//evil.example.com",
        "/acr/v1//evil.example.com",
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
            for client in [world.server.client(), world.rita()] {
                let request = client.request(method, target).header("X-Original-URL", "//evil.example.com/").body(Vec::new());
                let Ok(answer) = request.try_send() else { continue };
                let location = answer.header("Location").unwrap_or_default();
                assert!(!(300..400).contains(&answer.status), "{method} {target}: {answer:?}");
                assert!(location.is_empty() || location.starts_with("/v2/team/"), "{method} {target}: {location}");
                for (name, value) in &answer.headers {
                    assert!(!value.contains(EVIL), "{method} {target}: {name}: {value}");
                }
                if answer.status == 202 {
                    client.delete(location).expect(204);
                }
            }
        }
    }
    world.assert_untouched();
}

#[test]
fn a_challenge_names_the_host_that_was_asked_and_nobody_s_word_for_another() {
    let world = World::new();
    let client = world.server.client();
    for target in ["/v2/", "/v2/secret/app/manifests/1", "/v2/_catalog", "/acr/v1/secret/app"] {
        let asked = challenge(&send(&client, "GET", target, b"", "text/plain").expect(401));
        assert_eq!(asked.realm, format!("http://{}/oauth2/token", world.server.host()), "{target}");
        assert_eq!(asked.service, world.server.host(), "{target}");
    }
    world.assert_untouched();
}

#[test]
fn a_host_that_would_break_out_of_the_challenge_is_refused() {
    let world = World::new();
    for host in [
        "evil.example.com\",service=\"x",
        "evil.example.com\"",
        "127.0.0.1\",error=\"none",
        "evil.example.com/path",
        "evil.example.com?x",
        "evil.example.com#x",
        "user@evil.example.com",
        "http://evil.example.com",
        "evil.example.com,127.0.0.1",
        "evil.example.com 127.0.0.1",
        "evil.example.com\\127.0.0.1",
        "evil.example.com\t",
        "evil\u{301}.example.com",
        "%65vil.example.com",
        "<script>",
        &"a".repeat(300),
    ] {
        for target in ["/v2/", "/v2/secret/app/manifests/1", "/oauth2/token", "/api/v1/registries/default/principals"] {
            let Ok(answer) = world.alice().host(host).request("GET", target).try_send() else { continue };
            if host.trim() == EVIL {
                // White space around a value is none of it.
                continue;
            }
            assert_eq!(answer.status, 400, "{host:?} {target}: {answer:?}");
            assert_eq!(answer.header("WWW-Authenticate"), None, "{host:?} {target}");
            assert!(!answer.text().contains("evil") && !answer.text().contains("script"), "{host:?}: {}", answer.text());
            world.assert_nothing_of_the_secret(host, &answer);
        }
    }
    world.assert_untouched();
}

#[test]
fn a_scope_in_a_challenge_is_what_was_asked_for_and_breaks_out_of_nothing() {
    let world = World::new();
    let client = world.server.client();
    for target in [
        "/v2/a%22,realm=%22http:%2f%2fevil.example.com%22/manifests/1",
        "/v2/a%22/manifests/1",
        "/v2/a/manifests/1?%22,realm=%22http://evil.example.com",
        "/v2/a/blobs/uploads/?mount=sha256:%22&from=%22evil.example.com",
    ] {
        for method in ["GET", "POST", "PUT"] {
            let answer = client.request(method, target).body(Vec::new()).send();
            let header = answer.header("WWW-Authenticate").unwrap_or_default();
            assert!(!header.contains("evil") && header.matches("realm=").count() <= 1, "{method} {target}: {header}");
        }
    }
    let answer = send_json(&client, "PATCH", "/acr/v1/a%22", &json!({}));
    assert_eq!(answer.status, 400, "{answer:?}");
    world.assert_untouched();
}

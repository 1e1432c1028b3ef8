//! The Bearer challenge, the token service, and what a token or a password is worth on a request.

use base64::Engine as _;
use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, percent_encode};
use bulkhead_tests::image::Image;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::{ALICE, RITA, SAM, User};

fn with_image(repository: &str) -> (Server, Image) {
    let server = Server::start(&Config::standard());
    let image = Image::oci(1, &[100]);
    registry::push_image(&server.client_of(ALICE), repository, "1", &image);
    (server, image)
}

#[test]
fn a_request_without_credentials_is_challenged() {
    let server = Server::start(&Config::standard());
    let client = server.client();
    let answer = client.get("/v2/").expect_error(&[401], &["UNAUTHORIZED"]);
    let challenge = registry::challenge(&answer);
    assert_eq!(challenge.realm, format!("http://{}/oauth2/token", server.host()));
    assert_eq!((challenge.service, challenge.scope, challenge.error), (server.host(), None, None));
    assert_eq!(answer.header("Docker-Distribution-Api-Version"), Some("registry/2.0"));

    let answer = client.get("/v2/team/app/manifests/1").expect_error(&[401], &["UNAUTHORIZED"]);
    assert_eq!(registry::challenge(&answer).scope.as_deref(), Some("repository:team/app:pull"));
    let answer = client.post("/v2/team/app/blobs/uploads/").expect_error(&[401], &["UNAUTHORIZED"]);
    let scope = registry::challenge(&answer).scope.expect("a challenge to a push names a scope");
    assert!(scope.starts_with("repository:team/app:") && scope.contains("push"), "{scope}");
    let answer = client.head("/v2/team/app/manifests/1").expect(401);
    assert_eq!(registry::challenge(&answer).scope.as_deref(), Some("repository:team/app:pull"));
}

#[test]
fn a_token_by_get_opens_what_the_rules_give() {
    let (server, image) = with_image("team/app");
    let answer = registry::ask_for_token(&server.client_of(RITA), &["repository:team/app:pull"]).expect(200).json();
    assert_eq!(answer["token"], answer["access_token"], "clients read one or the other");
    assert!(answer["expires_in"].as_u64().is_some_and(|seconds| seconds >= 60), "{answer}");
    assert!(answer["issued_at"].is_string(), "{answer}");
    let rita = server.client().bearer(answer["token"].as_str().unwrap());
    registry::assert_whole(&rita, "team/app", "1", &image);
    rita.get("/v2/").expect(200);
}

#[test]
fn a_token_by_post_with_a_password_opens_the_same() {
    let (server, image) = with_image("team/app");
    let form = |user: &str, password: &str| {
        format!(
            "grant_type=password&service={}&client_id=test&scope={}&username={user}&password={}",
            percent_encode(&server.host()),
            percent_encode("repository:team/app:pull"),
            percent_encode(password)
        )
    };
    let ask = |body: String| {
        server
            .client()
            .request("POST", "/oauth2/token")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
    };
    let answer = ask(form("rita", RITA.password)).expect(200).json();
    let rita = server.client().bearer(answer["access_token"].as_str().unwrap());
    registry::assert_whole(&rita, "team/app", "1", &image);

    assert!(matches!(ask(form("rita", "wrong")).status, 400 | 401));
    assert!(matches!(ask("grant_type=astrology&service=x".to_owned()).status, 400 | 401));
    assert!(matches!(ask(String::new()).status, 400 | 401));
}

#[test]
fn a_token_holds_no_more_than_the_rules_give() {
    let (server, _image) = with_image("team/app");
    let rita =
        registry::with_token(&server.client_of(RITA), &["repository:team/app:pull,push,delete", "repository:secret/app:pull"]);
    registry::get_manifest(&rita, "team/app", "1").expect(200);
    for answer in [
        rita.post("/v2/team/app/blobs/uploads/"),
        rita.delete("/v2/team/app/manifests/1"),
        registry::get_manifest(&rita, "secret/app", "1"),
    ] {
        let answer = answer.expect_error(&[401], &["DENIED", "UNAUTHORIZED"]);
        assert_eq!(registry::challenge(&answer).error.as_deref(), Some("insufficient_scope"));
    }
    registry::get_manifest(&server.client_of(ALICE), "team/app", "1").expect(200);
}

#[test]
fn a_token_opens_nothing_that_it_was_not_asked_for() {
    let (server, _image) = with_image("team/app");
    let alice = registry::with_token(&server.client_of(ALICE), &["repository:team/other:pull,push"]);
    let answer = registry::get_manifest(&alice, "team/app", "1").expect_error(&[401], &["DENIED", "UNAUTHORIZED"]);
    let challenge = registry::challenge(&answer);
    assert_eq!(challenge.error.as_deref(), Some("insufficient_scope"));
    assert_eq!(challenge.scope.as_deref(), Some("repository:team/app:pull"));
}

#[test]
fn a_wrong_password_gets_no_token() {
    let server = Server::start(&Config::standard());
    for user in [User { password: "guessed", ..ALICE }, User { name: "mallory", password: "x" }, User { name: "", password: "" }]
    {
        let answer = registry::ask_for_token(&server.client_of(user), &["repository:public/app:pull"]);
        answer.expect_error(&[401], &["UNAUTHORIZED"]);
        server.client_of(user).get("/v2/").expect_error(&[401], &["UNAUTHORIZED"]);
        registry::get_manifest(&server.client_of(user), "public/app", "1").expect_error(&[401], &["UNAUTHORIZED"]);
    }
}

#[test]
fn an_anonymous_caller_gets_a_token_for_what_is_public() {
    let (server, image) = with_image("public/app");
    let anonymous = registry::with_token(&server.client(), &["repository:public/app:pull"]);
    registry::assert_whole(&anonymous, "public/app", "1", &image);
    registry::assert_whole(&server.client(), "public/app", "1", &image);
    let refused = anonymous.post("/v2/public/app/blobs/uploads/");
    assert!(matches!(refused.status, 401 | 403), "{refused:?}");
}

#[test]
fn a_password_on_a_request_is_answered_too() {
    let (server, image) = with_image("team/app");
    registry::assert_whole(&server.client_of(RITA), "team/app", "1", &image);
    server.client_of(SAM).get("/v2/").expect(200);
    registry::get_manifest(&server.client_of(SAM), "team/app", "1").expect_error(&[403], &["DENIED"]);
    server.client_of(RITA).post("/v2/team/app/blobs/uploads/").expect_error(&[403], &["DENIED"]);
    let wrong = server.client().basic("rita", "guessed").get("/v2/").expect_error(&[401], &["UNAUTHORIZED"]);
    assert!(wrong.header("WWW-Authenticate").is_some());
}

/// A token's three parts, with the payload changed by `change`.
fn forge(token: &str, change: impl Fn(&mut serde_json::Value, &mut serde_json::Value)) -> String {
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let parts: Vec<&str> = token.split('.').collect();
    let decode = |part: &str| serde_json::from_slice(&engine.decode(part).unwrap()).unwrap();
    let (mut header, mut payload) = (decode(parts[0]), decode(parts[1]));
    change(&mut header, &mut payload);
    format!("{}.{}.{}", engine.encode(header.to_string()), engine.encode(payload.to_string()), parts[2])
}

#[test]
fn a_tampered_token_is_refused() {
    let (server, _image) = with_image("team/app");
    let answer = registry::ask_for_token(&server.client_of(ALICE), &["repository:team/app:pull"]).expect(200).json();
    let token = answer["token"].as_str().unwrap();
    registry::get_manifest(&server.client().bearer(token), "team/app", "1").expect(200);

    let later = forge(token, |_, payload| payload["exp"] = serde_json::json!(4_000_000_000_u64));
    let unsigned = forge(token, |header, _| header["alg"] = serde_json::json!("none"));
    let symmetric = forge(token, |header, _| header["alg"] = serde_json::json!("HS256"));
    let cut = &token[..token.rfind('.').unwrap() + 1];
    for forged in [later.as_str(), &unsigned, &symmetric, cut, "", "x", "a.b.c", &"a".repeat(100_000)] {
        assert_refused(&server.client().bearer(forged));
    }
    assert_refused(&server.client().authorization("Digest username=alice"));
}

fn assert_refused(client: &Client) {
    let answer = client.request("GET", "/v2/team/app/manifests/1").try_send();
    // A header beyond the server's limit is refused before anything reads it.
    assert!(answer.is_err() || answer.is_ok_and(|answer| matches!(answer.status, 400 | 401 | 431)));
}

#[test]
fn a_token_of_another_server_is_refused() {
    let (server, _image) = with_image("team/app");
    let other = Server::start(&Config::standard());
    let answer = registry::ask_for_token(&other.client_of(ALICE), &["repository:team/app:pull"]).expect(200).json();
    let stranger = server.client().bearer(answer["token"].as_str().unwrap());
    registry::get_manifest(&stranger, "team/app", "1").expect_error(&[401], &["UNAUTHORIZED"]);
}

#[test]
fn a_token_stays_good_over_a_restart() {
    let (mut server, image) = with_image("team/app");
    let alice = registry::with_token(&server.client_of(ALICE), &["repository:team/app:pull"]);
    server.restart();
    registry::assert_whole(&alice, "team/app", "1", &image);
}

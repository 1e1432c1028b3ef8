//! Two registries of one host, and what is worth something at one shown at the other. Both have the same plugins, and Alice may do everything
//! at both; but nothing that one of them gave is of use at the other.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::registry::{self, send_json};
use serde_json::json;

use super::{NOBODY, World, access_token, patient, refresh, refresh_token, with_accounts};

const OTHER: &str = "other.test";

fn world() -> World {
    World::with(patient().other_registry(OTHER))
}

/// The client, at the other registry.
fn there(client: &Client) -> Client {
    client.host(OTHER)
}

/// Nothing has come into the other registry, and nothing into the first.
fn assert_untouched(world: World) {
    assert_eq!(registry::repositories(&there(&world.alice())), Vec::<String>::new());
    world.assert_untouched();
}

/// Whatever it is shown for there, nobody is let in.
fn assert_worthless(world: &World, what: &str, client: &Client) {
    for answer in [
        client.get("/v2/"),
        registry::get_manifest(client, "secret/app", "1"),
        registry::get_blob(client, "secret/app", &world.secret.config.digest),
        client.get("/v2/_catalog"),
        client.post("/v2/team/app/blobs/uploads/"),
        registry::put_manifest(client, "team/app", "2", &world.team.manifest),
        client.delete("/acr/v1/team/app"),
        send_json(client, "POST", "/api/v1/registries/other/principals", &json!({ "roles": ["Owner"] })),
        registry::ask_for_token(client, &["repository:secret/app:pull"]),
    ] {
        assert_eq!(answer.status, 401, "{what}: {answer:?}\n{}", answer.text());
        world.assert_nothing_of_the_secret(what, &answer);
    }
}

#[test]
fn a_token_of_one_registry_is_worthless_at_another_of_the_same_host() {
    let world = world();
    let scopes = ["repository:team/app:*", "repository:secret/app:*", "registry:catalog:*", "registry:administration:*"];
    let here = world.server.client();
    let (mine, theirs) = (access_token(&world.alice(), &scopes), access_token(&there(&world.alice()), &scopes));
    assert_worthless(&world, "not seen before", &there(&here.bearer(&mine)));
    assert_worthless(&world, "of the other", &here.bearer(&theirs));
    // Each is good where it is from, and is worth no more elsewhere for having been seen.
    here.bearer(&mine).get("/v2/").expect(200);
    there(&here.bearer(&theirs)).get("/v2/").expect(200);
    assert_worthless(&world, "seen before", &there(&here.bearer(&mine)));
    assert_worthless(&world, "of the other, seen before", &here.bearer(&theirs));
    assert_untouched(world);
}

#[test]
fn a_refresh_token_of_one_registry_is_worthless_at_another() {
    let world = world();
    let token = refresh_token(&world.alice());
    let other = there(&world.server.client());
    for _ in 0..2 {
        refresh(&other, &token, "repository:secret/app:pull").expect(401);
        assert_worthless(&world, "as a password", &other.basic(NOBODY, &token));
        // Good here, so that it has been seen the second time.
        world.server.client().basic(NOBODY, &token).get("/v2/").expect(200);
    }
    assert_untouched(world);
}

#[test]
fn a_token_got_under_another_name_of_the_same_registry_is_worthless_under_this_one() {
    let world = world();
    let token = access_token(&world.alice().host("attacker.test"), &["repository:secret/app:pull"]);
    let bearer = world.server.client().bearer(&token);
    registry::get_manifest(&bearer, "secret/app", "1").expect_error(&[401], &["UNAUTHORIZED"]);
    registry::get_manifest(&bearer.host("attacker2.test"), "secret/app", "1").expect_error(&[401], &["UNAUTHORIZED"]);
    assert_untouched(world);
}

#[test]
fn it_is_the_host_that_chooses_the_registry_whatever_the_request_says_of_it() {
    let world = world();
    let ours = world.server.host();
    let scope = "repository:secret/app:pull";
    // Asked for at the other one, for this one.
    let asked = there(&world.alice()).request("GET", "/oauth2/token").query("service", &ours).query("scope", scope).send();
    let token = asked.expect(200).json()["token"].as_str().unwrap().to_owned();
    registry::get_manifest(&world.server.client().bearer(&token), "secret/app", "1").expect(401);
    // Headers by which proxies tell of hosts are words.
    let mine = access_token(&world.alice(), &[scope]);
    for (name, value) in [
        ("X-Forwarded-Host", ours.clone()),
        ("X-Host", ours.clone()),
        ("X-Original-Host", ours.clone()),
        ("Forwarded", format!("host={ours}")),
        ("X-Forwarded-Server", ours.clone()),
        (":authority", ours.clone()),
    ] {
        for client in [there(&world.server.client().bearer(&mine)), there(&world.alice())] {
            let sent = client.request("GET", "/v2/secret/app/manifests/1").header(name, &value).try_send();
            let Ok(answer) = sent else { continue };
            world.assert_nothing_of_the_secret(name, &answer);
        }
    }
    assert_untouched(world);
}

/// Sends these bytes, and reads whatever comes until the connection is closed.
fn raw(world: &World, head: &str) -> String {
    let mut stream = TcpStream::connect(world.server.client().address()).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A reset ends it, too.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn two_names_of_a_host_in_one_request_do_not_route_to_one_and_authorise_at_the_other() {
    let world = world();
    let ours = world.server.host();
    let mine = access_token(&world.alice(), &["repository:secret/app:pull"]);
    let theirs = access_token(&there(&world.alice()), &["repository:secret/app:pull"]);
    let path = "/v2/secret/app/manifests/1";
    let request = |target: &str, hosts: &[&str], token: &str| {
        let hosts: String = hosts.iter().map(|host| format!("Host: {host}\r\n")).collect();
        raw(&world, &format!("GET {target} HTTP/1.1\r\n{hosts}Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"))
    };
    let digest = &world.secret.manifest.digest;
    let both = format!("{ours}, {OTHER}");
    // The same for the request that is sound.
    assert!(request(path, &[&ours], &mine).contains(digest));
    let absolute = |host: &str| format!("http://{host}{path}");
    for (target, hosts, token) in [
        (path.to_owned(), vec![ours.as_str(), OTHER], &mine),
        (path.to_owned(), vec![OTHER, ours.as_str()], &mine),
        (path.to_owned(), vec![ours.as_str(), OTHER], &theirs),
        (path.to_owned(), vec![OTHER, ours.as_str()], &theirs),
        // The request line counts (RFC 9112, 3.2.2), for all of it.
        (absolute(OTHER), vec![ours.as_str()], &mine),
        (absolute(&ours), vec![OTHER], &theirs),
        (absolute(&ours), vec![ours.as_str()], &theirs),
        (absolute(&format!("{ours}@{OTHER}")), vec![ours.as_str()], &mine),
        (absolute(&format!("{OTHER}@{ours}")), vec![ours.as_str()], &mine),
        (path.to_owned(), vec![both.as_str()], &mine),
        (path.to_owned(), vec![], &mine),
        (path.to_owned(), vec![""], &mine),
    ] {
        let answer = request(&target, &hosts, token);
        assert!(!answer.contains(digest) && !answer.contains(&world.secret.config.digest), "{target} {hosts:?}:\n{answer}");
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(answer.is_empty() || status.starts_with('4'), "{target} {hosts:?}:\n{answer}");
    }
    assert_untouched(world);
}

#[test]
fn an_account_of_one_registry_is_nobody_at_another() {
    let world = World::with(with_accounts().other_registry(OTHER));
    let made = send_json(&world.alice(), "POST", "/api/v1/registries/default/principals", &json!({ "roles": ["Owner"] }));
    let made = made.expect(201).json();
    let owner = world.server.client().basic(made["name"].as_str().unwrap(), made["secret"].as_str().unwrap());
    for _ in 0..2 {
        assert_worthless(&world, "an owner of another registry", &there(&owner));
        registry::get_manifest(&owner, "secret/app", "1").expect(200);
    }
    assert_untouched(world);
}

/// Of the path's registry nothing is told, not even that it is there.
fn assert_no_such_registry(answer: Response) {
    let answer = answer.expect(404);
    assert_eq!(answer.header("Content-Type"), Some("application/problem+json"), "{answer:?}");
    assert!(!answer.text().contains("other"), "{}", answer.text());
}

#[test]
fn an_administrator_of_one_registry_administers_no_other() {
    let world = World::with(with_accounts().other_registry(OTHER));
    let alice = world.alice();
    for named in ["other", "nowhere", "Other", "default/../other"] {
        for (method, what) in [
            ("GET", "principals"),
            ("POST", "principals"),
            ("GET", "tokens"),
            ("GET", "admin"),
            ("PATCH", "admin"),
            ("POST", "explain"),
        ] {
            let target = format!("/api/v1/registries/{named}/{what}");
            let body = json!({ "roles": ["Owner"], "status": "enabled" });
            let answer = match method {
                "GET" => alice.get(&target),
                _ => send_json(&alice, method, &target, &body),
            };
            if named.contains("..") || named == "Other" {
                assert!(matches!(answer.status, 400 | 404), "{answer:?}");
            } else {
                assert_no_such_registry(answer);
            }
        }
    }
    assert_no_such_registry(alice.post("/api/v1/keys/rotate"));
    assert_no_such_registry(there(&alice).get("/api/v1/registries/default/principals"));
    // Who may do everything but that does not get so far.
    send_json(&world.rita(), "POST", "/api/v1/registries/default/principals", &json!({ "roles": ["Owner"] })).expect(403);
    send_json(&world.server.client(), "POST", "/api/v1/registries/default/principals", &json!({ "roles": ["Owner"] }))
        .expect(401);
    for client in [alice.clone(), there(&alice)] {
        let registry = if client.get("/api/v1/registries/other/principals").status == 200 { "other" } else { "default" };
        let listed = client.get(&format!("/api/v1/registries/{registry}/principals")).expect(200).json();
        assert_eq!(listed["value"], json!([]), "{registry}");
    }
    assert_untouched(world);
}

#[test]
fn what_lies_in_one_registry_is_nowhere_in_another() {
    let world = world();
    let (here, other) = (world.alice(), there(&world.alice()));
    let blob = &world.secret.config.digest;
    registry::get_manifest(&other, "secret/app", "1").expect(404);
    registry::get_blob(&other, "secret/app", blob).expect(404);
    registry::put_manifest(&other, "secret/app", "1", &world.secret.manifest).expect_error(&[400], &["MANIFEST_BLOB_UNKNOWN"]);
    for from in ["&from=secret/app", ""] {
        let upload = registry::location(&other.post(&format!("/v2/team/app/blobs/uploads/?mount={blob}{from}")).expect(202));
        other.delete(&upload).expect(204);
    }
    // An upload that is under way here is not there.
    let upload = registry::patch(&here, &registry::begin(&here, "team/app"), b"half");
    let digest = digest::sha256(b"half");
    other.get(&upload).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    other.request("PATCH", &upload).body("more").send().expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    registry::finish(&other, &upload, &digest).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    other.delete(&upload).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    here.delete(&upload).expect(204);
    // Nor does a lock here, or a delete there, reach across.
    other.delete("/acr/v1/secret/app").expect(404);
    other.delete(&format!("/v2/secret/app/manifests/{}", world.secret.manifest.digest)).expect(404);
    assert_untouched(world);
}

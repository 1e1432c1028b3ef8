//! "API": determining support, and what HTTP itself wants of every endpoint.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::ALICE;

use super::{numbered_index, open, push_index};

#[test]
fn the_base_says_that_the_api_is_there() {
    let server = Server::start(&Config::standard());
    let client = server.client_of(ALICE);
    for method in ["GET", "HEAD"] {
        for target in ["/v2/", "/v2"] {
            let answer = client.request(method, target).send().expect(200);
            assert_eq!(answer.header("Docker-Distribution-Api-Version"), Some("registry/2.0"), "{method} {target}");
        }
    }
}

#[test]
fn the_base_asks_for_credentials_where_they_are_needed() {
    let server = Server::start(&Config::standard());
    server.client().get("/v2/").expect_error(&[401], &["UNAUTHORIZED"]);
    let challenge = registry::challenge(&server.client().get("/v2/"));
    assert!(challenge.realm.ends_with("/oauth2/token"), "{challenge:?}");
    server.client_of(ALICE).get("/v2/").expect(200);
    registry::with_token(&server.client_of(ALICE), &[]).get("/v2/").expect(200);
}

#[test]
fn a_method_that_an_endpoint_does_not_have_is_answered_with_those_that_it_has() {
    let (_server, client) = open();
    let index = numbered_index(1);
    push_index(&client, "a/app", "v1", &index);
    let (upload, digest) = (registry::begin(&client, "a/app"), digest::sha256(b""));
    for (method, target, allowed) in [
        ("POST", "/v2/".to_owned(), "GET"),
        ("PUT", "/v2/_catalog".to_owned(), "GET"),
        ("DELETE", "/v2/a/app/tags/list".to_owned(), "GET"),
        ("POST", "/v2/a/app/manifests/v1".to_owned(), "PUT"),
        ("PATCH", format!("/v2/a/app/manifests/{}", index.digest), "DELETE"),
        ("PUT", format!("/v2/a/app/blobs/{digest}"), "GET"),
        ("GET", "/v2/a/app/blobs/uploads/".to_owned(), "POST"),
        ("POST", upload.clone(), "PATCH"),
        ("PUT", format!("/v2/a/app/referrers/{digest}"), "GET"),
    ] {
        let answer = client.request(method, &target).body("").send();
        let allow = answer.header("Allow").map(str::to_owned).unwrap_or_default();
        answer.expect_error(&[405], &["UNSUPPORTED"]);
        assert!(allow.split(',').any(|name| name.trim() == allowed), "{method} {target}: {allow}");
    }
    assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
    client.get(&upload).expect(204);
}

#[test]
fn every_get_of_a_list_has_a_head() {
    let (_server, client) = open();
    let index = numbered_index(1);
    push_index(&client, "a/app", "v1", &index);
    for target in ["/v2/a/app/tags/list".to_owned(), "/v2/_catalog".to_owned(), format!("/v2/a/app/referrers/{}", index.digest)] {
        let (get, head) = (client.get(&target).expect(200), client.head(&target).expect(200));
        assert!(head.body.is_empty(), "{target}");
        assert_eq!(head.header("Content-Type"), get.header("Content-Type"), "{target}");
        assert!(head.header("Content-Length").is_none_or(|length| length == get.body.len().to_string()), "{target}");
    }
}

//! "Error Codes": the form of every refusal.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::{ALICE, RITA};

use super::{numbered_index, open, push_index};

/// The specification's list, and the two that it takes over from Docker's registry or leaves to it: of a tag outside the grammar
/// ("Legacy Docker support error codes"), and of a page's size.
const CODES: [&str; 16] = [
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "UNAUTHORIZED",
    "DENIED",
    "UNSUPPORTED",
    "TOOMANYREQUESTS",
    "TAG_INVALID",
    "PAGINATION_NUMBER_INVALID",
];

fn assert_in_form(answer: &Response, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    assert!(answer.header("Content-Type").is_some_and(|value| value.starts_with("application/json")), "{what}: {answer:?}");
    let body = answer.json();
    let members: Vec<&String> = body.as_object().expect("an error is an object").keys().collect();
    assert_eq!(members, ["errors"], "{what}");
    let errors = body["errors"].as_array().expect("errors are a list");
    assert!(!errors.is_empty(), "{what}");
    for error in errors {
        let code = error["code"].as_str().expect("an error has a code");
        assert!(CODES.contains(&code), "{what}: {code}");
        assert!(
            error.get("message").is_none_or(|message| message.as_str().is_some_and(|text| !text.is_empty())),
            "{what}: {body}"
        );
        assert!(
            error.as_object().unwrap().keys().all(|key| ["code", "message", "detail"].contains(&key.as_str())),
            "{what}: {body}"
        );
    }
}

fn put(client: &Client, target: &str, body: &str) -> Response {
    client.request("PUT", target).header("Content-Type", "application/vnd.oci.image.index.v1+json").body(body).send()
}

#[test]
fn every_refusal_has_the_form_and_a_code_of_the_list() {
    let (_server, client) = open();
    let index = numbered_index(1);
    push_index(&client, "a/app", "v1", &index);
    let (nothing, absent) = (digest::sha256(b"nothing"), "6f1c1d3a-0000-4000-8000-000000000000");
    for target in [
        "/v2/a/app/manifests/v2".to_owned(),
        format!("/v2/a/app/manifests/{nothing}"),
        "/v2/a/app/manifests/sha256:short".to_owned(),
        "/v2/a/nowhere/manifests/v1".to_owned(),
        format!("/v2/a/app/blobs/{nothing}"),
        "/v2/a/app/blobs/sha256:short".to_owned(),
        format!("/v2/a/app/blobs/uploads/{absent}"),
        "/v2/a/nowhere/tags/list".to_owned(),
        "/v2/a/app/tags/list?n=-1".to_owned(),
        "/v2/_catalog?n=ten".to_owned(),
        "/v2/a/app/referrers/sha256:short".to_owned(),
        "/v2/A/app/tags/list".to_owned(),
        "/v2/a/app/nothing/here".to_owned(),
    ] {
        assert_in_form(&client.get(&target), &target);
    }
    let upload = registry::begin(&client, "a/app");
    for (answer, what) in [
        (put(&client, "/v2/a/app/manifests/v2", "no manifest"), "no manifest"),
        (put(&client, "/v2/a/app/manifests/.bad", "{}"), "no tag"),
        (put(&client, &format!("/v2/a/app/manifests/{nothing}"), &String::from_utf8_lossy(&index.bytes)), "another digest"),
        (put(&client, &format!("{upload}?digest={nothing}"), "bytes"), "a blob of another digest"),
        (client.request("PATCH", &upload).header("Content-Range", "7-9").body("xyz").send(), "a chunk out of order"),
        (client.request("PATCH", "/v2/a/app/tags/list").body("").send(), "a method that does not exist"),
        (client.delete("/v2/a/app/manifests/v2"), "nothing to delete"),
    ] {
        assert_in_form(&answer, what);
    }
}

#[test]
fn who_is_not_let_in_is_told_in_the_same_form() {
    let server = Server::start(&Config::standard());
    push_index(&server.client_of(ALICE), "team/app", "v1", &numbered_index(1));
    let anonymous = server.client();
    for (answer, what) in [
        (anonymous.get("/v2/"), "the base"),
        (anonymous.get("/v2/team/app/manifests/v1"), "a manifest"),
        (anonymous.post("/v2/team/app/blobs/uploads/"), "an upload"),
        (anonymous.basic("alice", "wrong").get("/v2/team/app/manifests/v1"), "a wrong password"),
    ] {
        assert_in_form(&answer, what);
        assert!(answer.header("WWW-Authenticate").is_some(), "{what}");
        answer.expect_error(&[401], &["UNAUTHORIZED"]);
    }
    let denied = put(&server.client_of(RITA), "/v2/team/app/manifests/v2", &String::from_utf8_lossy(&numbered_index(2).bytes));
    assert_in_form(&denied, "a push without the right");
    denied.expect_error(&[403], &["DENIED"]);
    assert_eq!(registry::tags(&server.client_of(ALICE), "team/app"), ["v1"]);
}

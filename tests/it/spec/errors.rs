//! "Error Codes". The harness holds every refusal of every test against the form; here is one of each kind, so that none goes unseen.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::{self, Image, media};
use bulkhead_tests::refusal::assert_in_form;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::{ALICE, RITA};

use serde_json::json;

use super::{numbered_index, open, open_with, push_index};

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
        assert_in_form(&target, &client.get(&target));
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
        assert_in_form(what, &answer);
    }
}

#[test]
fn a_refusal_of_every_status_has_the_form() {
    let write_once = Config::open()
        .plugin("write-once", "component = \"builtin:policy-immutable-tags\"\nconfig.tags = [\"v*\"]")
        .registry("admission", "[\"write-once\"]");
    let (_server, client) = open_with(&write_once);
    let (image, other) = (Image::oci(1, &[10]), numbered_index(1));
    registry::push_image(&client, "a/app", "v1", &image);
    let layer = format!("/v2/a/app/blobs/{}", image.layers[0].digest);
    let by_digest = format!("/v2/a/app/manifests/{}", other.digest);
    let body = String::from_utf8_lossy(&other.bytes).into_owned();
    let large = image::empty_index(&json!({ "annotations": { "padding": "x".repeat(5 * 1024 * 1024) } }));
    let tags: Vec<String> = (0..101).map(|number| format!("tag=t{number}")).collect();
    let put_if_match = client.request("PUT", &by_digest).header("Content-Type", media::OCI_INDEX).header("If-Match", "\"other\"");
    for (status, answer) in [
        (403, put(&client, "/v2/a/app/manifests/v1", &body)),
        (406, registry::get_accepting(&client, "a/app", "v1", media::DOCKER_MANIFEST)),
        (409, client.delete(&layer)),
        (412, put_if_match.body(body.clone()).send()),
        (412, client.request("GET", &layer).header("If-Match", "\"other\"").send()),
        (413, put(&client, "/v2/a/app/manifests/large", &String::from_utf8_lossy(&large.bytes))),
        (414, put(&client, &format!("{by_digest}?{}", tags.join("&")), &body)),
        (416, client.request("GET", &layer).header("Range", "bytes=10-").send()),
    ] {
        assert_eq!(answer.status, status, "{answer:?}");
        assert_in_form(&status.to_string(), &answer);
    }
    assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
    registry::assert_whole(&client, "a/app", "v1", &image);

    let (_server, client) = open_with(&Config::open().registry("deletes.enabled", "false"));
    push_index(&client, "a/app", "v1", &other);
    for target in [by_digest.as_str(), "/v2/a/app/manifests/v1", layer.as_str(), "/acr/v1/a/app"] {
        assert_in_form(target, &client.delete(target).expect(405));
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
        assert_in_form(what, &answer);
        assert!(answer.header("WWW-Authenticate").is_some(), "{what}");
        answer.expect_error(&[401], &["UNAUTHORIZED"]);
    }
    let denied = put(&server.client_of(RITA), "/v2/team/app/manifests/v2", &String::from_utf8_lossy(&numbered_index(2).bytes));
    assert_in_form("a push without the right", &denied);
    denied.expect_error(&[403], &["DENIED"]);
    assert_eq!(registry::tags(&server.client_of(ALICE), "team/app"), ["v1"]);
}

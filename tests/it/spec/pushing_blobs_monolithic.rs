//! "Pushing blobs" and "Pushing a blob monolithically".

use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::registry;

use super::{assert_digest, open};

const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

/// The answer's Location leads to these bytes.
fn assert_pullable(client: &Client, answer: &Response, bytes: &[u8]) {
    let pulled = client.get(&registry::location(answer)).expect(200);
    assert!(pulled.body == bytes, "the Location leads to other bytes");
}

fn post_whole(client: &Client, digest: &str, bytes: &[u8]) -> Response {
    client.request("POST", "/v2/a/app/blobs/uploads/").query("digest", digest).header(OCTETS.0, OCTETS.1).body(bytes).send()
}

/// The part of the Location that is 128 bits in hexadecimal digits, with the hyphens of RFC 9562 or without.
fn uuid(location: &str) -> Option<String> {
    let is_uuid = |text: &&str| {
        let groups = text.split('-').map(str::len);
        let shaped = groups.clone().eq([8, 4, 4, 4, 12]) || groups.eq([32]);
        shaped && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
    };
    location.split(['/', '?', '=', '&']).find(is_uuid).map(str::to_owned)
}

#[test]
fn an_upload_begins_at_a_location_with_a_uuid_of_its_own() {
    let (_server, client) = open();
    let begin = || registry::location(&client.post("/v2/a/app/blobs/uploads/").expect(202));
    let (one, two) = (begin(), begin());
    assert!(uuid(&one).is_some(), "{one}");
    assert_ne!(uuid(&one), uuid(&two));
    // The path without its last slash, as some clients have it.
    client.post("/v2/a/app/blobs/uploads").expect(202);
}

#[test]
fn a_blob_of_a_post_and_a_put_is_pullable_at_its_location() {
    let (_server, client) = open();
    for size in [0, 1, 100_000] {
        let bytes = Pattern::bytes(size as u64, size);
        let digest = digest::sha256(&bytes);
        let upload = registry::begin(&client, "a/app");
        let done = client
            .request("PUT", &upload)
            .query("digest", &digest)
            .header(OCTETS.0, OCTETS.1)
            .body(bytes.clone())
            .send()
            .expect(201);
        assert_digest(&done, &digest);
        assert_pullable(&client, &done, &bytes);
    }
}

#[test]
fn a_blob_of_a_single_post_is_pullable_at_its_location_under_either_algorithm() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(1, 10_000);
    for digest in [digest::sha256(&bytes), digest::sha512(&bytes)] {
        let done = post_whole(&client, &digest, &bytes).expect(201);
        assert_digest(&done, &digest);
        assert_pullable(&client, &done, &bytes);
    }
    let again = post_whole(&client, &digest::sha256(&bytes), &bytes).expect(201);
    assert_pullable(&client, &again, &bytes);
}

#[test]
fn a_single_post_whose_length_or_digest_is_not_that_of_its_body_stores_nothing() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(1, 1000);
    let digest = digest::sha256(&bytes);
    post_whole(&client, &digest::sha256(b"other"), &bytes).expect_error(&[400], &["DIGEST_INVALID"]);
    post_whole(&client, &digest, &bytes[..999]).expect_error(&[400], &["DIGEST_INVALID"]);
    let request = client.request("POST", "/v2/a/app/blobs/uploads/").query("digest", &digest);
    let cut = request.cut_short(bytes.clone(), 1001).try_send();
    assert!(cut.is_err() || cut.is_ok_and(|answer| answer.status >= 400));
    for digest in [digest, digest::sha256(b"other")] {
        registry::get_blob(&client, "a/app", &digest).expect_error(&[404], &["BLOB_UNKNOWN", "NAME_UNKNOWN"]);
    }
}

#[test]
fn a_digest_of_an_unsupported_algorithm_is_refused_at_every_way_in() {
    let (_server, client) = open();
    let bytes = b"bytes";
    for digest in ["md5:4b3a6218bb3e3a7303e8a171a60fcf92", "sha384:00", "blake3:00", "sha256:zz", "no digest"] {
        post_whole(&client, digest, bytes).expect_error(&[400], &["DIGEST_INVALID"]);
        let upload = registry::begin(&client, "a/app");
        client.request("PUT", &upload).query("digest", digest).body(bytes).send().expect_error(&[400], &["DIGEST_INVALID"]);
        client
            .request("POST", "/v2/a/app/blobs/uploads/")
            .query("mount", digest)
            .body("")
            .send()
            .expect_error(&[400], &["DIGEST_INVALID"]);
    }
    let unknown = client.request("POST", "/v2/a/app/blobs/uploads/").query("digest-algorithm", "md5").body("").send();
    assert_eq!(unknown.header("Location"), None, "an upload began");
    unknown.expect_error(&[400], &["DIGEST_INVALID", "UNSUPPORTED"]);
    registry::get_blob(&client, "a/app", &digest::sha256(bytes)).expect(404);
}

//! "Pushing a blob in chunks".

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::Image;
use bulkhead_tests::registry;

use super::{assert_digest, open, open_with};

/// A chunk as the specification has it: with its place and its length.
fn chunk(client: &Client, upload: &str, first: usize, bytes: &[u8]) -> Response {
    client
        .request("PATCH", upload)
        .header("Content-Type", "application/octet-stream")
        .header("Content-Range", &format!("{first}-{}", first + bytes.len() - 1))
        .body(bytes)
        .send()
}

/// The last chunk, in the request that ends the upload.
fn last_chunk(client: &Client, upload: &str, digest: &str, first: usize, bytes: &[u8]) -> Response {
    client
        .request("PUT", upload)
        .query("digest", digest)
        .header("Content-Type", "application/octet-stream")
        .header("Content-Range", &format!("{first}-{}", first + bytes.len() - 1))
        .body(bytes)
        .send()
}

fn have(answer: &Response) -> usize {
    let range = answer.header("Range").expect("an upload has a Range");
    range.strip_prefix("0-").and_then(|end| end.parse::<usize>().ok()).expect(range) + 1
}

#[test]
fn every_answer_about_an_upload_says_where_it_goes_on_and_how_far_it_is() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(1, 5000);
    let digest = digest::sha256(&bytes);
    let begun = client.post("/v2/a/app/blobs/uploads/").expect(202);
    let first = chunk(&client, &registry::location(&begun), 0, &bytes[..2000]).expect(202);
    assert_eq!(first.header("Range"), Some("0-1999"));
    let status = client.get(&registry::location(&first)).expect(204);
    assert_eq!(status.header("Range"), Some("0-1999"));
    let second = chunk(&client, &registry::location(&status), 2000, &bytes[2000..4000]).expect(202);
    assert_eq!(second.header("Range"), Some("0-3999"));
    let done = last_chunk(&client, &registry::location(&second), &digest, 4000, &bytes[4000..]).expect(201);
    assert_eq!(client.get(&registry::location(&done)).expect(200).body, bytes);
}

#[test]
fn an_active_upload_tells_where_it_goes_on_and_how_far_it_is() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(8, 1000);
    let mut upload = registry::begin(&client, "a/app");
    for (first, end) in [(0, 1), (1, 500), (500, 1000)] {
        upload = registry::location(&chunk(&client, &upload, first, &bytes[first..end]).expect(202));
        // Asking changes nothing, however often.
        for _ in 0..2 {
            let status = client.get(&upload).expect(204);
            assert_eq!(status.header("Range"), Some(format!("0-{}", end - 1).as_str()));
            assert!(status.header("Location").is_some_and(|place| place.contains("/v2/a/app/blobs/uploads/")), "{status:?}");
            upload = registry::location(&status);
        }
    }
    let digest = digest::sha256(&bytes);
    registry::finish(&client, &upload, &digest).expect(201);
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).body, bytes);
}

#[test]
fn an_upload_without_bytes_has_the_range_of_one_and_takes_the_first_chunk() {
    let (_server, client) = open();
    let begun = client.post("/v2/a/app/blobs/uploads/").expect(202);
    let status = client.get(&registry::location(&begun)).expect(204);
    let emptied = client.request("PATCH", &registry::location(&status)).body("").send().expect(202);
    for answer in [&begun, &status, &emptied] {
        assert_eq!(answer.header("Range"), Some("0-0"), "{answer:?}");
    }
    // Not so with a byte in it, which the same `Range` is the true one of.
    let one = chunk(&client, &registry::location(&emptied), 0, b"b").expect(202);
    assert_eq!(one.header("Range"), Some("0-0"));
    assert_eq!(chunk(&client, &registry::location(&one), 0, b"b").status, 416);
    let digest = digest::sha256(b"bytes");
    last_chunk(&client, &registry::location(&one), &digest, 1, b"ytes").expect(201);
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).text(), "bytes");
}

#[test]
fn a_chunk_out_of_order_is_refused_with_the_place_to_go_on_at() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(2, 3000);
    let digest = digest::sha256(&bytes);
    let upload = registry::begin(&client, "a/app");
    assert_eq!(chunk(&client, &upload, 1, &bytes[1..1000]).status, 416, "the first chunk begins with 0");
    let upload = registry::location(&chunk(&client, &upload, 0, &bytes[..1000]).expect(202));
    for first in [0, 500, 999, 1001, 2000] {
        let refused = chunk(&client, &upload, first, &bytes[first..first + 500]).expect(416);
        assert_eq!(have(&refused), 1000, "{first}");
        assert_eq!(have(&client.get(&registry::location(&refused)).expect(204)), 1000, "{first}");
    }
    for first in [0, 2000] {
        assert_eq!(last_chunk(&client, &upload, &digest, first, &bytes[first..]).status, 416, "{first}");
        registry::get_blob(&client, "a/app", &digest).expect(404);
    }
    let status = client.get(&upload).expect(204);
    assert_eq!(have(&status), 1000, "a refused end leaves the upload as it was");
    last_chunk(&client, &registry::location(&status), &digest, 1000, &bytes[1000..]).expect(201);
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).body, bytes);
}

#[test]
fn the_least_length_of_a_chunk_is_announced_where_it_is_set_and_smaller_ones_are_taken() {
    let (_server, client) = open_with(&Config::open().registry("uploads.chunk-min", "\"1MiB\""));
    let begun = client.post("/v2/a/app/blobs/uploads/").expect(202);
    assert_eq!(begun.header("OCI-Chunk-Min-Length"), Some("1048576"));
    let small = chunk(&client, &registry::location(&begun), 0, b"small").expect(202);
    let digest = digest::sha256(b"small");
    registry::finish(&client, &registry::location(&small), &digest).expect(201);
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).text(), "small");

    let (_server, client) = open();
    assert_eq!(client.post("/v2/a/app/blobs/uploads/").expect(202).header("OCI-Chunk-Min-Length"), None);
}

#[test]
fn an_upload_announced_as_sha512_ends_under_sha512() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(3, 9000);
    let (sha256, sha512) = (digest::sha256(&bytes), digest::sha512(&bytes));
    let begun = client.post("/v2/a/app/blobs/uploads/?digest-algorithm=sha512").expect(202);
    let first = chunk(&client, &registry::location(&begun), 0, &bytes[..5000]).expect(202);
    let done = last_chunk(&client, &registry::location(&first), &sha512, 5000, &bytes[5000..]).expect(201);
    assert_digest(&done, &sha512);
    assert!(registry::location(&done).contains(&sha512));

    let begun = client.post("/v2/a/app/blobs/uploads/?digest-algorithm=sha256").expect(202);
    let first = chunk(&client, &registry::location(&begun), 0, &bytes).expect(202);
    registry::finish(&client, &registry::location(&first), &sha256).expect(201);
    for digest in [&sha256, &sha512] {
        assert_eq!(registry::get_blob(&client, "a/app", digest).expect(200).body, bytes, "{digest}");
    }
}

#[test]
fn the_end_of_an_upload_names_the_digest_of_the_whole() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(4, 2000);
    let first = chunk(&client, &registry::begin(&client, "a/app"), 0, &bytes[..1000]).expect(202);
    let upload = registry::location(&first);
    client.request("PUT", &upload).body("").send().expect_error(&[400], &["DIGEST_INVALID"]);
    assert_eq!(have(&client.get(&upload).expect(204)), 1000, "an end without a digest leaves the upload as it was");
    let of_chunk = digest::sha256(&bytes[1000..]);
    last_chunk(&client, &upload, &of_chunk, 1000, &bytes[1000..]).expect_error(&[400], &["DIGEST_INVALID"]);
    for digest in [of_chunk, digest::sha256(&bytes)] {
        registry::get_blob(&client, "a/app", &digest).expect(404);
    }
}

#[test]
fn a_push_in_chunks_goes_on_after_a_broken_connection_and_a_restart() {
    let (mut server, client) = open();
    let image = Image::oci(5, &[2_000_000]);
    let (layer, digest) = (&image.layers[0].bytes, &image.layers[0].digest);
    registry::push_blob(&client, "a/app", &image.config.bytes);

    let first = chunk(&client, &registry::begin(&client, "a/app"), 0, &layer[..500_000]).expect(202);
    // The connection breaks within a chunk: what of it came may count, or not.
    let broken = client.request("PATCH", &registry::location(&first)).header("Content-Range", "500000-1499999");
    broken.cut_short(&layer[500_000..900_000], 1_000_000).try_send().ok();
    server.restart();

    let status = client.get(&registry::location(&first)).expect(204);
    let have_bytes = have(&status);
    assert!((500_000..=900_000).contains(&have_bytes), "{have_bytes}");
    let upload = registry::location(&status);
    assert_eq!(chunk(&client, &upload, 0, &layer[..500_000]).status, 416, "what is there already");
    let second = chunk(&client, &upload, have_bytes, &layer[have_bytes..1_700_000]).expect(202);
    assert_eq!(have(&second), 1_700_000);
    server.kill9();
    server.restart();
    assert_eq!(have(&client.get(&registry::location(&second)).expect(204)), 1_700_000, "what was acknowledged is there");
    last_chunk(&client, &registry::location(&second), digest, 1_700_000, &layer[1_700_000..]).expect(201);

    registry::put_manifest(&client, "a/app", "v1", &image.manifest).expect(201);
    registry::assert_whole(&client, "a/app", "v1", &image);
}

#[test]
fn an_upload_announced_as_sha512_goes_on_after_a_restart() {
    let (mut server, client) = open();
    let bytes = Pattern::bytes(6, 300_001);
    let digest = digest::sha512(&bytes);
    let begun = client.post("/v2/a/app/blobs/uploads/?digest-algorithm=sha512").expect(202);
    let first = chunk(&client, &registry::location(&begun), 0, &bytes[..100_003]).expect(202);
    server.restart();
    let status = client.get(&registry::location(&first)).expect(204);
    assert_eq!(have(&status), 100_003);
    last_chunk(&client, &registry::location(&status), &digest, 100_003, &bytes[100_003..]).expect(201);
    assert!(registry::get_blob(&client, "a/app", &digest).expect(200).body == bytes, "the bytes differ");
}

#[test]
fn chunks_of_two_uploads_of_the_same_blob_do_not_mix() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(7, 4000);
    let digest = digest::sha256(&bytes);
    let (one, two) = (registry::begin(&client, "a/app"), registry::begin(&client, "a/app"));
    let one = registry::location(&chunk(&client, &one, 0, &bytes[..1000]).expect(202));
    let two = registry::location(&chunk(&client, &two, 0, &bytes[..3000]).expect(202));
    last_chunk(&client, &two, &digest, 3000, &bytes[3000..]).expect(201);
    last_chunk(&client, &one, &digest, 1000, &bytes[1000..]).expect(201);
    let pulled = registry::get_blob(&client, "a/app", &digest).expect(200);
    assert_eq!(pulled.body, bytes);
}

//! "Cancel a blob upload", and what becomes of uploads that nobody cancels.

use std::path::Path;

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

use super::{open, open_with};

/// All bytes of files below the storage's folder.
fn stored_bytes(server: &Server) -> u64 {
    fn below(folder: &Path) -> u64 {
        // An entry may go while it is looked at.
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| if entry.path().is_dir() { below(&entry.path()) } else { entry.metadata().map_or(0, |file| file.len()) })
            .sum()
    }
    below(&server.folder().join("data/blobs"))
}

#[test]
fn a_cancelled_upload_gives_its_space_back() {
    let (server, client) = open();
    let bytes = Pattern::bytes(1, 200_000);
    let upload = registry::patch(&client, &registry::begin(&client, "a/app"), &bytes);
    assert!(stored_bytes(&server) >= 200_000, "an upload that was acknowledged is on the disk");
    let cancelled = client.delete(&upload).expect(204);
    assert!(cancelled.body.is_empty());
    server.wait_until("the upload's bytes to go", || stored_bytes(&server) == 0);
    registry::get_blob(&client, "a/app", &digest::sha256(&bytes)).expect(404);
}

#[test]
fn an_upload_is_cancelled_before_its_first_byte() {
    let (_server, client) = open();
    let upload = registry::begin(&client, "a/app");
    client.request("DELETE", &upload).body("").send().expect(204);
    client.get(&upload).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
}

#[test]
fn an_upload_that_did_not_grow_in_its_lifetime_is_dropped_with_its_bytes() {
    let (server, client) = open_with(&Config::open().registry("uploads.lifetime", "\"1s\""));
    let bytes = Pattern::bytes(2, 200_000);
    let kept = registry::push_blob(&client, "a/app", b"finished");
    let upload = registry::patch(&client, &registry::begin(&client, "a/app"), &bytes);
    server.wait_until("the upload to expire", || client.get(&upload).status == 404);
    client.get(&upload).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    client.request("PATCH", &upload).body("more").send().expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    registry::finish(&client, &upload, &digest::sha256(&bytes)).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    server.wait_until("the upload's bytes to go", || stored_bytes(&server) < 200_000);
    registry::get_blob(&client, "a/app", &digest::sha256(&bytes)).expect(404);
    assert_eq!(registry::get_blob(&client, "a/app", &kept).expect(200).text(), "finished");
}

#[test]
fn an_upload_expires_though_the_server_was_away() {
    let (mut server, client) = open_with(&Config::open().registry("uploads.lifetime", "\"1s\""));
    let upload = registry::patch(&client, &registry::begin(&client, "a/app"), &Pattern::bytes(3, 200_000));
    server.restart();
    server.wait_until("the upload to expire", || client.get(&upload).status == 404);
    server.wait_until("the upload's bytes to go", || stored_bytes(&server) < 200_000);
}

//! skopeo copies images there and back without changing a byte.

use std::path::Path;

use bulkhead_tests::config::Config;
use bulkhead_tests::image::{self, Blob, media};
use bulkhead_tests::places::TempDir;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::skopeo::{self, credentials};
use bulkhead_tests::users::ALICE;
use serde_json::json;

fn config(media_type: &str, os: &str, diff_ids: &[&str]) -> Blob {
    Blob::json(
        media_type,
        &json!({ "architecture": "amd64", "os": os, "config": {}, "rootfs": { "type": "layers", "diff_ids": diff_ids } }),
    )
}

/// An OCI image of one layer, written as a layout; what it consists of.
fn write_linux_image(folder: &Path, text: &str) -> [Blob; 3] {
    let (layer, diff_id) = skopeo::layer(media::OCI_LAYER, text);
    let config = config(media::OCI_CONFIG, "linux", &[&diff_id]);
    let manifest = Blob::json(media::OCI_MANIFEST, &image::manifest(media::OCI_MANIFEST, &config, vec![layer.descriptor()]));
    skopeo::write_layout(folder, &manifest, "1", &[&layer, &config]);
    [manifest, config, layer]
}

fn to_registry(server: &Server, from: &Path, name: &str) {
    let (source, target) = (format!("oci:{}:1", from.display()), format!("docker://{}/{name}", server.host()));
    skopeo::run(&["copy", "--all", "--dest-tls-verify=false", "--dest-creds", &credentials(ALICE), &source, &target])
        .expect_success();
}

fn from_registry(server: &Server, name: &str, to: &Path) {
    let (source, target) = (format!("docker://{}/{name}", server.host()), format!("oci:{}:1", to.display()));
    skopeo::run(&["copy", "--all", "--src-tls-verify=false", "--src-creds", &credentials(ALICE), &source, &target])
        .expect_success();
}

#[test]
fn skopeo_copies_an_image_there_and_back_byte_for_byte() {
    let server = Server::start(&Config::standard());
    let (sent, received) = (TempDir::new(), TempDir::new());
    let [manifest, config, layer] = write_linux_image(sent.path(), "byte for byte");

    to_registry(&server, sent.path(), "team/tool:1");
    from_registry(&server, "team/tool:1", received.path());

    let (entry, bytes) = skopeo::read_layout(received.path());
    assert_eq!(entry["digest"], manifest.digest);
    assert_eq!(bytes, manifest.bytes);
    for blob in [config, layer] {
        let name = blob.digest.strip_prefix("sha256:").unwrap();
        assert_eq!(std::fs::read(received.path().join("blobs/sha256").join(name)).unwrap(), blob.bytes);
    }
}

#[test]
fn skopeo_lists_tags_and_deletes_an_image() {
    let server = Server::start(&Config::standard());
    let folder = TempDir::new();
    write_linux_image(folder.path(), "lists and deletes");
    to_registry(&server, folder.path(), "team/tool:first");
    to_registry(&server, folder.path(), "team/tool:second");

    let repository = format!("docker://{}/team/tool", server.host());
    let listed = skopeo::run(&["list-tags", "--tls-verify=false", "--creds", &credentials(ALICE), &repository]).expect_success();
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["Tags"], json!(["first", "second"]));

    let tagged = format!("{repository}:first");
    skopeo::run(&["delete", "--tls-verify=false", "--creds", &credentials(ALICE), &tagged]).expect_success();
    let client = server.client_of(ALICE);
    registry::get_manifest(&client, "team/tool", "first").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    registry::get_manifest(&client, "team/tool", "second").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
}

#[test]
fn skopeo_copies_an_index_of_linux_and_windows_with_a_foreign_layer() {
    let server = Server::start(&Config::standard());
    let (sent, received) = (TempDir::new(), TempDir::new());

    let (linux_layer, linux_diff) = skopeo::layer(media::OCI_LAYER, "linux");
    let linux_config = config(media::OCI_CONFIG, "linux", &[&linux_diff]);
    let linux =
        Blob::json(media::OCI_MANIFEST, &image::manifest(media::OCI_MANIFEST, &linux_config, vec![linux_layer.descriptor()]));
    let (windows_layer, windows_diff) = skopeo::layer(media::OCI_LAYER, "windows");
    let foreign = image::foreign_layer(media::OCI_FOREIGN_LAYER, 7);
    let windows_config = config(media::OCI_CONFIG, "windows", &[foreign["digest"].as_str().unwrap(), &windows_diff]);
    let windows = Blob::json(
        media::OCI_MANIFEST,
        &image::manifest(media::OCI_MANIFEST, &windows_config, vec![foreign.clone(), windows_layer.descriptor()]),
    );
    let index = image::index(media::OCI_INDEX, &[(&linux, "linux"), (&windows, "windows")]);
    let parts = [&linux_layer, &linux_config, &linux, &windows_layer, &windows_config, &windows];
    skopeo::write_layout(sent.path(), &index, "1", &parts);

    to_registry(&server, sent.path(), "team/both:1");
    from_registry(&server, "team/both:1", received.path());

    let (entry, bytes) = skopeo::read_layout(received.path());
    assert_eq!((entry["digest"].as_str(), bytes), (Some(index.digest.as_str()), index.bytes));
    for blob in parts {
        let name = blob.digest.strip_prefix("sha256:").unwrap();
        assert_eq!(std::fs::read(received.path().join("blobs/sha256").join(name)).unwrap(), blob.bytes);
    }
    let missing = registry::get_blob(&server.client_of(ALICE), "team/both", foreign["digest"].as_str().unwrap());
    missing.expect_error(&[404], &["BLOB_UNKNOWN"]);
}

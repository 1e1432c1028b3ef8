//! What may be pushed, and how it is shown afterwards.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::image::{self, Blob, Image, media};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use serde_json::json;

#[test]
fn every_kind_of_manifest_comes_back_as_it_was_pushed() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let (docker, oci) = (Image::docker(1, &[2000, 10]), Image::oci(2, &[3000]));
    registry::push_image(&client, "a/docker", "1", &docker);
    registry::push_image(&client, "a/oci", "1", &oci);
    registry::assert_whole(&client, "a/docker", "1", &docker);
    registry::assert_whole(&client, "a/oci", "1", &oci);
    registry::assert_whole(&client, "a/oci", &oci.manifest.digest, &oci);

    registry::push_image(&client, "a/docker", "2", &Image::docker(3, &[1]));
    let second = Image::docker(3, &[1]);
    let list = image::index(media::DOCKER_LIST, &[(&docker.manifest, "linux"), (&second.manifest, "windows")]);
    registry::put_manifest(&client, "a/docker", "both", &list).expect(201);
    let pulled = registry::get_manifest(&client, "a/docker", "both").expect(200);
    assert_eq!((pulled.header("Content-Type"), pulled.body.as_slice()), (Some(media::DOCKER_LIST), list.bytes.as_slice()));

    let index = image::index(media::OCI_INDEX, &[(&oci.manifest, "linux")]);
    registry::put_manifest(&client, "a/oci", &index.digest, &index).expect(201);
    let pulled = registry::get_manifest(&client, "a/oci", &index.digest).expect(200);
    assert_eq!((pulled.header("Content-Type"), pulled.body.as_slice()), (Some(media::OCI_INDEX), index.bytes.as_slice()));
}

#[test]
fn a_windows_manifest_is_taken_without_its_foreign_layers() {
    let server = Server::start(&Config::open());
    let client = server.client();
    for (manifest_type, foreign_type) in
        [(media::DOCKER_MANIFEST, media::DOCKER_FOREIGN_LAYER), (media::OCI_MANIFEST, media::OCI_FOREIGN_LAYER)]
    {
        let base = if manifest_type == media::DOCKER_MANIFEST { Image::docker(5, &[100]) } else { Image::oci(5, &[100]) };
        let layers = vec![image::foreign_layer(foreign_type, 9), base.layers[0].descriptor()];
        let manifest = Blob::json(manifest_type, &image::manifest(manifest_type, &base.config, layers));
        for blob in base.blobs() {
            registry::push_blob(&client, "windows/core", &blob.bytes);
        }
        registry::put_manifest(&client, "windows/core", "ltsc2022", &manifest).expect(201);
        assert_eq!(registry::get_manifest(&client, "windows/core", "ltsc2022").expect(200).body, manifest.bytes);
    }
}

#[test]
fn a_tag_moves_to_what_was_pushed_last_and_the_older_image_stays_under_its_digest() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let (old, new) = (Image::oci(11, &[500]), Image::oci(12, &[500]));
    registry::push_image(&client, "a/app", "latest", &old);
    registry::push_image(&client, "a/app", "latest", &new);
    registry::assert_whole(&client, "a/app", "latest", &new);
    registry::assert_whole(&client, "a/app", &old.manifest.digest, &old);
    assert_eq!(registry::tags(&client, "a/app"), ["latest"]);
}

#[test]
fn a_blob_is_visible_only_in_the_repositories_that_it_was_pushed_to() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let digest = registry::push_blob(&client, "a/one", b"of one repository");
    registry::get_blob(&client, "a/one", &digest).expect(200);
    registry::get_blob(&client, "a/two", &digest).expect_error(&[404], &["BLOB_UNKNOWN", "NAME_UNKNOWN"]);
    assert_eq!(client.head(&format!("/v2/a/two/blobs/{digest}")).status, 404);
}

#[test]
fn an_empty_blob_and_a_sha512_digest_are_taken() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let empty = registry::push_blob(&client, "a/app", b"");
    let pulled = registry::get_blob(&client, "a/app", &empty).expect(200);
    assert_eq!((pulled.body.len(), pulled.header("Content-Length")), (0, Some("0")));

    let bytes = Pattern::bytes(21, 5000);
    let digest = digest::sha512(&bytes);
    let upload = registry::patch(&client, &registry::begin(&client, "a/app"), &bytes);
    let done = registry::finish(&client, &upload, &digest).expect(201);
    assert_eq!(done.header("Docker-Content-Digest"), Some(digest.as_str()));
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).body, bytes);
}

#[test]
fn pushing_the_same_image_twice_changes_nothing() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::oci(31, &[4000, 20]);
    registry::push_image(&client, "a/app", "1", &image);
    registry::push_image(&client, "a/app", "1", &image);
    registry::assert_whole(&client, "a/app", "1", &image);
    assert_eq!(registry::tags(&client, "a/app"), ["1"]);
}

#[test]
fn an_artifact_with_an_empty_config_is_taken() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let config = Blob::new("application/vnd.oci.empty.v1+json", b"{}".to_vec());
    let content = Blob::new("application/vnd.example.thing+json", b"[1,2,3]".to_vec());
    registry::push_blob(&client, "a/thing", &config.bytes);
    registry::push_blob(&client, "a/thing", &content.bytes);
    let manifest = Blob::json(
        media::OCI_MANIFEST,
        &json!({ "schemaVersion": 2, "mediaType": media::OCI_MANIFEST, "artifactType": "application/vnd.example.thing",
                 "config": config.descriptor(), "layers": [content.descriptor()] }),
    );
    registry::put_manifest(&client, "a/thing", "1", &manifest).expect(201);
    assert_eq!(registry::get_manifest(&client, "a/thing", "1").expect(200).body, manifest.bytes);
}

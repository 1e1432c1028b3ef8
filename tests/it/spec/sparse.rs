//! "Push": manifests that refer to what is not there. A registry may refuse them, with `MANIFEST_BLOB_UNKNOWN`; here it is a setting.

use bulkhead_tests::config::Config;
use bulkhead_tests::image::{self, Image, media};
use bulkhead_tests::registry;

use super::{Witness, assert_digest, assert_nothing_of, push_index};

fn with_sparse(value: &str) -> Config {
    Config::open().registry("sparse", &format!("{value:?}"))
}

#[test]
fn a_manifest_of_what_is_not_there_is_refused_and_all_that_is_missing_is_named() {
    for config in [Config::open(), with_sparse("refuse")] {
        let (witness, _server, client) = Witness::open(config);
        let (image, other) = (Image::oci(1, &[10, 20]), Image::oci(2, &[10]));
        registry::push_blob(&client, "a/app", &image.config.bytes);
        let refused =
            registry::put_manifest(&client, "a/app", "v1", &image.manifest).expect_error(&[400, 404], &["MANIFEST_BLOB_UNKNOWN"]);
        for layer in &image.layers {
            assert!(refused.text().contains(&layer.digest), "{}", refused.text());
        }
        assert!(!refused.text().contains(&image.config.digest), "what is there is not missing: {}", refused.text());
        assert_nothing_of(&client, "a/app", &image.manifest.digest);

        let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux"), (&other.manifest, "windows")]);
        let refused =
            registry::put_manifest(&client, "a/app", "both", &index).expect_error(&[400, 404], &["MANIFEST_BLOB_UNKNOWN"]);
        assert!(refused.text().contains(&other.manifest.digest), "{}", refused.text());
        assert_nothing_of(&client, "a/app", &index.digest);
        witness.assert_told(&client, &[]);
    }
}

#[test]
fn a_sparse_index_is_taken_where_it_is_allowed_and_a_manifest_without_its_blobs_is_not() {
    let (witness, _server, client) = Witness::open(with_sparse("indexes"));
    let (image, other) = (Image::oci(1, &[10]), Image::oci(2, &[10]));
    registry::push_image(&client, "a/app", "linux", &image);
    let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux"), (&other.manifest, "windows")]);
    push_index(&client, "a/app", "both", &index);
    assert_eq!(registry::get_manifest(&client, "a/app", "both").expect(200).body, index.bytes);
    registry::assert_whole(&client, "a/app", &image.manifest.digest, &image);
    registry::get_manifest(&client, "a/app", &other.manifest.digest).expect_error(&[404], &["MANIFEST_UNKNOWN"]);

    registry::put_manifest(&client, "a/app", "other", &other.manifest).expect_error(&[400, 404], &["MANIFEST_BLOB_UNKNOWN"]);
    assert_eq!(registry::tags(&client, "a/app"), ["both", "linux"]);
    // What was missing may come later.
    registry::push_image(&client, "a/app", "other", &other);
    registry::assert_whole(&client, "a/app", &other.manifest.digest, &other);
    witness.assert_told(&client, &["push a/app:linux", "push a/app:both", "push a/app:other"]);
}

#[test]
fn everything_may_be_missing_where_that_is_allowed() {
    let (_witness, _server, client) = Witness::open(with_sparse("all"));
    let (image, other) = (Image::oci(1, &[10]), Image::docker(2, &[10]));
    let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux"), (&other.manifest, "windows")]);
    for (tag, manifest) in [("image", &image.manifest), ("docker", &other.manifest), ("index", &index)] {
        push_index(&client, "a/app", tag, manifest);
        let pulled = registry::get_manifest(&client, "a/app", tag).expect(200);
        assert_digest(&pulled, &manifest.digest);
        assert_eq!(pulled.body, manifest.bytes);
    }
    registry::get_blob(&client, "a/app", &image.layers[0].digest).expect_error(&[404], &["BLOB_UNKNOWN"]);
    for blob in image.blobs() {
        registry::push_blob(&client, "a/app", &blob.bytes);
    }
    registry::assert_whole(&client, "a/app", "image", &image);
}

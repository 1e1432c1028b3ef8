//! "Checking if content exists in the registry".

use bulkhead_tests::digest;
use bulkhead_tests::image::{self, Image, media};
use bulkhead_tests::registry;

use super::{assert_digest, open, push_index};

#[test]
fn a_head_tells_the_digest_and_the_size_of_every_kind_of_content() {
    let (_server, client) = open();
    let image = Image::oci(1, &[12_345]);
    registry::push_image(&client, "a/app", "image", &image);
    let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux")]);
    push_index(&client, "a/app", "index", &index);
    let sha512 = digest::sha512(&index.bytes);
    push_index(&client, "a/app", &sha512, &index);

    let (manifest, layer) = (&image.manifest, &image.layers[0]);
    for (target, digest, size) in [
        ("manifests/image".to_owned(), &manifest.digest, manifest.bytes.len()),
        (format!("manifests/{}", manifest.digest), &manifest.digest, manifest.bytes.len()),
        ("manifests/index".to_owned(), &index.digest, index.bytes.len()),
        (format!("manifests/{sha512}"), &sha512, index.bytes.len()),
        (format!("blobs/{}", layer.digest), &layer.digest, 12_345),
        (format!("blobs/{}", image.config.digest), &image.config.digest, image.config.bytes.len()),
    ] {
        let head = client.head(&format!("/v2/a/app/{target}")).expect(200);
        assert_digest(&head, digest);
        assert_eq!(head.header("Content-Length"), Some(size.to_string().as_str()), "{target}");
        assert!(head.body.is_empty());
    }
}

#[test]
fn a_head_of_what_is_not_there_says_so_without_a_body() {
    let (_server, client) = open();
    let image = Image::oci(1, &[10]);
    registry::push_image(&client, "a/app", "v1", &image);
    let (manifest, layer) = (&image.manifest.digest, &image.layers[0].digest);
    let nothing = digest::sha256(b"nothing");
    for target in [
        "a/app/manifests/v2".to_owned(),
        format!("a/app/manifests/{nothing}"),
        format!("a/app/blobs/{nothing}"),
        // A manifest is no blob, and a blob no manifest.
        format!("a/app/manifests/{layer}"),
        "a/other/manifests/v1".to_owned(),
        format!("a/other/manifests/{manifest}"),
        format!("a/other/blobs/{layer}"),
    ] {
        let head = client.head(&format!("/v2/{target}"));
        assert_eq!((head.status, head.body.len()), (404, 0), "{target}");
        assert_eq!(head.header("Docker-Content-Digest"), None, "{target}");
    }
}

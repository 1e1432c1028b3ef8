//! "Pulling manifests".

use bulkhead_tests::digest;
use bulkhead_tests::image::{Blob, Image, media};
use bulkhead_tests::registry;
use serde_json::json;

use super::{assert_digest, assert_nothing_of, numbered_index, open, push_index};

/// Names with every separator of the grammar.
const EVERY_SEPARATOR: [&str; 7] = ["a", "0", "a.b/c_d", "a__b/c-d", "a---b", "a1.b2_c3__d4-e5/f6", "deep/er/and/deep/er"];

#[test]
fn a_manifest_is_named_by_its_digest_and_its_bare_type_under_its_tag_and_its_digest() {
    let (_server, client) = open();
    let image = Image::oci(1, &[100]);
    registry::push_image(&client, "a/app", "v1", &image);
    for reference in ["v1", &image.manifest.digest] {
        let pulled = registry::get_manifest(&client, "a/app", reference).expect(200);
        assert_digest(&pulled, &image.manifest.digest);
        assert_eq!(pulled.header("Content-Type"), Some(media::OCI_MANIFEST));
        assert_eq!(pulled.body, image.manifest.bytes);
    }
}

#[test]
fn the_type_of_a_manifest_is_the_one_that_it_was_pushed_with() {
    let (_server, client) = open();
    // Nothing in the body says what it is.
    let body = json!({ "schemaVersion": 2, "manifests": [] }).to_string().into_bytes();
    for (tag, media_type) in [("oci", media::OCI_INDEX), ("docker", media::DOCKER_LIST)] {
        let repository = format!("a/{tag}");
        registry::put_manifest(&client, &repository, tag, &Blob::new(media_type, body.clone())).expect(201);
        assert_eq!(registry::get_manifest(&client, &repository, tag).expect(200).header("Content-Type"), Some(media_type));
    }
}

#[test]
fn a_name_of_the_grammar_is_taken_up_to_255_characters() {
    let (_server, client) = open();
    let index = numbered_index(1);
    let longest = format!("{}/{}", "a".repeat(127), "b".repeat(127));
    assert_eq!(longest.len(), 255);
    for name in EVERY_SEPARATOR.iter().copied().chain([longest.as_str()]) {
        push_index(&client, name, "v1", &index);
        assert_eq!(registry::get_manifest(&client, name, "v1").expect(200).body, index.bytes, "{name}");
        assert_eq!(registry::tags(&client, name), ["v1"], "{name}");
    }
    let longer = format!("{longest}c");
    registry::put_manifest(&client, &longer, "v1", &index).expect_error(&[400], &["NAME_INVALID"]);
    client.get(&format!("/v2/{longer}/tags/list")).expect_error(&[400, 404], &["NAME_INVALID", "NAME_UNKNOWN"]);
}

#[test]
fn a_name_that_holds_words_of_the_api_is_a_name() {
    let (_server, client) = open();
    let index = numbered_index(1);
    for name in ["blobs", "manifests", "tags/list", "blobs/uploads", "a/manifests/b", "referrers/tags"] {
        push_index(&client, name, "v1", &index);
        assert_eq!(registry::get_manifest(&client, name, "v1").expect(200).body, index.bytes, "{name}");
    }
}

#[test]
fn a_reference_that_is_neither_a_tag_nor_a_digest_leads_nowhere() {
    let (_server, client) = open();
    let image = numbered_index(1);
    push_index(&client, "a/app", "v1", &image);
    let hash = image.digest.trim_start_matches("sha256:");
    let references =
        [format!("sha256:{}", &hash[..63]), format!("sha256:{hash}0"), format!("SHA256:{hash}"), "md5:aa".into(), "v1:v1".into()];
    for reference in &references {
        let answer = registry::get_manifest(&client, "a/app", reference);
        assert!(matches!(answer.status, 400 | 404), "{reference}: {answer:?}");
        let put = registry::put_manifest(&client, "a/other", reference, &image);
        put.expect_error(&[400], &["DIGEST_INVALID", "TAG_INVALID", "MANIFEST_INVALID"]);
    }
    assert_nothing_of(&client, "a/other", &image.digest);
}

#[test]
fn a_manifest_of_another_repository_is_not_found() {
    let (_server, client) = open();
    let index = numbered_index(1);
    push_index(&client, "a/one", "v1", &index);
    push_index(&client, "a/two", "other", &numbered_index(2));
    for repository in ["a/two", "a/nowhere"] {
        for reference in ["v1", &index.digest] {
            let answer = registry::get_manifest(&client, repository, reference);
            answer.expect_error(&[404], &["MANIFEST_UNKNOWN", "NAME_UNKNOWN"]);
        }
    }
}

#[test]
fn a_manifest_is_pulled_under_sha512_where_it_was_pushed_so() {
    let (_server, client) = open();
    let index = numbered_index(1);
    let sha512 = digest::sha512(&index.bytes);
    push_index(&client, "a/app", &sha512, &index);
    let pulled = registry::get_manifest(&client, "a/app", &sha512).expect(200);
    assert_digest(&pulled, &sha512);
    assert_eq!(pulled.body, index.bytes);
}

//! "Pushing Manifests with Subject".

use bulkhead_tests::digest;
use bulkhead_tests::image::{self, Image, media};
use bulkhead_tests::registry;
use serde_json::json;

use super::{numbered_index, open, push_index};

#[test]
fn a_subject_is_answered_whether_it_is_there_or_not() {
    let (_server, client) = open();
    let config = image::empty_config();
    registry::push_blob(&client, "a/app", &config.bytes);
    let (there, absent) = (numbered_index(1), numbered_index(2));
    push_index(&client, "a/app", "there", &there);
    for (tag, subject) in [("of-there", &there), ("of-absent", &absent)] {
        let members = json!({ "subject": subject.descriptor() });
        for (kind, manifest) in [("image", image::bare_manifest(&config, &members)), ("index", image::empty_index(&members))] {
            for reference in [format!("{kind}-{tag}"), manifest.digest.clone()] {
                let done = registry::put_manifest(&client, "a/app", &reference, &manifest).expect(201);
                assert_eq!(done.header("OCI-Subject"), Some(subject.digest.as_str()), "{reference}");
                assert_eq!(registry::get_manifest(&client, "a/app", &reference).expect(200).body, manifest.bytes);
            }
        }
    }
    // The subject may come after what refers to it.
    push_index(&client, "a/app", "late", &absent);
    let list = client.get(&format!("/v2/a/app/referrers/{}", absent.digest)).expect(200).json();
    assert_eq!(list["manifests"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_subject_under_sha512_is_answered_as_it_was_named() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    let sha512 = digest::sha512(&subject.bytes);
    let mut descriptor = subject.descriptor();
    descriptor["digest"] = json!(sha512);
    let referrer = image::empty_index(&json!({ "subject": descriptor }));
    let done = registry::put_manifest(&client, "a/app", "v1", &referrer).expect(201);
    assert_eq!(done.header("OCI-Subject"), Some(sha512.as_str()));
    let list = client.get(&format!("/v2/a/app/referrers/{sha512}")).expect(200).json();
    assert_eq!(list["manifests"][0]["digest"], referrer.digest.as_str());
}

#[test]
fn a_manifest_without_a_subject_is_answered_without_one() {
    let (_server, client) = open();
    let image = Image::oci(1, &[10]);
    registry::push_image(&client, "a/app", "v1", &image);
    assert_eq!(registry::put_manifest(&client, "a/app", "v1", &image.manifest).expect(201).header("OCI-Subject"), None);
}

#[test]
fn a_subject_that_is_no_descriptor_is_refused_and_the_list_stays_empty() {
    let (_server, client) = open();
    let subject = numbered_index(1);
    for bad in [
        json!(subject.digest),
        json!({ "mediaType": media::OCI_INDEX, "digest": "sha256:short", "size": 1 }),
        json!({ "mediaType": media::OCI_INDEX, "digest": subject.digest, "size": -1 }),
        json!({ "digest": subject.digest, "size": 1 }),
    ] {
        let manifest = image::empty_index(&json!({ "subject": bad }));
        let refused = registry::put_manifest(&client, "a/app", "v1", &manifest);
        assert_eq!(refused.header("OCI-Subject"), None);
        refused.expect_error(&[400], &["MANIFEST_INVALID", "DIGEST_INVALID", "SIZE_INVALID"]);
        super::assert_nothing_of(&client, "a/app", &manifest.digest);
    }
    let list = client.get(&format!("/v2/a/app/referrers/{}", subject.digest)).expect(200).json();
    assert_eq!(list["manifests"], json!([]));
}

//! "Warnings".

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Response;
use bulkhead_tests::image::{self, Blob, Image, media};
use bulkhead_tests::registry;
use serde_json::{Value, json};

use super::{numbered_index, open, open_with, push_index};

/// The texts of an answer's warnings, each in the one form that the specification allows.
fn warnings(answer: &Response) -> Vec<String> {
    let values: Vec<&str> =
        answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Warning")).map(|(_, value)| value.as_str()).collect();
    assert!(values.iter().map(|value| value.len()).sum::<usize>() <= 4096, "more than 4096 bytes of warnings");
    values
        .into_iter()
        .map(|value| {
            let text = value.strip_prefix("299 - \"").and_then(|rest| rest.strip_suffix('"'));
            let text = text.unwrap_or_else(|| panic!("a code, an agent and a text, and no date: {value}"));
            assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{value}");
            let unescaped = text.replace("\\\\", "").replace("\\\"", "");
            assert!(!unescaped.contains(['"', '\\']), "a quote within the text is escaped: {value}");
            text.to_owned()
        })
        .collect()
}

#[test]
fn sparse_content_is_taken_with_a_warning() {
    let (_server, client) = open_with(&Config::open().registry("sparse", "\"all\""));
    let image = Image::oci(1, &[10]);
    let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux")]);
    // The index first: it lists what the next push brings.
    for manifest in [&index, &image.manifest] {
        let answer = registry::put_manifest(&client, "a/app", "v1", manifest).expect(201);
        let texts = warnings(&answer);
        assert!(!texts.is_empty() && texts.iter().all(|text| !text.trim().is_empty()), "{answer:?}");
    }
    // Nothing is missing: nothing to say.
    for blob in image.blobs() {
        registry::push_blob(&client, "a/whole", &blob.bytes);
    }
    let whole = registry::put_manifest(&client, "a/whole", "v1", &image.manifest).expect(201);
    assert_eq!(warnings(&whole), Vec::<String>::new());
}

#[test]
fn warnings_of_an_answer_have_4096_bytes_at_most_whatever_there_is_to_say() {
    let (_server, client) = open_with(&Config::open().registry("sparse", "\"all\""));
    let entries: Vec<Value> = (0..500).map(|number| numbered_index(number).descriptor()).collect();
    let index = image::empty_index(&json!({ "manifests": entries }));
    let answer = registry::put_manifest(&client, "a/app", "v1", &index).expect(201);
    assert!(!warnings(&answer).is_empty(), "{answer:?}");

    let layers: Vec<Value> = (0..500).map(|number| numbered_index(number).descriptor()).collect();
    let manifest = Blob::json(media::OCI_MANIFEST, &image::manifest(media::OCI_MANIFEST, &image::empty_config(), layers));
    let answer = registry::put_manifest(&client, "a/app", "v2", &manifest).expect(201);
    assert!(!warnings(&answer).is_empty(), "{answer:?}");
}

#[test]
fn where_there_is_nothing_to_say_nothing_is_said() {
    let (_server, client) = open();
    let image = Image::oci(1, &[10]);
    registry::push_image(&client, "a/app", "v1", &image);
    push_index(&client, "a/app", "empty", &numbered_index(1));
    let digest = &image.layers[0].digest;
    for answer in [
        client.get("/v2/"),
        client.get("/v2/a/app/tags/list"),
        client.get("/v2/a/app/manifests/v1"),
        client.get(&format!("/v2/a/app/blobs/{digest}")),
        client.get("/v2/a/app/manifests/missing"),
        registry::put_manifest(&client, "a/app", "v2", &image.manifest),
        client.post("/v2/a/app/blobs/uploads/"),
        client.delete("/v2/a/app/manifests/v2"),
    ] {
        assert_eq!(warnings(&answer), Vec::<String>::new());
    }
}

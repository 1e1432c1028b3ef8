//! "Warnings".

use bulkhead_tests::config::Config;
use bulkhead_tests::image::{self, Image, media};
use bulkhead_tests::places;
use bulkhead_tests::registry;

use super::{numbered_index, open, open_with, push_index, warnings};

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

/// With this hostile plugin in the way of every change.
fn hostile(behaviour: &str) -> Config {
    let lines = format!("config.behaviour = \"{behaviour}\"\nlimits = {{ memory = \"256MiB\", time = \"5s\" }}");
    Config::open().guest("hostile", &places::guest("hostile-admission"), &lines).registry("admission", "[\"hostile\"]")
}

#[test]
fn warnings_of_an_answer_have_4096_bytes_at_most_whatever_there_is_to_say() {
    let (_server, client) = open_with(&hostile("many-warnings"));
    let index = numbered_index(1);
    for answer in [
        registry::put_manifest(&client, "a/app", "v1", &index).expect(201),
        registry::put_with_tags(&client, "a/app", &index, &["v2", "v3"]).expect(201),
        client.delete("/v2/a/app/manifests/v1").expect(202),
        client.delete(&format!("/v2/a/app/manifests/{}", index.digest)).expect(202),
    ] {
        let texts = warnings(&answer);
        let sum: usize = answer.all("Warning").iter().map(|value| value.len()).sum();
        assert!(sum > 3000, "what finds room is said: {sum} bytes");
        assert!((1..16).contains(&texts.len()), "sixteen of 1 KiB cannot be whole: {}", texts.len());
        for (number, text) in texts.iter().enumerate() {
            let (beginning, said) = (format!("warning {number} \\\"of many\\\""), text.trim_end_matches("..."));
            // The last one is cut, wherever that falls.
            let is_last = number + 1 == texts.len();
            assert!(said.starts_with(&beginning) || is_last && beginning.starts_with(said), "{text}");
        }
    }
}

#[test]
fn a_warning_cannot_be_a_header_or_a_warning_of_its_own() {
    let (_server, client) = open_with(&hostile("forged-warnings"));
    let answer = registry::put_manifest(&client, "a/app", "v1", &numbered_index(1)).expect(201);
    let texts = warnings(&answer);
    assert!(
        texts.iter().any(|text| text.contains("a line")) && texts.iter().any(|text| text.contains("a second one")),
        "{texts:?}"
    );
    assert!(texts.iter().all(|text| !text.trim().is_empty()), "{texts:?}");
    assert_eq!((answer.header("Set-Cookie"), answer.text().as_str()), (None, ""), "{answer:?}");
}

#[test]
fn a_plugin_s_warning_is_in_the_answer_to_the_change_that_it_is_about() {
    let lines = "config.reserved = [\"latest\"]";
    let hello = Config::open().guest("hello", &places::guest("hello-admission"), lines).registry("admission", "[\"hello\"]");
    let (_server, client) = open_with(&hello);
    let index = numbered_index(1);
    let warned = registry::put_manifest(&client, "a/app", &index.digest, &index).expect(201);
    assert_eq!(warned.all("Warning"), ["299 - \"pushed without a tag\""]);
    for answer in [
        registry::put_manifest(&client, "a/app", "v1", &index).expect(201),
        registry::put_with_tags(&client, "a/app", &index, &["v2"]).expect(201),
        registry::put_manifest(&client, "a/app", "latest", &index).expect_error(&[403], &["DENIED"]),
        client.delete("/v2/a/app/manifests/v2").expect(202),
    ] {
        assert_eq!(warnings(&answer), Vec::<String>::new());
    }
    assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
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

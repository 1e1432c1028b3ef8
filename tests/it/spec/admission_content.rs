//! The bundled `policy-content` as a component in the server: for each of its rules a push that it admits, and one that it refuses and of
//! which nothing is stored. What its rules mean in every case is shown by its own tests.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::Pattern;
use bulkhead_tests::http::Client;
use bulkhead_tests::image::{self, Blob, Image, media};
use bulkhead_tests::registry;
use serde_json::{Value, json};

use super::{Witness, assert_absent};

/// This rule for `team/app` alone, so that a witness may push elsewhere.
fn with_rule(rule: &str) -> Config {
    let lines = format!("component = \"builtin:policy-content\"\nconfig.repositories = [\"team/app\"]\nconfig.{rule}");
    Config::open().plugin("content", &lines).registry("admission", "[\"content\"]")
}

/// An image with this configuration, and so many layers.
fn image_of(config: &Value, layers: usize) -> Image {
    let config = Blob::json(media::OCI_CONFIG, config);
    let layer = |number: usize| Blob::new(media::OCI_LAYER, Pattern::bytes(number as u64 + 1, 20));
    let layers: Vec<Blob> = (0..layers).map(layer).collect();
    let descriptors = layers.iter().map(Blob::descriptor).collect();
    let manifest = Blob::json(media::OCI_MANIFEST, &image::manifest(media::OCI_MANIFEST, &config, descriptors));
    Image { config, layers, manifest }
}

/// A configuration for this machine with these labels.
fn config(architecture: &str, labels: &Value) -> Value {
    json!({ "architecture": architecture, "os": "linux", "config": { "Labels": labels }, "rootfs": { "type": "layers", "diff_ids": [] } })
}

fn push_blobs(client: &Client, image: &Image) {
    for blob in image.blobs() {
        registry::push_blob(client, "team/app", &blob.bytes);
    }
}

/// The rule admits the one and refuses the other, whose refusal names all of `words`.
fn assert_admits_and_refuses(rule: &str, good: &Image, bad: &Image, words: &[&str]) {
    let (witness, _server, client) = Witness::open(with_rule(rule));
    push_blobs(&client, bad);
    for answer in [
        registry::put_manifest(&client, "team/app", "bad", &bad.manifest),
        registry::put_manifest(&client, "team/app", &bad.manifest.digest, &bad.manifest),
        registry::put_with_tags(&client, "team/app", &bad.manifest, &["bad", "worse"]),
    ] {
        let refused = answer.expect_error(&[403], &["DENIED"]);
        let message = refused.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(words.iter().all(|word| message.contains(word)), "{rule}: {words:?} are not all in: {message}");
    }
    assert_absent(&client, "team/app", &bad.manifest);
    assert_eq!(registry::tags(&client, "team/app"), Vec::<String>::new(), "{rule}");

    registry::push_image(&client, "team/app", "good", good);
    registry::assert_whole(&client, "team/app", "good", good);
    // It stays where it is when the bad one comes to its tag.
    registry::put_manifest(&client, "team/app", "good", &bad.manifest).expect_error(&[403], &["DENIED"]);
    registry::assert_whole(&client, "team/app", "good", good);
    assert_eq!(registry::tags(&client, "team/app"), ["good"], "{rule}");
    assert_absent(&client, "team/app", &bad.manifest);
    // The rule is for the repositories that it names.
    registry::push_image(&client, "team/other", "bad", bad);
    witness.assert_told(&client, &["push team/app:good", "push team/other:bad"]);
}

#[test]
fn labels_that_are_required_are_read_from_the_image_s_config() {
    let good = image_of(&config("amd64", &json!({ "owner": "team", "stage": "test" })), 1);
    let bad = image_of(&config("amd64", &json!({ "owner": "team" })), 1);
    assert_admits_and_refuses("required-labels = [\"owner\", \"stage\"]", &good, &bad, &["label", "stage", "missing"]);
    let other = image_of(&config("amd64", &json!({ "owner": "somebody" })), 1);
    assert_admits_and_refuses("required-labels = [\"owner=team\"]", &good, &other, &["owner", "somebody", "team"]);
}

#[test]
fn images_for_other_platforms_are_refused() {
    let (good, bad) = (image_of(&config("amd64", &json!({})), 1), image_of(&config("riscv64", &json!({})), 1));
    assert_admits_and_refuses("allowed-platforms = [\"linux/amd64\"]", &good, &bad, &["linux/riscv64", "linux/amd64"]);
}

#[test]
fn images_of_too_many_layers_are_refused() {
    let (good, bad) = (image_of(&config("amd64", &json!({})), 3), image_of(&config("amd64", &json!({})), 4));
    assert_admits_and_refuses("max-layers = 3", &good, &bad, &["4 layers", "3"]);
}

#[test]
fn layers_that_lie_where_they_may_not_are_refused() {
    let lying_at = |origin: &str| {
        let mut image = image_of(&config("amd64", &json!({})), 0);
        let mut layer = image::foreign_layer(media::OCI_FOREIGN_LAYER, 1);
        let place = format!("{origin}/v2/windows/servercore/blobs/{}", layer["digest"].as_str().unwrap());
        layer["urls"] = json!([place]);
        image.manifest = Blob::json(media::OCI_MANIFEST, &image::manifest(media::OCI_MANIFEST, &image.config, vec![layer]));
        image
    };
    let (good, bad) = (lying_at("https://mcr.microsoft.com"), lying_at("https://mcr.microsoft.com.example.test"));
    let words = ["mcr.microsoft.com.example.test", "https://mcr.microsoft.com/"];
    assert_admits_and_refuses("foreign-urls = [\"https://mcr.microsoft.com/\"]", &good, &bad, &words);
}

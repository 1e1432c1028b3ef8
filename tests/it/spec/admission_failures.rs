//! An admission plugin that fails has admitted nothing: the change is not made, the client is told that a policy failed and nothing of the
//! inside, and everything else goes on.

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::Image;
use bulkhead_tests::places;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

use super::{assert_absent, numbered_index, push_index};

/// The hostile plugin in the way of every change.
fn hostile(behaviour: &str, limits: &str) -> Config {
    let lines = format!("config.behaviour = \"{behaviour}\"\nlimits = {limits}");
    Config::open().guest("hostile", &places::guest("hostile-admission"), &lines).registry("admission", "[\"hostile\"]")
}

/// `a/app` with an image under `v1` and a blob that nothing needs, stored before the plugin of this configuration was there.
fn with_image(config: &Config) -> (Server, Client, Image, String) {
    let mut server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::oci(1, &[100]);
    registry::push_image(&client, "a/app", "v1", &image);
    let loose = registry::push_blob(&client, "a/app", b"loose");
    server.write_config(config);
    server.restart();
    (server, client, image, loose)
}

/// The answer tells that a policy failed, and nothing else.
fn assert_failed(what: &str, answer: &Response) {
    assert_eq!(answer.status, 503, "{what}: {}", answer.text());
    let message = answer.json()["errors"][0]["message"].as_str().unwrap_or_default().to_lowercase();
    assert!(message.contains("policy"), "{what}: {}", answer.text());
    let text = answer.text().to_lowercase();
    for word in ["wasm", "trap", "panic", "fuel", "epoch", "guest", "swordfish", "told to"] {
        assert!(!text.contains(word), "{what}: `{word}` is in {text}");
    }
}

fn assert_no_change_is_made(behaviour: &str) {
    let (mut server, client, image, loose) = with_image(&hostile(behaviour, "{ memory = \"32MiB\", time = \"300ms\" }"));
    let (index, by_digest) = (numbered_index(1), format!("/v2/a/app/manifests/{}", image.manifest.digest));
    // Twice over: the first failure does not open the way for the second.
    for time in ["first", "second"] {
        for (what, answer) in [
            ("a push by tag", registry::put_manifest(&client, "a/app", "v2", &index)),
            ("a move of a tag", registry::put_manifest(&client, "a/app", "v1", &index)),
            ("a push by digest", registry::put_with_tags(&client, "a/app", &index, &["v1", "v2"])),
            ("a tag's deletion", client.delete("/v2/a/app/manifests/v1")),
            ("a manifest's deletion", client.delete(&by_digest)),
            ("a blob's deletion", client.delete(&format!("/v2/a/app/blobs/{loose}"))),
            ("a repository's deletion", client.delete("/acr/v1/a/app")),
        ] {
            assert_failed(&format!("{behaviour}: {time}: {what}"), &answer);
        }
        registry::assert_whole(&client, "a/app", "v1", &image);
        assert_eq!(registry::get_blob(&client, "a/app", &loose).expect(200).text(), "loose");
        assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
        assert_absent(&client, "a/app", &index);
        // Blobs are no change that a plugin is asked about.
        registry::push_blob(&client, "a/app", time.as_bytes());
    }
    server.write_config(&Config::open());
    server.restart();
    push_index(&client, "a/app", "v2", &index);
    registry::assert_whole(&client, "a/app", "v1", &image);
    assert_eq!(registry::tags(&client, "a/app"), ["v1", "v2"]);
}

#[test]
fn nothing_is_changed_where_a_plugin_panics() {
    assert_no_change_is_made("panic");
}

#[test]
fn nothing_is_changed_where_a_plugin_never_ends() {
    assert_no_change_is_made("loop");
}

#[test]
fn nothing_is_changed_where_a_plugin_answers_with_an_error() {
    assert_no_change_is_made("error");
}

#[test]
fn the_change_after_a_failure_is_made() {
    let (_server, client, image, _loose) = with_image(&hostile("trap-on-one-tag", "{ memory = \"32MiB\", time = \"2s\" }"));
    for number in 0..10 {
        let (failing, next) = (numbered_index(number), numbered_index(100 + number));
        assert_failed("a trap", &registry::put_manifest(&client, "a/app", "trap", &failing));
        assert_failed("a trap", &registry::put_with_tags(&client, "a/app", &failing, &["good", "trap"]));
        assert_absent(&client, "a/app", &failing);
        push_index(&client, "a/app", &format!("v2-{number}"), &next);
        client.delete(&format!("/v2/a/app/manifests/v2-{number}")).expect(202);
    }
    assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
    registry::assert_whole(&client, "a/app", "v1", &image);
}

#[test]
fn a_refusal_of_any_length_reaches_the_client_in_bounds_or_as_a_failure() {
    let (_server, client, image, _loose) = with_image(&hostile("huge-reply", "{ memory = \"256MiB\", time = \"5s\" }"));
    let index = numbered_index(1);
    let answer = registry::put_manifest(&client, "a/app", "v2", &index);
    match answer.status {
        403 => assert!(answer.body.len() < 8 * 1024, "{} bytes", answer.body.len()),
        _ => assert_failed("a reason of 8 MiB", &answer),
    }
    assert_absent(&client, "a/app", &index);
    assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
    registry::assert_whole(&client, "a/app", "v1", &image);
}

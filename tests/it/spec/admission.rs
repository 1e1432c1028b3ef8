//! What admission plugins say is what a client hears: a change that one refuses is not made. Shown with the bundled
//! `policy-immutable-tags`.

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Response;
use bulkhead_tests::image;
use bulkhead_tests::registry;
use serde_json::json;

use super::{Witness, assert_absent, assert_digest, assert_points_to, numbered_index, open_with, push_index, race};

/// Tags that begin with `v` are written once.
fn write_once() -> Config {
    Config::open()
        .plugin("write-once", "component = \"builtin:policy-immutable-tags\"\nconfig.tags = [\"v*\"]")
        .registry("admission", "[\"write-once\"]")
}

fn assert_refused(answer: Response) {
    let refused = answer.expect_error(&[403], &["DENIED"]);
    assert!(refused.json()["errors"][0]["message"].as_str().is_some_and(|reason| reason.contains("v1")), "{}", refused.text());
}

#[test]
fn a_change_that_a_plugin_refuses_is_not_made_on_any_way() {
    let (witness, _server, client) = Witness::open(write_once());
    let (first, second) = (numbered_index(1), numbered_index(2));
    push_index(&client, "a/app", "v1", &first);
    assert_refused(registry::put_manifest(&client, "a/app", "v1", &second));
    assert_refused(registry::put_with_tags(&client, "a/app", &second, &["latest", "v1"]));
    for target in
        ["/v2/a/app/manifests/v1".to_owned(), format!("/v2/a/app/manifests/{}", first.digest), "/acr/v1/a/app".to_owned()]
    {
        assert_refused(client.delete(&target));
    }
    assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
    assert_digest(&registry::get_manifest(&client, "a/app", "v1").expect(200), &first.digest);
    registry::get_manifest(&client, "a/app", &second.digest).expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    witness.assert_told(&client, &["push a/app:v1"]);
}

#[test]
fn a_change_that_every_plugin_admits_is_made() {
    let (witness, _server, client) = Witness::open(write_once());
    let (first, second) = (numbered_index(1), numbered_index(2));
    push_index(&client, "a/app", "v1", &first);
    // The same again is no change.
    push_index(&client, "a/app", "v1", &first);
    push_index(&client, "a/app", "latest", &first);
    push_index(&client, "a/app", "latest", &second);
    client.delete("/v2/a/app/manifests/latest").expect(202);
    assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
    let told = ["push a/app:v1", "push a/app:v1", "push a/app:latest", "push a/app:latest", "delete a/app:latest"];
    witness.assert_told(&client, &told);
}

#[test]
fn of_many_that_push_to_a_tag_that_is_written_once_one_succeeds() {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 5;
    let (witness, _server, client) = Witness::open(write_once());
    for round in 0..ROUNDS {
        let (tag, index) = (format!("v{round}"), |number: usize| numbered_index(round * CLIENTS + number));
        let push = |number: usize| registry::put_manifest(&client, "a/app", &tag, &index(number));
        let statuses = race((0..CLIENTS).collect(), push);
        let mut sorted = statuses.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [[201].as_slice(), &[403; CLIENTS - 1]].concat());
        for (number, status) in statuses.into_iter().enumerate() {
            match status {
                201 => assert_points_to(&client, "a/app", &tag, &index(number)),
                _ => assert_absent(&client, "a/app", &index(number)),
            }
        }
    }
    let told: Vec<String> = (0..ROUNDS).map(|round| format!("push a/app:v{round}")).collect();
    witness.assert_told(&client, &told.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_first_of_several_plugins_that_refuses_decides() {
    let annotated = "component = \"builtin:policy-content\"\nconfig.required-annotations = [\"owner\"]";
    let config = write_once().plugin("owned", annotated).registry("admission", "[\"owned\", \"write-once\"]");
    let (_server, client) = open_with(&config);
    let plain = numbered_index(1);
    let owned = |number: u32| image::empty_index(&json!({ "annotations": { "owner": "team", "number": number.to_string() } }));
    let refused = registry::put_manifest(&client, "a/app", "v1", &plain).expect_error(&[403], &["DENIED"]);
    assert!(refused.text().contains("owner"), "{}", refused.text());
    super::assert_nothing_of(&client, "a/app", &plain.digest);
    push_index(&client, "a/app", "v1", &owned(1));
    assert_refused(registry::put_manifest(&client, "a/app", "v1", &owned(2)));
    assert_digest(&registry::get_manifest(&client, "a/app", "v1").expect(200), &owned(1).digest);
}

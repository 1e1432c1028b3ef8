//! "Pushing Manifests": tags that are pushed with a manifest by its digest (`?tag=`).

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Response;
use bulkhead_tests::registry::{self, put_with_tags};
use serde_json::json;

use super::{Witness, assert_digest, assert_nothing_of, numbered_index, open, push_index};

/// The tags that the answer says were set.
fn accepted(answer: &Response) -> Vec<String> {
    let lines = answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("OCI-Tag"));
    let mut tags: Vec<String> = lines.flat_map(|(_, value)| value.split(',')).map(|tag| tag.trim().to_owned()).collect();
    tags.sort();
    tags
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("t{number:03}")).collect()
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

#[test]
fn every_tag_of_a_push_by_digest_is_set_answered_and_told() {
    let (witness, _server, client) = Witness::open(Config::open());
    let index = numbered_index(1);
    let tags = names(10);
    let done = put_with_tags(&client, "a/app", &index, &borrowed(&tags)).expect(201);
    assert_digest(&done, &index.digest);
    assert_eq!(accepted(&done), tags);
    assert_eq!(registry::tags(&client, "a/app"), tags);
    for tag in &tags {
        assert_digest(&registry::get_manifest(&client, "a/app", tag).expect(200), &index.digest);
    }
    let expected: Vec<String> = tags.iter().map(|tag| format!("push a/app:{tag}")).collect();
    witness.assert_told(&client, &borrowed(&expected));
}

#[test]
fn a_hundred_tags_are_taken_and_one_more_is_refused_with_all_others() {
    let (witness, _server, client) = Witness::open(Config::open());
    let (first, second) = (numbered_index(1), numbered_index(2));
    let refused = put_with_tags(&client, "a/app", &first, &borrowed(&names(101))).expect_error(&[414], &["UNSUPPORTED"]);
    assert_eq!(accepted(&refused), Vec::<String>::new());
    assert_nothing_of(&client, "a/app", &first.digest);
    witness.assert_told(&client, &[]);
    let done = put_with_tags(&client, "a/app", &second, &borrowed(&names(100))).expect(201);
    assert_eq!(accepted(&done), names(100));
    assert_eq!(registry::tags(&client, "a/app"), names(100));
}

#[test]
fn tags_move_with_a_push_by_digest() {
    let (_server, client) = open();
    let (old, new) = (numbered_index(1), numbered_index(2));
    put_with_tags(&client, "a/app", &old, &["1", "1.2", "latest"]).expect(201);
    put_with_tags(&client, "a/app", &new, &["latest", "2"]).expect(201);
    for (tag, index) in [("1", &old), ("1.2", &old), ("latest", &new), ("2", &new)] {
        assert_digest(&registry::get_manifest(&client, "a/app", tag).expect(200), &index.digest);
    }
    assert_eq!(registry::tags(&client, "a/app"), ["1", "1.2", "2", "latest"]);
}

#[test]
fn a_push_by_digest_without_tags_sets_none_and_answers_with_none() {
    let (_server, client) = open();
    let index = numbered_index(1);
    let done = put_with_tags(&client, "a/app", &index, &[]).expect(201);
    assert_eq!(accepted(&done), Vec::<String>::new());
    assert_eq!(registry::tags(&client, "a/app"), Vec::<String>::new());
    let by_tag = registry::put_manifest(&client, "a/app", "v1", &index).expect(201);
    assert!(accepted(&by_tag).iter().all(|tag| tag == "v1"), "{by_tag:?}");
}

#[test]
fn one_tag_outside_the_grammar_refuses_all() {
    let (witness, _server, client) = Witness::open(Config::open());
    let index = numbered_index(1);
    let long = "t".repeat(129);
    for bad in [".hidden", "-dash", "a b", "a/b", "", "v1,v2", long.as_str()] {
        let answer = put_with_tags(&client, "a/app", &index, &["good", bad, "fine"]);
        answer.expect_error(&[400], &["TAG_INVALID", "MANIFEST_INVALID"]);
    }
    assert_nothing_of(&client, "a/app", &index.digest);
    witness.assert_told(&client, &[]);
}

#[test]
fn a_push_by_tag_takes_no_further_tags() {
    let (witness, _server, client) = Witness::open(Config::open());
    let index = numbered_index(1);
    let answer = registry::put_manifest(&client, "a/app", "v1?tag=v2", &index);
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_nothing_of(&client, "a/app", &index.digest);
    witness.assert_told(&client, &[]);
}

#[test]
fn a_refused_manifest_sets_none_of_its_tags() {
    let (_server, client) = open();
    let old = numbered_index(1);
    push_index(&client, "a/app", "v1", &old);
    let mut wrong = numbered_index(2);
    wrong.digest = numbered_index(3).digest;
    put_with_tags(&client, "a/app", &wrong, &["v1", "v2"]).expect_error(&[400], &["DIGEST_INVALID"]);
    let absent = bulkhead_tests::image::empty_index(&json!({ "manifests": [numbered_index(4).descriptor()] }));
    put_with_tags(&client, "a/app", &absent, &["v1", "v2"]).expect_error(&[400, 404], &["MANIFEST_BLOB_UNKNOWN"]);
    assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
    assert_digest(&registry::get_manifest(&client, "a/app", "v1").expect(200), &old.digest);
}

#[test]
fn a_tag_named_twice_is_set_once() {
    let (witness, _server, client) = Witness::open(Config::open());
    let answer = put_with_tags(&client, "a/app", &numbered_index(1), &["v1", "v1"]);
    // Either reading is sound; what counts is that it is one.
    match answer.status {
        201 => {
            assert_eq!(registry::tags(&client, "a/app"), ["v1"]);
            witness.assert_told(&client, &["push a/app:v1"]);
        }
        _ => {
            answer.expect_error(&[400], &["TAG_INVALID", "UNSUPPORTED", "MANIFEST_INVALID"]);
            assert_nothing_of(&client, "a/app", &numbered_index(1).digest);
            witness.assert_told(&client, &[]);
        }
    }
}

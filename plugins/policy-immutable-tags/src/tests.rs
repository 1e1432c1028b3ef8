//! What may become of a protected tag.

use bulkhead_plugin_sdk::testing::{configure, context, digest, manifest, push, tag};

use super::*;

const RELEASES: &str = r#"{"tags":["v*","release-*"]}"#;

fn ask(settings: &str, repository: &str, change: Change) -> Opinion {
    let mut plugin: WriteOnce = configure(settings).unwrap();
    plugin.review(&context(), Some(&Identity::new("alice").vouched_by("staff")), repository, &change).unwrap()
}

fn review(change: Change) -> Opinion {
    ask(RELEASES, "team/app", change)
}

fn reason(opinion: Opinion) -> String {
    match opinion {
        Opinion::Refuse(reason) => reason,
        Opinion::Admit(_) => panic!("should be refused"),
    }
}

fn delete_manifest(tags: &[&str]) -> Change {
    Change::DeleteManifest(ManifestDeletion { digest: digest(1), tags: tags.iter().map(|tag| (*tag).to_owned()).collect() })
}

fn fault(settings: &str) -> String {
    match configure::<WriteOnce>(settings) {
        Err(Error::Invalid(text)) => text,
        Err(other) => panic!("should be invalid, was {other:?}"),
        Ok(_) => panic!("should be refused: {settings}"),
    }
}

#[test]
fn a_protected_tag_is_written_once() {
    assert_eq!(review(push(&[tag("v1", None)])), Opinion::admit());
    assert_eq!(review(push(&[tag("v1", Some(&digest(1)))])), Opinion::admit(), "the same digest again");
    assert_eq!(
        reason(review(push(&[tag("v1", Some(&digest(2)))]))),
        format!(
            "the tag `v1` cannot be moved to {}, since it is {} already: tags like `v*` are written once; push under a tag that is \
             not there yet",
            digest(1),
            digest(2)
        )
    );
}

#[test]
fn one_protected_tag_among_several_refuses_the_push() {
    let tags = [tag("latest", Some(&digest(2))), tag("v2", None), tag("release-1", Some(&digest(3)))];
    assert!(reason(review(push(&tags))).contains("`release-1` cannot be moved"));
    assert_eq!(review(push(&tags[..2])), Opinion::admit());
}

#[test]
fn the_same_content_under_another_digest_is_another_digest() {
    let mut change = manifest(&[tag("v1", Some(&digest(1)))]);
    change.digest = format!("sha512:{}", "0".repeat(128));
    assert!(reason(review(Change::PutManifest(change))).contains("cannot be moved to sha512:"));
}

#[test]
fn a_push_without_tags_and_other_tags_pass() {
    assert_eq!(review(push(&[])), Opinion::admit());
    assert_eq!(review(push(&[tag("latest", Some(&digest(9))), tag("dev-v1", Some(&digest(9)))])), Opinion::admit());
    assert_eq!(review(Change::DeleteTag(tag("latest", Some(&digest(1))))), Opinion::admit());
    assert_eq!(review(Change::DeleteBlob(digest(1))), Opinion::admit());
}

#[test]
fn no_deletion_takes_a_protected_tag_away() {
    let deleted = reason(review(Change::DeleteTag(tag("v1", Some(&digest(1))))));
    assert_eq!(deleted, "the tag `v1` cannot be deleted: tags like `v*` are written once; it has to stay");
    assert!(reason(review(delete_manifest(&["latest", "release-1"]))).contains("the tag `release-1` points to it"));
    assert_eq!(review(delete_manifest(&["latest"])), Opinion::admit());
    assert_eq!(review(delete_manifest(&[])), Opinion::admit());
    let whole = |names: &[&str]| Change::DeleteRepository(names.iter().map(|name| tag(name, Some(&digest(1)))).collect());
    assert!(reason(review(whole(&["a", "v1"]))).contains("the repository team/app cannot be deleted, since it has the tag `v1`"));
    assert_eq!(review(whole(&["a", "b"])), Opinion::admit());
}

#[test]
fn only_the_named_repositories_are_protected() {
    let settings = r#"{"tags":["*"],"repositories":["team/*","prod/**"]}"#;
    let moved = || push(&[tag("anything", Some(&digest(2)))]);
    for (repository, protected) in [("team/app", true), ("prod/a/b", true), ("team/app/web", false), ("teams", false)] {
        assert_eq!(matches!(ask(settings, repository, moved()), Opinion::Refuse(_)), protected, "{repository}");
    }
}

#[test]
fn the_operators_message_stands_in_place_of_the_advice() {
    let settings = r#"{"tags":["v*"],"message":"ask release@example.com"}"#;
    let told = reason(ask(settings, "a", Change::DeleteTag(tag("v1", Some(&digest(1))))));
    assert_eq!(told, "the tag `v1` cannot be deleted: tags like `v*` are written once; ask release@example.com");
}

#[test]
fn settings_that_protect_nothing_or_make_no_sense_are_named_with_their_path() {
    assert_eq!(fault("{}"), "missing field `tags`");
    assert_eq!(fault(r#"{"tags":[]}"#), "tags: empty, so that no tag is protected: name some, or `*` for all");
    assert!(fault(r#"{"tags":["ok",""]}"#).starts_with("tags[1]: a pattern is never empty"));
    assert_eq!(fault(r#"{"tags":["a b"]}"#), "tags[0]: `a b` holds ' ', which no tag has");
    assert!(fault(r#"{"tags":["team/app:v*"]}"#).contains("named in `repositories`"));
    assert!(fault(r#"{"tags":["-v*"]}"#).starts_with("tags[0]: `-v*` never matches"));
    assert!(fault(&format!(r#"{{"tags":["{}"]}}"#, "a".repeat(129))).contains("at most 128"));
    assert!(fault(r#"{"tags":["v*"],"repositories":["a**"]}"#).starts_with("repositories[0]: `a**` has `**` beside"));
    assert!(fault(r#"{"tags":["v*"],"repositories":[]}"#).starts_with("repositories: empty"));
    assert!(fault(r#"{"tags":["v*"],"message":" "}"#).starts_with("message: empty"));
    assert!(fault(r#"{"tags":["v*"],"message":"a\nb"}"#).starts_with("message: must be one line"));
    assert!(fault(r#"{"tag":["v*"]}"#).starts_with("tag: unknown field"));
    assert!(fault(r#"{"tags":"v*"}"#).starts_with("tags: invalid type"));
}

//! Admission plugins through the Wasm boundary, honest and hostile ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::admission::{Change, ManifestChange, Opinion, TagState};
use bulkhead_core::ports::context::Identity;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_oci::{Digest, MediaType, Tag};
use bulkhead_plugin::{Kind, Plugin};
use serde_json::json;
use support::{context, load, spec, try_load};

const TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

async fn review(plugin: &Arc<Plugin>, who: Option<&Identity>, change: Change<'_>) -> Result<Opinion, PluginError> {
    plugin.admission().unwrap().review(&context(), who, &"team/app".parse().unwrap(), &change).await
}

/// A push of these bytes to these tags.
async fn push(plugin: &Arc<Plugin>, body: &[u8], tags: &[TagState]) -> Result<Opinion, PluginError> {
    let media_type: MediaType = TYPE.parse().unwrap();
    let manifest = ManifestChange { digest: &digest('a'), media_type: &media_type, body, config: None, tags };
    review(plugin, None, Change::PutManifest(manifest)).await
}

async fn hostile(behaviour: &str) -> Arc<Plugin> {
    let mut spec = spec("hostile-admission", json!({"behaviour": behaviour}));
    spec.limits.time = Some(Duration::from_millis(500));
    try_load(spec).await.unwrap()
}

/// What the guest was told.
async fn told(who: Option<&Identity>, change: Change<'_>) -> String {
    match review(&hostile("echo").await, who, change).await {
        Ok(Opinion::Refuse(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

fn tag(name: &str, now: Option<char>) -> TagState {
    TagState { tag: name.parse().unwrap(), now: now.map(digest) }
}

#[tokio::test]
async fn a_change_is_admitted_warned_of_or_refused() {
    let plugin = load("hello-admission", json!({"reserved": ["latest"]})).await;
    assert_eq!(plugin.kinds(), [Kind::Admission]);
    assert!(plugin.authenticator().is_none() && plugin.authorizer().is_none());
    assert_eq!(plugin.admission().unwrap().label(), plugin.label());
    assert_eq!(push(&plugin, b"{}", &[tag("v1", None)]).await, Ok(Opinion::Admit(vec![])));
    let Ok(Opinion::Admit(warnings)) = push(&plugin, b"{}", &[]).await else { panic!() };
    assert_eq!(warnings, ["pushed without a tag"]);
    let answer = push(&plugin, b"{}", &[tag("v1", None), tag("latest", Some('b'))]).await;
    assert!(matches!(&answer, Ok(Opinion::Refuse(reason)) if reason.contains("`latest`")), "{answer:?}");
}

#[tokio::test]
async fn a_plugin_of_another_kind_is_no_admission_plugin() {
    assert!(load("hello-auth", json!({"password": "secret"})).await.admission().is_none());
}

#[tokio::test]
async fn a_push_is_told_with_its_caller_content_and_tags() {
    let ann = Identity {
        plugin: "staff".into(),
        subject: "ann".to_owned(),
        groups: vec!["ops".to_owned()],
        claims: vec![("mail".to_owned(), "ann@example.com".to_owned())],
        expires: None,
    };
    let media_type: MediaType = TYPE.parse().unwrap();
    let manifest = ManifestChange {
        digest: &digest('a'),
        media_type: &media_type,
        body: b"a manifest's body",
        config: Some(b"{\"os\":\"linux\"}"),
        tags: &[tag("v1", Some('b')), tag("v2", None)],
    };
    let text = told(Some(&ann), Change::PutManifest(manifest)).await;
    let begin = r#"0123456789abcdef default hostile-admission Some(("staff", "ann", ["ops"], [("mail", "ann@example.com")])) team/app 17 a manife..t's body Some("#;
    assert!(text.starts_with(begin) && text.contains("linux"), "{text}");
    for part in [digest('a').as_str(), TYPE, "\"v1\"", digest('b').as_str(), "\"v2\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let without = told(None, Change::PutManifest(ManifestChange { config: None, tags: &[], ..manifest })).await;
    assert!(
        without.starts_with("0123456789abcdef default hostile-admission None team/app 17 a manife..t's body None "),
        "{without}"
    );
}

#[tokio::test]
async fn deletions_are_told_with_the_tags_that_go() {
    let text = told(None, Change::DeleteTag(&tag("v1", Some('b')))).await;
    assert!(text.contains("DeleteTag") && text.contains("\"v1\"") && text.contains(digest('b').as_str()), "{text}");
    let tags: Vec<Tag> = vec!["v1".parse().unwrap(), "v2".parse().unwrap()];
    let text = told(None, Change::DeleteManifest { digest: &digest('c'), tags: &tags }).await;
    assert!(text.contains("DeleteManifest") && text.contains(digest('c').as_str()), "{text}");
    assert!(text.contains("\"v1\"") && text.contains("\"v2\""), "{text}");
    let text = told(None, Change::DeleteBlob(&digest('d'))).await;
    assert!(text.contains("DeleteBlob") && text.contains(digest('d').as_str()), "{text}");
    let text = told(None, Change::DeleteRepository(&[tag("v1", Some('b')), tag("v2", Some('c'))])).await;
    assert!(text.contains("DeleteRepository") && text.contains("\"v2\"") && text.contains(digest('c').as_str()), "{text}");
}

#[tokio::test]
async fn a_manifest_of_many_mib_reaches_the_guest_whole() {
    let plugin = hostile("echo").await;
    let body = [&b"the head"[..], &vec![b' '; 16 * 1024 * 1024 - 16], b"the tail"].concat();
    let answer = push(&plugin, &body, &[]).await;
    assert!(matches!(&answer, Ok(Opinion::Refuse(reason)) if reason.contains(" 16777216 the head..the tail ")), "{answer:?}");
}

#[tokio::test]
async fn a_manifest_that_the_guests_memory_does_not_hold_is_not_admitted() {
    let mut spec = spec("hostile-admission", json!({"behaviour": "honest"}));
    spec.limits.memory = 8 * 1024 * 1024;
    let plugin = try_load(spec).await.unwrap();
    let answer = push(&plugin, &vec![b' '; 16 * 1024 * 1024], &[]).await;
    assert!(matches!(answer, Err(PluginError::Trapped(_))), "{answer:?}");
    assert_eq!(push(&plugin, b"{}", &[]).await, Ok(Opinion::Admit(vec![])), "the next one is looked at");
}

#[tokio::test]
async fn a_loop_ends_with_its_time() {
    let plugin = hostile("loop").await;
    for _ in 0..2 {
        let begun = Instant::now();
        assert_eq!(push(&plugin, b"{}", &[]).await, Err(PluginError::TimedOut(Duration::from_millis(500))));
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn panics_and_replies_that_are_too_large_are_traps() {
    for behaviour in ["panic", "huge-reply", "huge-warnings"] {
        let plugin = hostile(behaviour).await;
        for _ in 0..3 {
            let answer = push(&plugin, b"{}", &[]).await;
            assert!(matches!(answer, Err(PluginError::Trapped(_))), "{behaviour}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_guest_gets_no_more_memory_than_its_limit() {
    let answer = push(&hostile("memory").await, b"{}", &[]).await;
    assert!(
        matches!(answer, Ok(Opinion::Refuse(_)) | Err(PluginError::Trapped(_) | PluginError::TimedOut(_))),
        "it was not stopped: {answer:?}"
    );
}

#[tokio::test]
async fn a_guests_own_error_is_no_refusal() {
    let answer = push(&hostile("error").await, b"{}", &[]).await;
    assert!(matches!(answer, Err(PluginError::Internal(_))), "{answer:?}");
}

#[tokio::test]
async fn warnings_are_lines_without_control_characters() {
    let Ok(Opinion::Admit(warnings)) = push(&hostile("forged-warnings").await, b"{}", &[]).await else { panic!() };
    assert!(warnings.contains(&"a line  Set-Cookie: forged=1    forged body".to_owned()), "{warnings:?}");
    assert!(warnings.iter().all(|warning| !warning.is_empty()), "an empty one says nothing: {warnings:?}");
    let control = |character: char| character.is_control() || character == '\u{2028}';
    assert!(!warnings.iter().any(|warning| warning.contains(control)), "{warnings:?}");
}

#[tokio::test]
async fn a_trap_for_one_tag_is_none_for_the_next() {
    let plugin = hostile("trap-on-one-tag").await;
    for name in ["trap", "v1", "trap", "v2"] {
        let answer = push(&plugin, b"{}", &[tag(name, None)]).await;
        match name {
            "trap" => assert!(matches!(answer, Err(PluginError::Trapped(_))), "{answer:?}"),
            _ => assert_eq!(answer, Ok(Opinion::Admit(vec![]))),
        }
    }
    let answer = review(&plugin, None, Change::DeleteManifest { digest: &digest('a'), tags: &["trap".parse().unwrap()] }).await;
    assert!(matches!(answer, Err(PluginError::Trapped(_))), "{answer:?}");
}

#[tokio::test]
async fn many_reviews_at_once_share_a_few_instances() {
    let mut spec = spec("hello-admission", json!({"reserved": ["latest"]}));
    spec.limits.instances = 2;
    let plugin = try_load(spec).await.unwrap();
    let reviews: Vec<_> = (0..200)
        .map(|number| {
            let plugin = plugin.clone();
            let name = if number % 2 == 0 { "latest".to_owned() } else { format!("v{number}") };
            tokio::spawn(async move { push(&plugin, b"{}", &[tag(&name, None)]).await })
        })
        .collect();
    for (number, review) in reviews.into_iter().enumerate() {
        let refused = matches!(review.await.unwrap(), Ok(Opinion::Refuse(_)));
        assert_eq!(refused, number % 2 == 0, "{number}");
    }
}

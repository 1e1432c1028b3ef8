//! The audit log hears of every change, and of every change that somebody's rule refused; of nothing else.

use std::sync::Arc;

use bulkhead_core::auth::Caller;
use bulkhead_core::ports::audit::{AuditAction, AuditCaller, AuditOutcome};
use bulkhead_core::ports::catalog::Attributed;
use bulkhead_core::ports::context::Identity;
use bulkhead_core::ports::event::Scope;
use bulkhead_core::registry::{Condition, Deletes, Deleting, Rules};
use bulkhead_oci::{Algorithm, Reference};

use crate::admission::{Judge, admit, refuse, world};
use crate::support::{UNDELETABLE, UNWRITABLE, World, body, image, index, name, sha256};

#[tokio::test]
async fn every_change_is_one_entry_that_says_what_was_changed() {
    let world = World::new().await;
    let (registry, a, always) = (&world.registry, name("a"), Condition::default());
    let blob = world.push_blob("a", b"content").await;
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    let other = sha256(b"other");
    let last = Some((Default::default(), body(&[b"other"])));
    registry.finish_upload(world.act(), &a, &id, &other, last).await.unwrap();
    registry.mount_blob(world.act(), &a, &name("b"), &blob).await.unwrap().unwrap();
    registry.find_blob(world.act(), &name("c"), &blob).await.unwrap().unwrap();
    let manifest = image(&blob, 7);
    let digest = world.put_with_tags("a", manifest.clone(), &["v1", "v2"]).await.unwrap().digest;
    world.put("a", "v3", manifest).await.unwrap();
    world.change("a", &Attributed::Tag("v1".parse().unwrap()), UNDELETABLE).await;
    world.change("a", &Attributed::Tag("v1".parse().unwrap()), crate::support::EVERYTHING).await;
    world.change("a", &Attributed::Repository, crate::support::UNLISTED).await;
    registry.delete_manifest(world.act(), &a, &"v1".parse().unwrap(), &always).await.unwrap();
    registry.delete_manifest(world.act(), &a, &Reference::Digest(digest.clone()), &always).await.unwrap();
    registry.delete_blob(world.act(), &a, &other, &always).await.unwrap();
    registry.delete_repository(world.act(), &a, &always).await.unwrap();
    let expected = [
        format!("push-blob done {blob}"),
        format!("push-blob done {other}"),
        format!("mount-blob done {blob} a"),
        format!("mount-blob done {blob} a"),
        format!("push-manifest done {digest} v1 v2"),
        format!("push-manifest done {digest} v3"),
        "change-attributes done v1 deleteEnabled=false".to_owned(),
        "change-attributes done v1 deleteEnabled=true writeEnabled=true readEnabled=true listEnabled=true".to_owned(),
        "change-attributes done listEnabled=false".to_owned(),
        format!("delete-tag done v1 {digest}"),
        format!("delete-manifest done {digest}"),
        format!("delete-blob done {other}"),
        "delete-repository done".to_owned(),
    ];
    assert_eq!(world.audited(), expected);
}

#[tokio::test]
async fn an_entry_says_who_from_where_when_and_in_which_request() {
    let world = World::new().await;
    let identity = Identity { plugin: "staff".into(), subject: "alice".into(), groups: vec![], claims: vec![], expires: None };
    let caller = Caller::Known(Arc::new(identity));
    world.registry.put_blob(world.acting(&caller), &name("a"), &sha256(b"x"), None, body(&[b"x"])).await.unwrap();
    let entries = world.audit.take();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    let clock: &dyn bulkhead_core::ports::clock::Clock = &*world.clock;
    assert_eq!((entry.at, entry.registry.as_ref().unwrap().as_str()), (clock.now(), "default"));
    assert_eq!(entry.who, Some(AuditCaller { plugin: "staff".to_owned(), subject: "alice".to_owned() }));
    assert_eq!((entry.request.as_deref(), entry.address.as_deref()), (Some("0123456789abcdef"), Some("127.0.0.1:9")));
    assert_eq!(entry.repository, Some(name("a")));
    assert!(entry.reason.is_empty() && entry.steps.is_empty() && entry.claimed.is_none());
}

#[tokio::test]
async fn what_a_plugin_refuses_or_fails_at_is_an_entry_with_its_name_and_words() {
    let judge = Judge::new(admit(&[]));
    let world = world(&[&judge]).await;
    let digest = world.push_image("a", "v1", b"content").await;
    world.audit.take();
    let failed = Err(bulkhead_core::ports::plugin::PluginError::Trapped("x".into()));
    for (answer, said, outcome) in [(refuse(), "refused", AuditOutcome::Refused), (failed, "failed", AuditOutcome::Failed)] {
        judge.answers(answer);
        world.put("a", "v2", index(&[])).await.unwrap_err();
        let reference = Reference::Digest(digest.clone());
        world.registry.delete_manifest(world.act(), &name("a"), &reference, &Condition::default()).await.unwrap_err();
        let entries = world.audit.take();
        let actions: Vec<_> = entries.iter().map(|entry| (entry.action, entry.outcome)).collect();
        assert_eq!(actions, [(AuditAction::PushManifest, outcome), (AuditAction::DeleteManifest, outcome)]);
        for entry in entries {
            let [step] = &entry.steps[..] else { panic!("{:?}", entry.steps) };
            assert_eq!((step.plugin.as_str(), step.digest.as_str(), step.said), ("judge", "sha256:0", said));
            assert!(!step.reason.is_empty() && entry.reason.contains(&step.reason), "{entry:?}");
        }
    }
}

#[tokio::test]
async fn what_a_lock_or_a_setting_refuses_is_an_entry_and_what_simply_fails_is_none() {
    let locked = Deletes { locked: vec![Scope::parse("kept").unwrap()], ..Deletes::default() };
    let world = World::ruled(Rules { deletes: locked, ..Rules::default() }).await;
    let (registry, always) = (&world.registry, Condition::default());
    let digest = world.push_image("a", "v1", b"content").await;
    world.push_image("kept", "v1", b"content").await;
    world.change("a", &Attributed::Tag("v1".parse().unwrap()), UNWRITABLE).await;
    world.audit.take();
    let v1: Reference = "v1".parse().unwrap();
    world.put("a", "v1", index(&[])).await.unwrap_err();
    registry.delete_manifest(world.act(), &name("kept"), &v1, &always).await.unwrap_err();
    registry.delete_blob(world.act(), &name("a"), &sha256(b"content"), &always).await.unwrap_err();
    registry.delete_repository(world.act(), &name("a"), &always).await.unwrap_err();
    let expected = [
        format!("push-manifest refused {} v1", sha256(&index(&[]))),
        "delete-tag refused v1".to_owned(),
        format!("delete-blob refused {}", sha256(b"content")),
        "delete-repository refused".to_owned(),
    ];
    let entries = world.audit.take();
    assert!(entries.iter().all(|entry| !entry.reason.is_empty()), "{entries:?}");
    for entry in entries {
        bulkhead_core::ports::audit::Audit::record(&*world.audit, entry).await;
    }
    assert_eq!(world.audited(), expected);

    world.put("a", "v2", image(&sha256(b"missing"), 7)).await.unwrap_err();
    world.put("a", "v2", "no manifest".into()).await.unwrap_err();
    registry.delete_manifest(world.act(), &name("a"), &"v9".parse().unwrap(), &always).await.unwrap_err();
    registry.put_blob(world.act(), &name("a"), &digest, None, body(&[b"wrong"])).await.unwrap_err();
    registry.delete_repository(world.act(), &name("none"), &always).await.unwrap_err();
    assert!(world.audited().is_empty());

    let world =
        World::ruled(Rules { deletes: Deletes { deleting: Deleting::Off, ..Deletes::default() }, ..Rules::default() }).await;
    world.registry.delete_manifest(world.act(), &name("a"), &v1, &always).await.unwrap_err();
    assert_eq!(world.audited(), ["delete-tag refused v1"]);
}

/// A client that goes away at the right moment must not make a change that nobody hears of.
#[tokio::test]
async fn a_change_whose_client_went_away_is_made_and_logged() {
    let judge = Judge::pausing();
    let world = world(&[&judge]).await;
    let (asked, go_on) = judge.pause.as_ref().unwrap();
    let body = index(&[]);
    tokio::select! {
        _ = world.put("a", "v1", body.clone()) => unreachable!("the judge has not answered"),
        () = asked.notified() => {}
    }
    assert!(world.audited().is_empty());
    go_on.notify_one();
    world.audit.recorded().await;
    assert_eq!(world.audited(), [format!("push-manifest done {} v1", sha256(&body))]);
    assert_eq!(world.tagged("a", "v1").await, Some(sha256(&body)));
}

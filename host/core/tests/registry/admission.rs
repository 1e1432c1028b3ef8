//! Changes are made only when every admission plugin has admitted what is then really changed.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bulkhead_core::ports::admission::{Admission, Change, Opinion};
use bulkhead_core::ports::catalog::{Attributed, Catalog};
use bulkhead_core::ports::context::{Identity, RequestContext};
use bulkhead_core::ports::event::EventAction;
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_core::registry::{Condition, RegistryError};
use bulkhead_oci::{Reference, RepositoryName};
use tokio::sync::Notify;

use crate::support::{EVERYTHING, Setup, UNDELETABLE, UNWRITABLE, World, image, index, name, sha256};

/// Answers the same to everything, and writes down what it was asked.
pub struct Judge {
    label: PluginLabel,
    answer: Mutex<Result<Opinion, PluginError>>,
    asked: Mutex<Vec<String>>,
    /// Where there is one: told of a question, and waited for before the answer.
    pub pause: Option<(Notify, Notify)>,
}

impl Judge {
    pub fn new(answer: Result<Opinion, PluginError>) -> Arc<Self> {
        Arc::new(Self::of(answer, None))
    }

    pub fn pausing() -> Arc<Self> {
        Arc::new(Self::of(Ok(Opinion::Admit(vec![])), Some((Notify::new(), Notify::new()))))
    }

    fn of(answer: Result<Opinion, PluginError>, pause: Option<(Notify, Notify)>) -> Self {
        let label = PluginLabel { name: "judge".into(), digest: "sha256:0".into() };
        Self { label, answer: Mutex::new(answer), asked: Mutex::default(), pause }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    pub fn answers(&self, answer: Result<Opinion, PluginError>) {
        *self.answer.lock().unwrap() = answer;
    }
}

fn told(change: &Change<'_>) -> String {
    match change {
        Change::PutManifest(put) => {
            let tags: Vec<String> = put.tags.iter().map(|state| format!("{}={}", state.tag, state.now.is_some())).collect();
            let config = put.config.map(|config| String::from_utf8_lossy(config).into_owned());
            format!("put {} {config:?}", tags.join(","))
        }
        Change::DeleteTag(state) => format!("delete tag {}={}", state.tag, state.now.is_some()),
        Change::DeleteManifest { tags, .. } => format!("delete manifest with {} tags", tags.len()),
        Change::DeleteBlob(_) => "delete blob".to_owned(),
        Change::DeleteRepository(tags) => format!("delete repository with {} tags", tags.len()),
    }
}

#[async_trait]
impl Admission for Judge {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn review(
        &self,
        _: &RequestContext,
        _: Option<&Identity>,
        _: &RepositoryName,
        change: &Change<'_>,
    ) -> Result<Opinion, PluginError> {
        self.asked.lock().unwrap().push(told(change));
        if let Some((asked, go_on)) = &self.pause {
            asked.notify_one();
            go_on.notified().await;
        }
        self.answer.lock().unwrap().clone()
    }
}

pub fn admit(warnings: &[&str]) -> Result<Opinion, PluginError> {
    Ok(Opinion::Admit(warnings.iter().map(|warning| (*warning).to_owned()).collect()))
}

pub fn refuse() -> Result<Opinion, PluginError> {
    Ok(Opinion::Refuse("not today".to_owned()))
}

pub async fn world(judges: &[&Arc<Judge>]) -> World {
    let hears = vec![EventAction::Push, EventAction::Delete, EventAction::Untag];
    let admission = judges.iter().map(|judge| Arc::clone(judge) as Arc<dyn Admission>).collect();
    World::with(Setup { hears, admission, ..Setup::default() }).await
}

#[tokio::test]
async fn every_change_is_shown_with_the_tags_that_it_is_about() {
    let judge = Judge::new(admit(&[]));
    let world = world(&[&judge]).await;
    let blob = world.push_blob("a", b"{}").await;
    assert!(judge.asked().is_empty());
    let digest = world.put("a", "v1", image(&blob, 2)).await.unwrap().digest;
    world.put_with_tags("a", image(&blob, 2), &["v1", "v2"]).await.unwrap();
    assert_eq!(judge.asked(), ["put v1=false Some(\"{}\")", "put v1=true,v2=false Some(\"{}\")"]);

    let (registry, a) = (&world.registry, name("a"));
    registry.delete_manifest(world.act(), &a, &"v1".parse().unwrap(), &Condition::default()).await.unwrap();
    registry.delete_manifest(world.act(), &a, &Reference::Digest(digest), &Condition::default()).await.unwrap();
    registry.delete_blob(world.act(), &a, &blob, &Condition::default()).await.unwrap();
    world.put("a", "v3", index(&[])).await.unwrap();
    registry.delete_repository(world.act(), &a, &Condition::default()).await.unwrap();
    let expected = [
        "delete tag v1=true",
        "delete manifest with 1 tags",
        "delete blob",
        "put v3=false None",
        "delete repository with 1 tags",
    ];
    assert_eq!(judge.asked(), expected);
}

#[tokio::test]
async fn nothing_changes_and_nobody_hears_of_it_where_a_plugin_refuses_or_fails() {
    let judge = Judge::new(admit(&[]));
    let world = world(&[&judge]).await;
    let digest = world.push_image("a", "v1", b"content").await;
    let heard = world.due().await;
    let (registry, a) = (&world.registry, name("a"));
    let refused = RegistryError::Refused { reason: "not today".to_owned() };
    let failures = [PluginError::Trapped("x".into()), PluginError::NotFound, PluginError::Denied("x".into())];
    for answer in std::iter::once(refuse()).chain(failures.into_iter().map(Err)) {
        judge.answers(answer.clone());
        let errors = [
            world.put("a", "v2", index(&[])).await.map(|_| ()).unwrap_err(),
            registry.delete_manifest(world.act(), &a, &"v1".parse().unwrap(), &Condition::default()).await.unwrap_err(),
            registry
                .delete_manifest(world.act(), &a, &Reference::Digest(digest.clone()), &Condition::default())
                .await
                .unwrap_err(),
            registry.delete_blob(world.act(), &a, &sha256(b"content"), &Condition::default()).await.unwrap_err(),
            registry.delete_repository(world.act(), &a, &Condition::default()).await.unwrap_err(),
        ];
        for error in errors {
            match &answer {
                Ok(_) => assert_eq!(error, refused),
                Err(_) => assert!(matches!(error, RegistryError::AdmissionFailed { .. }), "{error:?}"),
            }
        }
    }
    assert_eq!((world.tagged("a", "v1").await, world.tagged("a", "v2").await), (Some(digest), None));
    assert!(registry.blob(&a, &sha256(b"content")).await.is_ok());
    assert_eq!(world.due().await, heard);
}

#[tokio::test]
async fn the_first_refusal_ends_the_asking() {
    let (first, second) = (Judge::new(refuse()), Judge::new(admit(&[])));
    let world = world(&[&first, &second]).await;
    assert!(world.put("a", "v1", index(&[])).await.is_err());
    assert_eq!((first.asked().len(), second.asked().len()), (1, 0));
}

#[tokio::test]
async fn warnings_add_up_and_none_is_given_twice() {
    let (first, second) = (Judge::new(admit(&["old base", "big"])), Judge::new(admit(&["big", "no label"])));
    let world = world(&[&first, &second]).await;
    let pushed = world.put("a", "v1", index(&[])).await.unwrap();
    assert_eq!(pushed.warnings, ["old base", "big", "no label"]);
    let deleted =
        world.registry.delete_manifest(world.act(), &name("a"), &"v1".parse().unwrap(), &Condition::default()).await.unwrap();
    assert_eq!(deleted, ["old base", "big", "no label"]);
}

/// Makes a change while the judge is looking at another one, and lets the judge go on, as often as it is asked.
async fn meanwhile<T>(judge: &Judge, work: impl Future<Output = T>, change: impl AsyncFnOnce()) -> T {
    let (asked, go_on) = judge.pause.as_ref().unwrap();
    let disturb = async {
        asked.notified().await;
        change().await;
        loop {
            go_on.notify_one();
            asked.notified().await;
        }
    };
    tokio::select! {
        done = work => done,
        () = disturb => unreachable!("it goes on for ever"),
    }
}

#[tokio::test]
async fn a_tag_that_is_set_while_a_plugin_looks_is_looked_at_again() {
    let judge = Judge::pausing();
    let world = world(&[&judge]).await;
    let other = index(&[]);
    // Another node, which asks other plugins, writes to the same catalog.
    let behind = World::sharing(&world).await;
    let pushed = meanwhile(&judge, world.put("a", "v1", other.clone()), async || {
        behind.push_image("a", "v1", b"content").await;
    })
    .await;
    pushed.unwrap();
    assert_eq!(judge.asked(), ["put v1=false None", "put v1=true None"]);
    assert_eq!(world.tagged("a", "v1").await, Some(sha256(&other)));
}

#[tokio::test]
async fn a_tag_that_comes_to_a_manifest_while_a_plugin_looks_at_its_deletion_is_looked_at_too() {
    let judge = Judge::pausing();
    let world = world(&[&judge]).await;
    let behind = World::sharing(&world).await;
    let digest = behind.push_image("a", "v1", b"content").await;
    let reference = Reference::Digest(digest);
    let repository = name("a");
    let always = Condition::default();
    let deletion = world.registry.delete_manifest(world.act(), &repository, &reference, &always);
    let deleted = meanwhile(&judge, deletion, async || {
        behind.push_image("a", "v2", b"content").await;
    });
    deleted.await.unwrap();
    assert_eq!(judge.asked(), ["delete manifest with 1 tags", "delete manifest with 2 tags"]);
    let deletion = world.registry.delete_repository(world.act(), &repository, &always);
    behind.push_image("a", "v1", b"content").await;
    let deleted = meanwhile(&judge, deletion, async || {
        behind.push_image("a", "v3", b"content").await;
    });
    assert_eq!(deleted.await.unwrap().tags.len(), 2);
    assert_eq!(judge.asked(), ["delete repository with 1 tags", "delete repository with 2 tags"]);
    assert!(world.catalog.tags(world.id, &repository, None, 10).await.unwrap().is_none_or(|tags| tags.is_empty()));
}

/// The plugins admitted the change; then a lock came.
#[tokio::test]
async fn a_lock_that_is_set_between_the_review_and_the_commit_holds() {
    let repository = name("a");
    let v1 = Attributed::Tag("v1".parse().unwrap());
    let always = Condition::default();
    for (of, change) in
        [(Attributed::Repository, UNWRITABLE), (v1.clone(), UNWRITABLE), (Attributed::Repository, UNDELETABLE), (v1, UNDELETABLE)]
    {
        let judge = Judge::pausing();
        let world = world(&[&judge]).await;
        let behind = World::sharing(&world).await;
        let digest = behind.push_image("a", "v1", b"content").await;
        let heard = world.due().await;
        let lock = async || behind.change("a", &of, change).await;
        let reference = Reference::Digest(digest.clone());
        let tag = "v1".parse().unwrap();
        let refused = |error: RegistryError| assert!(matches!(error, RegistryError::Locked(_)), "{error:?}");
        if change == UNWRITABLE {
            refused(meanwhile(&judge, world.put("a", "v1", index(&[])), lock).await.unwrap_err());
            behind.change("a", &of, EVERYTHING).await;
        }
        let work = world.registry.delete_manifest(world.act(), &repository, &tag, &always);
        refused(meanwhile(&judge, work, lock).await.unwrap_err());
        behind.change("a", &of, EVERYTHING).await;
        let work = world.registry.delete_manifest(world.act(), &repository, &reference, &always);
        refused(meanwhile(&judge, work, lock).await.unwrap_err());
        behind.change("a", &of, EVERYTHING).await;
        let work = world.registry.delete_repository(world.act(), &repository, &always);
        refused(meanwhile(&judge, work, lock).await.unwrap_err());
        assert_eq!(world.tagged("a", "v1").await, Some(digest));
        assert_eq!(world.due().await, heard);
    }
}

#[tokio::test]
async fn a_lock_that_is_there_refuses_before_any_plugin_is_asked_about_the_repository() {
    let judge = Judge::new(admit(&[]));
    let world = world(&[&judge]).await;
    world.push_image("a", "v1", b"content").await;
    world.change("a", &Attributed::Repository, UNWRITABLE).await;
    judge.asked();
    world.put("a", "v2", index(&[])).await.unwrap_err();
    world.registry.delete_repository(world.act(), &name("a"), &Condition::default()).await.unwrap_err();
    assert!(judge.asked().is_empty());
}

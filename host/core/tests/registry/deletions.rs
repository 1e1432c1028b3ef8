//! What may be deleted, and what stays.

use bulkhead_core::ports::catalog::Referenced;
use bulkhead_core::ports::event::{EventAction, Scope};
use bulkhead_core::registry::{Condition, Deletes, Deleting, Etags, Locked, Page, RegistryError, Rules};
use bulkhead_oci::{Digest, Reference, Tag};

use crate::support::{Setup, World, image, index, name, sha256};

async fn world(deletes: Deletes) -> World {
    let hears = vec![EventAction::Delete, EventAction::Untag];
    World::with(Setup { hears, rules: Rules { deletes, ..Rules::default() }, ..Setup::default() }).await
}

fn locked(scopes: &[&str]) -> Deletes {
    Deletes { locked: scopes.iter().map(|scope| Scope::parse(scope).unwrap()).collect(), ..Deletes::default() }
}

/// Deletes by a tag or a digest.
async fn delete(world: &World, repository: &str, reference: &str) -> Result<(), RegistryError> {
    delete_if(world, repository, reference, &Condition::default()).await
}

async fn delete_if(world: &World, repository: &str, reference: &str, condition: &Condition) -> Result<(), RegistryError> {
    let reference = reference.parse().unwrap();
    world.registry.delete_manifest(world.act(), &name(repository), &reference, condition).await.map(|_| ())
}

async fn delete_blob(world: &World, repository: &str, digest: &Digest) -> Result<(), RegistryError> {
    world.registry.delete_blob(world.act(), &name(repository), digest, &Condition::default()).await.map(|_| ())
}

async fn delete_repository(world: &World, repository: &str) -> Result<(), RegistryError> {
    world.registry.delete_repository(world.act(), &name(repository), &Condition::default()).await.map(|_| ())
}

#[tokio::test]
async fn where_deleting_is_off_everything_stays() {
    let world = world(Deletes { deleting: Deleting::Off, ..Deletes::default() }).await;
    let digest = world.push_image("a", "v1", b"content").await;
    let off = Err(RegistryError::DeletesOff);
    assert_eq!(delete(&world, "a", "v1").await, off);
    assert_eq!(delete(&world, "a", digest.as_str()).await, off);
    assert_eq!(delete_blob(&world, "a", &sha256(b"content")).await, off);
    assert_eq!(delete_repository(&world, "a").await, off);
    assert_eq!(world.tagged("a", "v1").await, Some(digest));
    assert!(world.registry.blob(&name("a"), &sha256(b"content")).await.is_ok());
    assert_eq!(world.due().await, []);
}

#[tokio::test]
async fn what_is_needed_stays_until_what_needs_it_is_gone() {
    let world = world(Deletes::default()).await;
    let body = image(&world.push_blob("a", b"content").await, 7);
    let child = world.put("a", sha256(&body).as_str(), body.clone()).await.unwrap().digest;
    let parent = world.put("a", "v1", index(&[(&child, body.len())])).await.unwrap().digest;

    assert_eq!(delete_blob(&world, "a", &sha256(b"content")).await, Err(RegistryError::NeededBy(child.clone())));
    assert_eq!(delete(&world, "a", child.as_str()).await, Err(RegistryError::NeededBy(parent.clone())));
    assert!(world.registry.manifest(&name("a"), &Reference::Digest(child.clone())).await.is_ok());
    assert_eq!(world.due().await, []);

    delete(&world, "a", parent.as_str()).await.unwrap();
    delete(&world, "a", child.as_str()).await.unwrap();
    delete_blob(&world, "a", &sha256(b"content")).await.unwrap();
    assert_eq!(world.due().await.len(), 3);
}

#[tokio::test]
async fn what_is_needed_goes_where_the_operator_allows_it() {
    let world = world(Deletes { referenced: Referenced::Allow, ..Deletes::default() }).await;
    let body = image(&world.push_blob("a", b"content").await, 7);
    let child = world.put("a", sha256(&body).as_str(), body.clone()).await.unwrap().digest;
    world.put("a", "v1", index(&[(&child, body.len())])).await.unwrap();
    delete_blob(&world, "a", &sha256(b"content")).await.unwrap();
    delete(&world, "a", child.as_str()).await.unwrap();
}

#[tokio::test]
async fn a_locked_repository_loses_nothing() {
    let world = world(locked(&["release/*"])).await;
    let digest = world.push_image("release/app", "v1", b"content").await;
    let refused = |tag: Option<&str>| Err(RegistryError::Locked(Locked::BySetting { tag: tag.map(|tag| tag.parse().unwrap()) }));
    assert_eq!(delete(&world, "release/app", "v1").await, refused(Some("v1")));
    assert_eq!(delete(&world, "release/app", digest.as_str()).await, refused(None));
    assert_eq!(delete_blob(&world, "release/app", &sha256(b"content")).await, refused(None));
    assert_eq!(delete_repository(&world, "release/app").await, refused(None));
    assert_eq!(world.tagged("release/app", "v1").await, Some(digest));
    assert_eq!(world.due().await, []);
}

#[tokio::test]
async fn a_locked_tag_holds_its_manifest_and_its_repository() {
    let world = world(locked(&["app:v1"])).await;
    let digest = world.push_image("app", "v1", b"content").await;
    world.push_image("app", "other", b"content").await;
    world.push_image("elsewhere", "v1", b"content").await;
    let refused = Err(RegistryError::Locked(Locked::BySetting { tag: Some("v1".parse::<Tag>().unwrap()) }));
    assert_eq!(delete(&world, "app", "v1").await, refused);
    assert_eq!(delete(&world, "app", digest.as_str()).await, refused);
    assert_eq!(delete_repository(&world, "app").await, refused);
    assert_eq!(world.due().await, []);
    delete(&world, "app", "other").await.unwrap();
    delete(&world, "elsewhere", "v1").await.unwrap();
    assert_eq!(world.tagged("app", "v1").await, Some(digest));
}

#[tokio::test]
async fn a_repository_goes_as_a_whole_and_webhooks_hear_of_each_manifest() {
    let world = world(Deletes::default()).await;
    for (tag, content) in [("v1", &b"one"[..]), ("v2", b"two"), ("v3", b"two")] {
        world.push_image("a/b", tag, content).await;
    }
    let kept = world.push_image("a", "v1", b"one").await;
    let deleted = world.registry.delete_repository(world.act(), &name("a/b"), &Condition::default()).await.unwrap();
    assert_eq!((deleted.manifests.len(), deleted.tags.len()), (2, 3));
    assert_eq!(world.due().await, vec![(EventAction::Delete, "a/b".to_owned(), None); 2]);

    let page = Page { after: None, limit: 10 };
    assert_eq!(world.registry.repositories(world.act(), &page).await.unwrap().items, [name("a")]);
    assert_eq!(world.registry.tags(&name("a/b"), &page).await, Err(RegistryError::NameUnknown));
    assert_eq!(world.registry.blob(&name("a/b"), &sha256(b"one")).await, Err(RegistryError::BlobUnknown));
    assert_eq!(delete_repository(&world, "a/b").await, Err(RegistryError::NameUnknown));
    assert_eq!(world.tagged("a", "v1").await, Some(kept));
    // What comes later begins anew.
    world.push_image("a/b", "v1", b"one").await;
    assert_eq!(world.registry.tags(&name("a/b"), &page).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_deletion_under_a_condition_takes_only_what_its_client_has_seen() {
    let world = world(Deletes::default()).await;
    let digest = world.push_image("a", "v1", b"content").await;
    let of = |text: &str| Condition { if_match: Some(Etags::Of(vec![text.to_owned()])), if_none_match: None };
    let failed = Err(RegistryError::ConditionFailed);
    assert_eq!(delete_if(&world, "a", "v1", &of("sha256:other")).await, failed);
    assert_eq!(delete_if(&world, "a", digest.as_str(), &of("sha256:other")).await, failed);
    let blob = world.push_blob("a", b"another").await;
    let deleted = world.registry.delete_blob(world.act(), &name("a"), &blob, &of("sha256:other")).await;
    assert_eq!(deleted.map(|_| ()), failed);
    let deleted = world.registry.delete_repository(world.act(), &name("a"), &of(digest.as_str())).await;
    assert_eq!(deleted.map(|_| ()), failed);
    assert_eq!(world.tagged("a", "v1").await, Some(digest.clone()));
    assert_eq!(world.due().await, []);
    delete_if(&world, "a", "v1", &of(digest.as_str())).await.unwrap();
    world.registry.delete_blob(world.act(), &name("a"), &blob, &of(blob.as_str())).await.unwrap();
}

#[tokio::test]
async fn what_a_locked_tag_needs_stays_even_where_needed_content_may_go() {
    let world = world(Deletes { referenced: Referenced::Allow, ..locked(&["app:v1"]) }).await;
    let body = image(&world.push_blob("app", b"content").await, 7);
    let child = world.put("app", sha256(&body).as_str(), body.clone()).await.unwrap().digest;
    let parent = world.put("app", "v1", index(&[(&child, body.len())])).await.unwrap().digest;
    assert_eq!(delete(&world, "app", child.as_str()).await, Err(RegistryError::NeededBy(parent)));
    assert_eq!(delete_blob(&world, "app", &sha256(b"content")).await, Err(RegistryError::NeededBy(child)));
    assert!(world.registry.blob(&name("app"), &sha256(b"content")).await.is_ok());
    assert_eq!(world.due().await, []);
}

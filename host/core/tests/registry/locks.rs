//! Locks hold on every path, also against what was begun before they were set. Whoever is refused left nothing behind.

use std::sync::Arc;

use bulkhead_core::ports::catalog::{Attribute, Attributed, AttributedFacts, Attributes, Catalog, LockedBy, Referenced};
use bulkhead_core::ports::event::EventAction;
use bulkhead_core::registry::{Chunk, Condition, Deletes, Page, PushTarget, RegistryError, Rules};
use bulkhead_oci::{Accept, Algorithm, Digest, Reference};
use tokio::task::JoinSet;

use crate::support::{
    EVERYTHING, HeldBody, Setup, UNDELETABLE, UNLISTED, UNREADABLE, UNWRITABLE, World, body, image, index, locked, name, sha256,
};

const ALL: [EventAction; 5] = [EventAction::Push, EventAction::Delete, EventAction::Untag, EventAction::Mount, EventAction::Tag];

fn of_tag(text: &str) -> Attributed {
    Attributed::Tag(text.parse().unwrap())
}

fn on_tag(text: &str) -> LockedBy {
    LockedBy::Tag(text.parse().unwrap())
}

/// An image in `a` under `v1` and `v2`, and its digest.
async fn filled() -> (World, Digest) {
    let world = World::hearing(&ALL).await;
    let digest = world.push_image("a", "v1", b"content").await;
    world.push_image("a", "v2", b"content").await;
    (world, digest)
}

/// What is there: files, events, tags of `a` with what they point to.
async fn state(world: &World) -> (Vec<String>, usize, Vec<(String, Option<Digest>)>) {
    let mut files = world.files();
    files.sort_unstable();
    let filter = bulkhead_core::ports::catalog::TagFilter::All;
    let tags = world.catalog.tagged(world.id, &name("a"), filter, None, 100).await.unwrap();
    let tags = tags.into_iter().map(|state| (state.tag.to_string(), state.now)).collect();
    (files, world.due().await.len(), tags)
}

async fn pull(world: &World, reference: &Reference) -> Result<(), RegistryError> {
    world.registry.manifest(&name("a"), reference).await.map(|_| ())
}

async fn delete(world: &World, reference: &Reference) -> Result<(), RegistryError> {
    world.registry.delete_manifest(world.act(), &name("a"), reference, &Condition::default()).await.map(|_| ())
}

async fn delete_blob(world: &World, digest: &Digest) -> Result<(), RegistryError> {
    world.registry.delete_blob(world.act(), &name("a"), digest, &Condition::default()).await.map(|_| ())
}

async fn delete_all(world: &World) -> Result<(), RegistryError> {
    world.registry.delete_repository(world.act(), &name("a"), &Condition::default()).await.map(|_| ())
}

fn by(reference: &str) -> Reference {
    reference.parse().unwrap()
}

#[tokio::test]
async fn nothing_is_pulled_from_a_repository_that_may_not_be_read() {
    let (world, digest) = filled().await;
    let (registry, a, blob) = (&world.registry, name("a"), sha256(b"content"));
    let page = Page { after: None, limit: 10 };
    let pulls = async || {
        [
            pull(&world, &by("v1")).await,
            pull(&world, &by(digest.as_str())).await,
            registry.acceptable_manifest(&a, &"v1".parse().unwrap(), &Accept::parse(["*/*"].into_iter())).await.map(|_| ()),
            registry.blob(&a, &blob).await.map(|_| ()),
            registry.tags(&a, &page).await.map(|_| ()),
            registry.referrers(&a, &digest, None, None, 10).await.map(|_| ()),
        ]
    };
    assert_eq!(pulls().await, [const { Ok(()) }; 6]);
    world.change("a", &Attributed::Repository, UNREADABLE).await;
    let refused = locked(LockedBy::Repository, Attribute::Read);
    for _ in 0..2 {
        assert_eq!(pulls().await, [(); 6].map(|()| Err(refused.clone())));
    }
    // Whether it has the blob is no business of whoever mounts.
    let before = state(&world).await;
    assert_eq!(registry.mount_blob(world.act(), &a, &name("b"), &blob).await, Ok(None));
    assert_eq!(registry.find_blob(world.act(), &name("b"), &blob).await, Ok(None));
    assert_eq!(registry.blob(&name("b"), &blob).await, Err(RegistryError::BlobUnknown));
    assert_eq!(state(&world).await, before);
    // What it is stays known to whoever may know it, and pushes go on.
    assert!(!registry.attributes(&a, &Attributed::Repository).await.unwrap().attributes.read_enabled);
    world.push_image("a", "v3", b"more").await;
    world.change("a", &Attributed::Repository, EVERYTHING).await;
    assert_eq!(pulls().await, [const { Ok(()) }; 6]);
}

#[tokio::test]
async fn a_manifest_or_a_tag_that_may_not_be_read_is_not_pulled() {
    let (world, digest) = filled().await;
    let by_digest = by(digest.as_str());
    world.change("a", &of_tag("v1"), UNREADABLE).await;
    assert_eq!(pull(&world, &by("v1")).await, Err(locked(on_tag("v1"), Attribute::Read)));
    assert_eq!((pull(&world, &by("v2")).await, pull(&world, &by_digest).await), (Ok(()), Ok(())));
    world.change("a", &Attributed::Manifest(digest.clone()), UNREADABLE).await;
    for reference in [by("v1"), by("v2"), by_digest] {
        let refused = pull(&world, &reference).await;
        assert_eq!(refused, Err(locked(LockedBy::Manifest(digest.clone()), Attribute::Read)), "{reference}");
    }
}

#[tokio::test]
async fn an_image_that_may_not_be_read_is_not_given_in_place_of_its_index() {
    let world = World::new().await;
    let body = image(&world.push_blob("a", b"content").await, 7);
    let child = world.put("a", sha256(&body).as_str(), body.clone()).await.unwrap().digest;
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let entry = format!(
        r#"{{"mediaType":"{kind}","digest":"{child}","size":{},"platform":{{"os":"linux","architecture":"amd64"}}}}"#,
        body.len()
    );
    let list = format!(r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{entry}]}}"#);
    world.put("a", "v1", list.into()).await.unwrap();
    let (tag, accept) = ("v1".parse().unwrap(), Accept::parse([kind].into_iter()));
    let given = async || world.registry.acceptable_manifest(&name("a"), &tag, &accept).await.map(|record| record.digest);
    assert_eq!(given().await, Ok(child.clone()));
    world.change("a", &Attributed::Manifest(child.clone()), UNREADABLE).await;
    assert_eq!(given().await, Err(locked(LockedBy::Manifest(child), Attribute::Read)));
}

#[tokio::test]
async fn nothing_comes_into_a_repository_that_may_not_be_written() {
    let (world, digest) = filled().await;
    let (registry, a, new) = (&world.registry, name("a"), sha256(b"new"));
    let elsewhere = world.push_blob("b", b"elsewhere").await;
    let upload = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    registry.append_upload(world.act(), &a, &upload, Chunk::default(), body(&[b"ne"])).await.unwrap();
    world.change("a", &Attributed::Repository, UNWRITABLE).await;
    let before = state(&world).await;
    let last = Some((Chunk::default(), body(&[b"w"])));
    let pushes = [
        registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.map(|_| ()),
        registry.append_upload(world.act(), &a, &upload, Chunk::default(), body(&[b"w"])).await.map(|_| ()),
        registry.finish_upload(world.act(), &a, &upload, &new, last).await.map(|_| ()),
        registry.put_blob(world.act(), &a, &new, None, body(&[b"new"])).await.map(|_| ()),
        registry.mount_blob(world.act(), &name("b"), &a, &elsewhere).await.map(|_| ()),
        registry.find_blob(world.act(), &a, &elsewhere).await.map(|_| ()),
        world.put("a", "v3", index(&[])).await.map(|_| ()),
        world.put("a", sha256(&index(&[])).as_str(), index(&[])).await.map(|_| ()),
        delete(&world, &by("v1")).await,
        delete(&world, &by(digest.as_str())).await,
        delete_blob(&world, &sha256(b"content")).await,
        delete_all(&world).await,
    ];
    let refused = locked(LockedBy::Repository, Attribute::Write);
    for (number, pushed) in pushes.into_iter().enumerate() {
        assert_eq!(pushed, Err(refused.clone()), "{number}");
    }
    assert_eq!(state(&world).await, before);
    for digest in [&new, &elsewhere] {
        assert_eq!(registry.blob(&a, digest).await, Err(RegistryError::BlobUnknown));
    }
    assert_eq!(registry.upload(world.act(), &a, &upload).await.unwrap().progress.offset, 2);
    registry.cancel_upload(world.act(), &a, &upload).await.unwrap();
    assert_eq!(pull(&world, &by("v1")).await, Ok(()));
}

#[tokio::test]
async fn what_may_not_be_deleted_can_be_pushed_to() {
    let (world, digest) = filled().await;
    world.change("a", &Attributed::Repository, UNDELETABLE).await;
    world.push_image("a", "v1", b"new").await;
    let before = state(&world).await;
    let refused = locked(LockedBy::Repository, Attribute::Delete);
    assert_eq!(delete(&world, &by("v1")).await, Err(refused.clone()));
    assert_eq!(delete(&world, &by(digest.as_str())).await, Err(refused.clone()));
    assert_eq!(delete_blob(&world, &sha256(b"content")).await, Err(refused.clone()));
    assert_eq!(delete_all(&world).await, Err(refused));
    assert_eq!(state(&world).await, before);
}

#[tokio::test]
async fn a_locked_tag_holds_against_every_way_around_it() {
    for (change, attribute) in [(UNWRITABLE, Attribute::Write), (UNDELETABLE, Attribute::Delete)] {
        let (world, digest) = filled().await;
        world.change("a", &of_tag("v1"), change).await;
        let before = state(&world).await;
        let refused = locked(on_tag("v1"), attribute);
        for reference in [by("v1"), by(digest.as_str())] {
            assert_eq!(delete(&world, &reference).await, Err(refused.clone()), "{reference}");
        }
        assert_eq!(delete_all(&world).await, Err(refused.clone()));
        assert_eq!(delete_blob(&world, &sha256(b"content")).await, Err(RegistryError::NeededBy(digest.clone())));
        if attribute == Attribute::Write {
            assert_eq!(world.put("a", "v1", index(&[])).await.unwrap_err(), refused);
            assert_eq!(world.put_with_tags("a", index(&[]), &["v9", "v1"]).await.unwrap_err(), refused);
        }
        assert_eq!(state(&world).await, before);
        assert_eq!(delete(&world, &by("v2")).await, Ok(()), "the other one is not locked");
        world.change("a", &of_tag("v1"), EVERYTHING).await;
        assert_eq!(delete(&world, &by(digest.as_str())).await, Ok(()));
    }
}

#[tokio::test]
async fn a_locked_manifest_is_not_deleted_nor_what_it_is_made_of() {
    let rules = Rules { deletes: Deletes { referenced: Referenced::Allow, ..Deletes::default() }, ..Rules::default() };
    let world = World::with(Setup { hears: ALL.to_vec(), rules, ..Setup::default() }).await;
    let digest = world.push_image("a", "v1", b"content").await;
    let of = Attributed::Manifest(digest.clone());
    world.change("a", &of, UNDELETABLE).await;
    let before = state(&world).await;
    let refused = locked(LockedBy::Manifest(digest.clone()), Attribute::Delete);
    assert_eq!(delete(&world, &by(digest.as_str())).await, Err(refused.clone()));
    assert_eq!(delete_all(&world).await, Err(refused));
    assert_eq!(delete_blob(&world, &sha256(b"content")).await, Err(RegistryError::NeededBy(digest.clone())));
    assert_eq!(state(&world).await, before);
    world.change("a", &of, EVERYTHING).await;
    assert_eq!(delete_blob(&world, &sha256(b"content")).await, Ok(()));
}

#[tokio::test]
async fn what_may_not_be_listed_is_in_no_list_and_can_be_pulled() {
    let (world, digest) = filled().await;
    let (registry, a, page) = (&world.registry, name("a"), Page { after: None, limit: 10 });
    world.change("a", &of_tag("v1"), UNLISTED).await;
    assert_eq!(registry.tags(&a, &page).await.unwrap().items, ["v2".parse().unwrap()]);
    world.change("a", &Attributed::Repository, UNLISTED).await;
    assert_eq!(registry.repositories(world.act(), &page).await.unwrap().items, []);
    assert_eq!((pull(&world, &by("v1")).await, pull(&world, &by(digest.as_str())).await), (Ok(()), Ok(())));
}

#[tokio::test]
async fn attributes_are_known_of_what_is_there_and_an_empty_change_changes_nothing() {
    let (world, digest) = filled().await;
    let (registry, a) = (&world.registry, name("a"));
    let record = registry.attributes(&a, &of_tag("v1")).await.unwrap();
    assert_eq!((record.attributes, record.facts), (Attributes::default(), AttributedFacts::Tag { digest }));
    world.audited();
    let same = registry.change_attributes(world.act(), &a, &of_tag("v1"), Default::default()).await.unwrap();
    assert_eq!(same.updated, record.updated);
    for (repository, of, unknown) in [
        ("none", Attributed::Repository, RegistryError::NameUnknown),
        ("a", of_tag("v9"), RegistryError::ManifestUnknown),
        ("a", Attributed::Manifest(sha256(b"none")), RegistryError::ManifestUnknown),
    ] {
        assert_eq!(registry.attributes(&name(repository), &of).await, Err(unknown.clone()));
        let changed = registry.change_attributes(world.act(), &name(repository), &of, UNDELETABLE).await;
        assert_eq!(changed, Err(unknown));
    }
    assert!(world.audited().is_empty());
    let changed = registry.change_attributes(world.act(), &a, &of_tag("v1"), UNDELETABLE).await.unwrap();
    assert!(!changed.attributes.delete_enabled);
}

/// The upload passed every check before its last byte came, and then the repository was locked.
#[tokio::test]
async fn a_blob_whose_last_chunk_is_on_its_way_does_not_come_into_a_repository_that_was_locked() {
    for whole in [false, true] {
        let world = Arc::new(World::new().await);
        world.push_image("a", "v1", b"content").await;
        let (digest, a) = (sha256(b"late"), name("a"));
        let id = world.registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
        let (held, slow) = HeldBody::new(b"late");
        let push = tokio::spawn({
            let (world, a, id, digest) = (Arc::clone(&world), a.clone(), id.clone(), digest.clone());
            async move {
                match whole {
                    true => world.registry.put_blob(world.act(), &a, &digest, None, slow).await,
                    false => {
                        let last = Some((Chunk::default(), slow));
                        world.registry.finish_upload(world.act(), &a, &id, &digest, last).await
                    }
                }
            }
        });
        held.was_asked.await.unwrap();
        world.change("a", &Attributed::Repository, UNWRITABLE).await;
        world.audited();
        held.release.send(()).unwrap();
        assert_eq!(push.await.unwrap(), Err(locked(LockedBy::Repository, Attribute::Write)));
        assert_eq!(world.audited(), [format!("push-blob refused {digest}")]);
        assert_eq!(world.registry.blob(&a, &digest).await, Err(RegistryError::BlobUnknown));
        let left = world.registry.upload(world.act(), &a, &id).await;
        assert_eq!(left.is_ok(), whole, "an upload whose bytes went is none any more");
    }
}

/// Pushes, moves and deletions are under way when the lock comes; what is there when the change of attributes returns stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lock_that_is_set_while_pushes_run_is_never_broken_after_it_was_acknowledged() {
    const PUSHERS: usize = 8;
    for round in 0..12_usize {
        let world = Arc::new(World::new().await);
        world.push_image("a", "v1", b"first").await;
        let body = image(&world.push_blob("a", b"layer").await, 5);
        let mut running = JoinSet::new();
        for pusher in 0..PUSHERS {
            let (world, body) = (Arc::clone(&world), body.clone());
            running.spawn(async move {
                let mut refused = 0;
                for step in pusher.. {
                    let outcome = match step % 4 {
                        0 => world.put("a", "v1", body.clone()).await.map(|_| ()),
                        1 => world.put("a", "v1", index(&[])).await.map(|_| ()),
                        2 => delete(&world, &by("v1")).await,
                        _ => delete(&world, &by(sha256(&body).as_str())).await,
                    };
                    refused += u32::from(matches!(outcome, Err(RegistryError::Locked(_))));
                    if refused == 20 {
                        break;
                    }
                }
            });
        }
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        let (of, change) = match round % 3 {
            0 => (Attributed::Repository, UNWRITABLE),
            1 => (of_tag("v1"), UNWRITABLE),
            _ => (of_tag("v1"), UNDELETABLE),
        };
        // The tag may be away for a moment: then there is nothing to lock yet.
        while world.registry.change_attributes(world.act(), &name("a"), &of, change).await.is_err() {
            tokio::task::yield_now().await;
        }
        let held = world.tagged("a", "v1").await;
        running.join_all().await;
        let after = world.tagged("a", "v1").await;
        match round % 3 {
            0 | 1 => assert_eq!(after, held, "round {round}"),
            _ => assert!(held.is_some() && after.is_some(), "round {round}: it may move, and never go"),
        }
    }
}

#[tokio::test]
async fn a_push_that_sets_several_tags_sets_none_where_one_is_locked() {
    let (world, _) = filled().await;
    world.change("a", &of_tag("v2"), UNWRITABLE).await;
    let body = index(&[]);
    let target = PushTarget::Digest { digest: sha256(&body), tags: ["v1", "v2", "v3"].map(|tag| tag.parse().unwrap()).to_vec() };
    let before = state(&world).await;
    let pushed = world.push("a", target, body.clone(), Condition::default()).await;
    assert_eq!(pushed.unwrap_err(), locked(on_tag("v2"), Attribute::Write));
    assert_eq!(state(&world).await, before);
    assert_eq!(pull(&world, &by(sha256(&body).as_str())).await, Err(RegistryError::ManifestUnknown));
}

//! Blobs, uploads, manifests and lists.

use std::sync::Arc;

use bulkhead_core::auth::Caller;
use bulkhead_core::ports::context::Identity;
use bulkhead_core::ports::event::EventAction;
use bulkhead_core::registry::{Chunk, Condition, Page, RegistryError, Rules};
use bulkhead_oci::{Algorithm, ChunkRange, Reference};

use crate::support::{HeldBody, World, body, broken, collect, image, name, sha256, sha512};

fn chunk(start: u64, end: u64) -> Chunk {
    Chunk { range: Some(ChunkRange { start, end }), length: None }
}

#[tokio::test]
async fn an_upload_in_several_chunks_becomes_a_blob_of_its_repository_alone() {
    let world = World::new().await;
    let (registry, a) = (&world.registry, name("a"));
    let upload = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap();
    registry.append_upload(world.act(), &a, &upload.id, chunk(0, 4), body(&[b"hello"])).await.unwrap();
    let stands = registry.append_upload(world.act(), &a, &upload.id, Chunk::default(), body(&[b" wor"])).await.unwrap();
    assert_eq!(stands.progress.offset, 9);
    let digest = sha256(b"hello world");
    let last = Some((chunk(9, 10), body(&[b"ld"])));
    let blob = registry.finish_upload(world.act(), &a, &upload.id, &digest, last).await.unwrap();
    assert_eq!(collect(registry.read_blob(&blob, None).await.unwrap()).await, b"hello world");
    assert_eq!(registry.blob(&name("b"), &digest).await, Err(RegistryError::BlobUnknown));
    assert_eq!(registry.upload(world.act(), &a, &upload.id).await, Err(RegistryError::UploadUnknown));
}

#[tokio::test]
async fn a_chunk_out_of_order_or_of_another_length_moves_nothing() {
    let world = World::new().await;
    let (registry, a) = (&world.registry, name("a"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    registry.append_upload(world.act(), &a, &id, Chunk::default(), body(&[b"hello"])).await.unwrap();
    let ahead = registry.append_upload(world.act(), &a, &id, chunk(6, 7), body(&[b"xx"])).await;
    assert_eq!(ahead.unwrap_err(), RegistryError::OutOfOrder { offset: 5 });
    let short = registry.append_upload(world.act(), &a, &id, chunk(5, 9), body(&[b"xx"])).await;
    assert_eq!(short.unwrap_err(), RegistryError::LengthMismatch { promised: 5, got: 2 });
    assert_eq!(registry.upload(world.act(), &a, &id).await.unwrap().progress.offset, 5);
    let blob =
        registry.finish_upload(world.act(), &a, &id, &sha256(b"hello!"), Some((chunk(5, 5), body(&[b"!"])))).await.unwrap();
    assert_eq!(collect(registry.read_blob(&blob, None).await.unwrap()).await, b"hello!");
}

#[tokio::test]
async fn what_arrived_before_a_connection_broke_is_kept() {
    let world = World::new().await;
    let (registry, a) = (&world.registry, name("a"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    let broke = registry.append_upload(world.act(), &a, &id, Chunk::default(), broken(b"hello")).await;
    assert!(matches!(broke, Err(RegistryError::BodyEnded(_))));
    assert_eq!(registry.upload(world.act(), &a, &id).await.unwrap().progress.offset, 5);
    registry.append_upload(world.act(), &a, &id, chunk(5, 5), body(&[b"!"])).await.unwrap();
    registry.finish_upload(world.act(), &a, &id, &sha256(b"hello!"), None).await.unwrap();
}

#[tokio::test]
async fn a_wrong_digest_leaves_neither_blob_nor_upload_nor_file() {
    let world = World::new().await;
    let (registry, a) = (&world.registry, name("a"));
    let wrong = sha256(b"something else");
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    let finished = registry.finish_upload(world.act(), &a, &id, &wrong, Some((Chunk::default(), body(&[b"hello"])))).await;
    assert!(matches!(finished, Err(RegistryError::DigestMismatch { .. })));
    let put = registry.put_blob(world.act(), &a, &wrong, None, body(&[b"hello"])).await;
    assert!(matches!(put, Err(RegistryError::DigestMismatch { .. })));
    assert_eq!(registry.blob(&a, &wrong).await, Err(RegistryError::BlobUnknown));
    assert_eq!(registry.blob(&a, &sha256(b"hello")).await, Err(RegistryError::BlobUnknown));
    assert_eq!(registry.upload(world.act(), &a, &id).await, Err(RegistryError::UploadUnknown));
    assert_eq!(world.files(), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository() {
    let world = World::new().await;
    let (registry, a, b) = (&world.registry, name("a"), name("b"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    let appended = registry.append_upload(world.act(), &b, &id, Chunk::default(), body(&[b"x"])).await;
    assert_eq!(appended.unwrap_err(), RegistryError::UploadUnknown);
    assert_eq!(registry.finish_upload(world.act(), &b, &id, &sha256(b""), None).await.unwrap_err(), RegistryError::UploadUnknown);
    assert_eq!(registry.cancel_upload(world.act(), &b, &id).await.unwrap_err(), RegistryError::UploadUnknown);
    registry.cancel_upload(world.act(), &a, &id).await.unwrap();
    assert_eq!(registry.cancel_upload(world.act(), &a, &id).await.unwrap_err(), RegistryError::UploadUnknown);
}

fn known(plugin: &str, subject: &str) -> Caller {
    let (groups, claims) = (vec![], vec![]);
    Caller::Known(Arc::new(Identity { plugin: plugin.into(), subject: subject.to_owned(), groups, claims, expires: None }))
}

#[tokio::test]
async fn an_upload_is_nobodys_but_of_who_began_it() {
    let world = World::new().await;
    let (registry, a) = (&world.registry, name("a"));
    let alice = known("staff", "alice");
    let id = registry.begin_upload(world.acting(&alice), &a, Algorithm::Sha256).await.unwrap().id;
    for other in [Caller::Anonymous, known("staff", "bob"), known("partners", "alice")] {
        let act = world.acting(&other);
        assert_eq!(registry.upload(act, &a, &id).await, Err(RegistryError::UploadUnknown));
        let appended = registry.append_upload(act, &a, &id, Chunk::default(), body(&[b"x"])).await;
        assert_eq!(appended.unwrap_err(), RegistryError::UploadUnknown);
        let last = Some((Chunk::default(), body(&[b"x"])));
        assert_eq!(registry.finish_upload(act, &a, &id, &sha256(b"x"), last).await.unwrap_err(), RegistryError::UploadUnknown);
        assert_eq!(registry.cancel_upload(act, &a, &id).await.unwrap_err(), RegistryError::UploadUnknown);
    }
    let act = world.acting(&alice);
    assert_eq!(registry.upload(act, &a, &id).await.unwrap().progress.offset, 0);
    assert_eq!(registry.blob(&a, &sha256(b"x")).await, Err(RegistryError::BlobUnknown));
    assert!(world.audited().is_empty());
    registry.append_upload(act, &a, &id, Chunk::default(), body(&[b"hello"])).await.unwrap();
    registry.finish_upload(world.acting(&known("staff", "alice")), &a, &id, &sha256(b"hello"), None).await.unwrap();
}

#[tokio::test]
async fn two_requests_do_not_write_to_one_upload() {
    let world = Arc::new(World::new().await);
    let (registry, a) = (world.registry.clone(), name("a"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    let (held, slow) = HeldBody::new(b"hello");
    let first = tokio::spawn({
        let (world, a, id) = (Arc::clone(&world), a.clone(), id.clone());
        async move { world.registry.append_upload(world.act(), &a, &id, Chunk::default(), slow).await }
    });
    held.was_asked.await.unwrap();
    let second = registry.append_upload(world.act(), &a, &id, Chunk::default(), body(&[b"x"])).await;
    assert_eq!(second.unwrap_err(), RegistryError::UploadBusy);
    held.release.send(()).unwrap();
    assert_eq!(first.await.unwrap().unwrap().progress.offset, 5);
}

#[tokio::test]
async fn a_blob_larger_than_the_registry_takes_is_refused_and_not_kept() {
    let world = World::ruled(Rules { max_blob_bytes: 4, ..Rules::default() }).await;
    let put = world.registry.put_blob(world.act(), &name("a"), &sha256(b"hello"), None, body(&[b"hello"])).await;
    assert_eq!(put.unwrap_err(), RegistryError::TooLarge { limit: 4 });
    assert_eq!(world.files(), Vec::<String>::new());
}

#[tokio::test]
async fn content_is_named_by_either_algorithm_whatever_it_was_begun_with() {
    let world = World::new().await;
    let (registry, a) = (&world.registry, name("a"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    registry.append_upload(world.act(), &a, &id, Chunk::default(), body(&[b"hello"])).await.unwrap();
    let blob = registry.finish_upload(world.act(), &a, &id, &sha512(b"hello"), None).await.unwrap();
    assert_eq!(registry.blob(&a, &sha512(b"hello")).await.unwrap(), blob);
    assert_eq!(collect(registry.read_blob(&blob, None).await.unwrap()).await, b"hello");
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    registry.append_upload(world.act(), &a, &id, Chunk::default(), body(&[b"hello"])).await.unwrap();
    let wrong = registry.finish_upload(world.act(), &a, &id, &sha512(b"other"), None).await;
    assert!(matches!(wrong, Err(RegistryError::DigestMismatch { .. })));
    assert_eq!(registry.blob(&a, &sha512(b"other")).await, Err(RegistryError::BlobUnknown));
}

#[tokio::test]
async fn a_mount_gives_the_blob_to_the_other_repository_and_tells_of_it() {
    let world = World::hearing(&[EventAction::Mount]).await;
    let digest = world.push_blob("a", b"hello").await;
    let mounted = world.registry.mount_blob(world.act(), &name("a"), &name("b"), &digest).await.unwrap();
    assert_eq!(mounted.unwrap().digest, digest);
    assert!(world.registry.blob(&name("b"), &digest).await.is_ok());
    let absent = world.registry.mount_blob(world.act(), &name("a"), &name("b"), &sha256(b"x")).await.unwrap();
    assert_eq!(absent, None);
    assert_eq!(world.due().await, [(EventAction::Mount, "b".to_owned(), None)]);
}

#[tokio::test]
async fn a_manifest_is_kept_byte_for_byte_under_its_tag_and_its_digest() {
    let world = World::new().await;
    let digest = world.push_image("a/b", "v1", b"content").await;
    for reference in [Reference::Tag("v1".parse().unwrap()), Reference::Digest(digest.clone())] {
        let found = world.registry.manifest(&name("a/b"), &reference).await.unwrap();
        assert_eq!((found.body, found.digest), (image(&sha256(b"content"), 7), digest.clone()));
    }
    let elsewhere = world.registry.manifest(&name("a"), &Reference::Digest(digest)).await;
    assert_eq!(elsewhere.unwrap_err(), RegistryError::ManifestUnknown);
}

#[tokio::test]
async fn a_refused_manifest_leaves_no_tag_no_repository_and_no_event() {
    let world = World::hearing(&[EventAction::Push]).await;
    let (registry, a) = (&world.registry, name("a"));
    let tag: Reference = "v1".parse().unwrap();
    let absent = sha256(b"absent");
    let missing = world.put("a", "v1", image(&absent, 6)).await;
    assert_eq!(missing.unwrap_err(), RegistryError::MissingReferences(vec![absent.clone()]));
    let held = world.push_blob("a", b"content").await;
    let other = world.put("a", "v1", image(&held, 8)).await;
    assert_eq!(other.unwrap_err(), RegistryError::WrongSizes(vec![held.clone()]));
    registry.delete_blob(world.act(), &a, &held, &Condition::default()).await.unwrap();
    let mismatch = world.put("a", absent.as_str(), image(&sha256(b"x"), 1)).await;
    assert!(matches!(mismatch, Err(RegistryError::DigestMismatch { .. })));
    let malformed = world.put("a", "v1", "{}".into()).await;
    assert!(matches!(malformed, Err(RegistryError::ManifestInvalid(_))));
    assert_eq!(registry.manifest(&a, &tag).await.unwrap_err(), RegistryError::ManifestUnknown);
    let page = Page { after: None, limit: 10 };
    assert!(registry.tags(&a, &page).await.unwrap().items.is_empty());
    assert!(registry.repositories(world.act(), &page).await.unwrap().items.is_empty());
    assert_eq!(world.due().await, []);
}

#[tokio::test]
async fn a_digest_that_goes_takes_its_tags_and_a_tag_goes_alone() {
    let world = World::hearing(&[EventAction::Delete, EventAction::Untag]).await;
    let (registry, a) = (&world.registry, name("a"));
    let digest = world.push_image("a", "v1", b"content").await;
    world.push_image("a", "v2", b"content").await;
    registry.delete_manifest(world.act(), &a, &"v1".parse().unwrap(), &Condition::default()).await.unwrap();
    assert!(registry.manifest(&a, &Reference::Digest(digest.clone())).await.is_ok());
    registry.delete_manifest(world.act(), &a, &Reference::Digest(digest), &Condition::default()).await.unwrap();
    let gone = registry.delete_manifest(world.act(), &a, &"v2".parse().unwrap(), &Condition::default()).await;
    assert_eq!(gone.unwrap_err(), RegistryError::ManifestUnknown);
    let heard = world.due().await;
    assert_eq!(heard, [(EventAction::Untag, "a".into(), Some("v1".into())), (EventAction::Delete, "a".into(), None)]);
}

#[tokio::test]
async fn lists_go_on_page_by_page_in_byte_order() {
    let world = World::new().await;
    for tag in ["b", "a", "B", "_", "10", "9"] {
        world.push_image("a/b", tag, b"content").await;
    }
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = Page { after: after.clone(), limit: 4 };
        let listed = world.registry.tags(&name("a/b"), &page).await.unwrap();
        all.extend(listed.items.iter().map(ToString::to_string));
        after.clone_from(&listed.next);
        if listed.next.is_none() {
            break;
        }
    }
    assert_eq!(all, ["10", "9", "B", "_", "a", "b"]);
    let none = world.registry.tags(&name("a/b"), &Page { after: None, limit: 0 }).await.unwrap();
    assert!(none.items.is_empty() && none.next.is_none());
}

//! Uploads that nobody goes on with.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::registry::{Chunk, Janitor, RegistryError, Rules};
use bulkhead_oci::Algorithm;

use crate::support::{HeldBody, World, body, name, sha256};

const LIFE: Duration = Duration::from_secs(3600);

async fn world() -> World {
    World::ruled(Rules { upload_life: LIFE, ..Rules::default() }).await
}

#[tokio::test]
async fn an_upload_that_stands_still_is_dropped_with_its_bytes() {
    let world = world().await;
    let (registry, a) = (&world.registry, name("a"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    registry.append_upload(world.act(), &a, &id, Chunk::default(), body(&[b"hello"])).await.unwrap();
    world.clock.advance(LIFE - Duration::from_millis(1));
    assert_eq!(registry.expire_uploads().await, Ok(0));
    assert!(registry.upload(world.act(), &a, &id).await.is_ok());

    world.clock.advance(Duration::from_millis(1));
    // Even before anybody has tidied up.
    assert_eq!(registry.upload(world.act(), &a, &id).await, Err(RegistryError::UploadUnknown));
    let late = registry.append_upload(world.act(), &a, &id, Chunk::default(), body(&[b"!"])).await;
    assert_eq!(late.unwrap_err(), RegistryError::UploadUnknown);
    let late = registry.finish_upload(world.act(), &a, &id, &sha256(b"hello"), None).await;
    assert_eq!(late.unwrap_err(), RegistryError::UploadUnknown);
    assert_eq!(registry.expire_uploads().await, Ok(1));
    assert_eq!(world.files(), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_that_grows_lives_on() {
    let world = world().await;
    let (registry, a) = (&world.registry, name("a"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    for _ in 0..3 {
        world.clock.advance(LIFE / 2);
        registry.append_upload(world.act(), &a, &id, Chunk::default(), body(&[b"x"])).await.unwrap();
        assert_eq!(registry.expire_uploads().await, Ok(0));
    }
    registry.finish_upload(world.act(), &a, &id, &sha256(b"xxx"), None).await.unwrap();
}

#[tokio::test]
async fn an_upload_that_is_being_written_to_is_not_dropped_however_long_that_takes() {
    let world = Arc::new(world().await);
    let (registry, a) = (world.registry.clone(), name("a"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    let (held, slow) = HeldBody::new(b"hello");
    let append = tokio::spawn({
        let (world, a, id) = (Arc::clone(&world), a.clone(), id.clone());
        async move { world.registry.append_upload(world.act(), &a, &id, Chunk::default(), slow).await }
    });
    held.was_asked.await.unwrap();
    world.clock.advance(LIFE * 2);
    assert_eq!(registry.expire_uploads().await, Ok(0));
    assert!(registry.upload(world.act(), &a, &id).await.is_ok());
    held.release.send(()).unwrap();
    append.await.unwrap().unwrap();
    registry.finish_upload(world.act(), &a, &id, &sha256(b"hello"), None).await.unwrap();
}

#[tokio::test]
async fn the_janitor_works_by_the_clock() {
    let world = world().await;
    let (registry, a) = (&world.registry, name("a"));
    let id = registry.begin_upload(world.act(), &a, Algorithm::Sha256).await.unwrap().id;
    registry.append_upload(world.act(), &a, &id, Chunk::default(), body(&[b"hello"])).await.unwrap();
    let work = tokio::spawn(Janitor::new(vec![registry.clone()], world.clock.clone()).run());
    while !world.files().is_empty() {
        world.clock.advance(LIFE / 4);
        tokio::task::yield_now().await;
    }
    work.abort();
    assert_eq!(registry.upload(world.act(), &a, &id).await, Err(RegistryError::UploadUnknown));
}

//! Lists, and mounts without a source, show what the caller may pull, and nothing of the rest. Whatever begins with `hidden` is not for it.

use bulkhead_core::ports::event::EventAction;
use bulkhead_core::registry::{Page, RegistryError};

use crate::support::{World, index, name, sha256};

#[tokio::test]
async fn the_catalog_lists_what_the_caller_may_pull_and_goes_on_behind_hidden_names() {
    let world = World::new().await;
    for repository in ["a", "hidden1", "hidden2", "hidden3", "z1", "z2"] {
        world.put(repository, "v1", index(&[])).await.unwrap();
    }
    let list = async |after: Option<&str>, limit| {
        let page = Page { after: after.map(str::to_owned), limit };
        let listed = world.registry.repositories(world.act(), &page).await.unwrap();
        (listed.items.iter().map(ToString::to_string).collect::<Vec<_>>(), listed.next)
    };
    assert_eq!(list(None, 10).await, (vec!["a".into(), "z1".into(), "z2".into()], None));
    // No page ends at a name that is not shown.
    assert_eq!(list(None, 1).await, (vec!["a".into()], Some("a".into())));
    assert_eq!(list(Some("a"), 1).await, (vec!["z1".into()], Some("z1".into())));
    assert_eq!(list(Some("z1"), 1).await, (vec!["z2".into()], None));
    assert_eq!(list(None, 0).await, (vec![], None));
}

#[tokio::test]
async fn the_catalog_looks_through_many_hidden_names() {
    let world = World::new().await;
    for number in 0..150 {
        world.put(&format!("hidden{number}"), "v1", index(&[])).await.unwrap();
    }
    world.put("z", "v1", index(&[])).await.unwrap();
    let listed = world.registry.repositories(world.act(), &Page { after: None, limit: 5 }).await.unwrap();
    assert_eq!((listed.items, listed.next), (vec![name("z")], None));
}

#[tokio::test]
async fn a_mount_without_a_source_finds_the_blob_where_the_caller_may_pull_it() {
    let world = World::hearing(&[EventAction::Mount]).await;
    let digest = world.push_blob("hidden", b"hello").await;
    world.push_blob("open", b"hello").await;
    let mounted = world.registry.find_blob(world.act(), &name("to"), &digest).await.unwrap();
    assert_eq!(mounted.unwrap().digest, digest);
    assert!(world.registry.blob(&name("to"), &digest).await.is_ok());
    assert_eq!(world.due().await, [(EventAction::Mount, "to".to_owned(), None)]);
}

#[tokio::test]
async fn a_mount_without_a_source_never_reveals_a_blob_that_the_caller_may_not_pull() {
    let world = World::hearing(&[EventAction::Mount]).await;
    let digest = world.push_blob("hidden", b"hello").await;
    for digest in [&digest, &sha256(b"nowhere")] {
        assert_eq!(world.registry.find_blob(world.act(), &name("to"), digest).await, Ok(None));
    }
    assert_eq!(world.registry.blob(&name("to"), &digest).await, Err(RegistryError::BlobUnknown));
    assert_eq!(world.due().await, []);
}

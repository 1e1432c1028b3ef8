use bulkhead_core::ports::catalog::{Catalog, Deletion, Mounted};

use super::{Delete, NOW, add, blob, digest, event, fresh, name, outbox, upload};

#[tokio::test]
async fn a_blob_is_found_in_the_repository_that_it_was_added_to_and_in_no_other() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a/b", 1).await;
    for _ in 0..2 {
        assert_eq!(catalog.blob(registry, &name("a/b"), &digest(1)).await.unwrap(), Some(blob(1)));
        assert_eq!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap(), None);
        assert_eq!(catalog.blob(registry, &name("a/b"), &digest(2)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_upload_that_brought_a_blob_goes_with_it() {
    let (_home, catalog, registry) = fresh().await;
    let (mine, other) = (upload("a", 0), upload("a", 0));
    catalog.create_upload(registry, &mine).await.unwrap();
    catalog.create_upload(registry, &other).await.unwrap();
    catalog.add_blob(registry, &name("a"), &blob(1), Some(&mine.id), NOW).await.unwrap();
    assert_eq!(catalog.upload(registry, &name("a"), &mine.id).await.unwrap(), None);
    assert!(catalog.upload(registry, &name("a"), &other.id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_digest_that_the_registry_knows_keeps_its_key_and_size() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    let mut again = blob(1);
    again.key = "default/elsewhere".parse().unwrap();
    again.size = 99;
    for repository in ["a", "b"] {
        catalog.add_blob(registry, &name(repository), &again, None, NOW).await.unwrap();
        assert_eq!(catalog.blob(registry, &name(repository), &digest(1)).await.unwrap(), Some(blob(1)));
    }
}

#[tokio::test]
async fn a_size_that_no_row_can_hold_is_an_error() {
    let (_home, catalog, registry) = fresh().await;
    let mut huge = blob(1);
    huge.size = u64::MAX;
    assert!(catalog.add_blob(registry, &name("a"), &huge, None, NOW).await.is_err());
    assert_eq!(catalog.tags(registry, &name("a"), None, 1).await.unwrap(), None);
}

#[tokio::test]
async fn a_mount_gives_a_blob_to_another_repository_and_tells_of_it() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    let mounted = catalog.mount_blob(registry, &name("a"), &name("b"), &digest(1), NOW, vec![event(1)]).await.unwrap();
    assert_eq!(mounted, Mounted::Done(blob(1)));
    assert_eq!(catalog.blob(registry, &name("b"), &digest(1)).await.unwrap(), Some(blob(1)));
    assert_eq!(outbox(&catalog).await.len(), 1);
    let again = catalog.mount_blob(registry, &name("a"), &name("b"), &digest(1), NOW, vec![]).await.unwrap();
    assert_eq!(again, Mounted::Done(blob(1)));
}

#[tokio::test]
async fn a_mount_of_what_is_not_there_leaves_nothing() {
    let (home, catalog, registry) = fresh().await;
    add(&catalog, registry, "other", 1).await;
    add(&catalog, registry, "a", 2).await;
    for from in ["a", "missing"] {
        let mounted = catalog.mount_blob(registry, &name(from), &name("b"), &digest(1), NOW, vec![event(1)]).await.unwrap();
        assert_eq!(mounted, Mounted::Absent);
    }
    assert_eq!(catalog.tags(registry, &name("b"), None, 1).await.unwrap(), None);
    assert!(outbox(&catalog).await.is_empty());
    assert_eq!(home.number("SELECT count(*) FROM repositories").await, 2);
}

#[tokio::test]
async fn a_removed_blob_is_gone_from_its_repository_alone_and_tells_of_it_once() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    add(&catalog, registry, "b", 1).await;
    assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
    assert_eq!(Delete::from("a").telling(event(1)).blob(1, &catalog, registry).await, Deletion::Deleted);
    assert_eq!(Delete::from("a").telling(event(2)).blob(1, &catalog, registry).await, Deletion::Absent);
    assert_eq!(outbox(&catalog).await, [event(1).event.id]);
    assert_eq!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap(), None);
    assert_eq!(catalog.blob(registry, &name("b"), &digest(1)).await.unwrap(), Some(blob(1)));
}

#[tokio::test]
async fn the_holders_of_a_blob_are_the_oldest_repositories_first() {
    let (_home, catalog, registry) = fresh().await;
    for repository in ["b", "a/b", "a-b", "a"] {
        add(&catalog, registry, repository, 1).await;
    }
    add(&catalog, registry, "other", 2).await;
    let first = async |limit| {
        let found = catalog.holders(registry, &digest(1), limit).await.unwrap();
        found.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(first(9).await, ["b", "a/b", "a-b", "a"]);
    assert_eq!(first(2).await, ["b", "a/b"]);
    assert_eq!(first(0).await, Vec::<String>::new());
    Delete::from("b").blob(1, &catalog, registry).await;
    assert_eq!(first(1).await, ["a/b"]);
    assert_eq!(catalog.holders(registry, &digest(3), 9).await.unwrap(), vec![]);
}

#[tokio::test]
async fn no_more_holders_are_looked_at_than_the_limit_whose_ever_they_are() {
    let (_home, catalog, registry) = fresh().await;
    let other = catalog.registry(&"other".parse().unwrap(), NOW).await.unwrap();
    for (registry, repository) in [(other, "a"), (registry, "b"), (other, "c"), (registry, "d")] {
        add(&catalog, registry, repository, 1).await;
    }
    for (limit, mine, theirs) in
        [(1, &[][..], &["a"][..]), (2, &["b"], &["a"]), (3, &["b"], &["a", "c"]), (4, &["b", "d"], &["a", "c"])]
    {
        for (registry, expected) in [(registry, mine), (other, theirs)] {
            let expected: Vec<_> = expected.iter().copied().map(name).collect();
            assert_eq!(catalog.holders(registry, &digest(1), limit).await.unwrap(), expected, "{limit}");
        }
    }
}

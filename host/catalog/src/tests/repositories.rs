use bulkhead_core::ports::catalog::{
    Catalog, Deletion, Expected, MAX_DELETED_AT_ONCE, PutManifest, RemovedManifest, RepositoryDeletion,
};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{MediaType, Reference};

use super::{
    Delete, Push, add, body, by_tag, descriptor, digest, event, fresh, image, index, name, outbox, pull, stored, tag, upload,
};
use crate::SqliteCatalog;

async fn page(catalog: &SqliteCatalog, registry: RegistryId, after: Option<&str>, limit: u32) -> Vec<String> {
    let names = catalog.repositories(registry, after, limit).await.unwrap();
    names.iter().map(|name| name.as_str().to_owned()).collect()
}

#[tokio::test]
async fn repositories_with_a_manifest_come_in_byte_order_a_page_at_a_time() {
    let (_home, catalog, registry) = fresh().await;
    for text in ["b", "a/b", "a-b", "a", "a0"] {
        Push::new(text, 10, image(&[])).to(&catalog, registry).await;
    }
    add(&catalog, registry, "a1", 1).await;
    assert_eq!(page(&catalog, registry, None, 100).await, ["a", "a-b", "a/b", "a0", "b"]);
    assert_eq!(page(&catalog, registry, Some("a"), 2).await, ["a-b", "a/b"]);
    assert_eq!(page(&catalog, registry, Some("a/z"), 2).await, ["a0", "b"]);
    assert_eq!(page(&catalog, registry, Some("b"), 2).await, Vec::<String>::new());
    assert_eq!(page(&catalog, registry, None, 0).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_repository_is_listed_from_its_first_manifest_to_its_last() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    assert_eq!(page(&catalog, registry, None, 9).await, Vec::<String>::new());
    assert_eq!(Push::new("a", 10, image(&[2])).to(&catalog, registry).await, PutManifest::Missing(vec![digest(2)]));
    assert_eq!(page(&catalog, registry, None, 9).await, Vec::<String>::new());
    for number in [10, 11] {
        Push::new("a", number, image(&[])).to(&catalog, registry).await;
    }
    Delete::from("a").manifest(10, &catalog, registry).await;
    Delete::from("a").manifest(10, &catalog, registry).await;
    assert_eq!(page(&catalog, registry, None, 9).await, ["a"]);
    Delete::from("a").manifest(11, &catalog, registry).await;
    assert_eq!(page(&catalog, registry, None, 9).await, Vec::<String>::new());
    assert_eq!(catalog.tags(registry, &name("a"), None, 9).await.unwrap(), Some(vec![]), "it is still there");
    Push::new("a", 11, image(&[])).to(&catalog, registry).await;
    assert_eq!(page(&catalog, registry, None, 9).await, ["a"]);
}

/// Two repositories with the same content.
async fn full(catalog: &SqliteCatalog, registry: RegistryId) {
    for repository in ["a", "b"] {
        add(catalog, registry, repository, 1).await;
        for (number, text) in [(11, "v2"), (10, "v1")] {
            let mut manifest = image(&[1]);
            manifest.subject = Some(descriptor(2));
            manifest.annotations = [("k".to_owned(), "v".to_owned())].into();
            Push::new(repository, number, manifest).tagged(text).to(catalog, registry).await;
        }
        Push::new(repository, 20, index(&[10])).to(catalog, registry).await;
    }
}

#[tokio::test]
async fn a_deleted_repository_is_gone_with_all_that_it_had_and_no_other_is() {
    let (home, catalog, registry) = fresh().await;
    full(&catalog, registry).await;
    let unfinished = upload("a", 3);
    catalog.create_upload(registry, &unfinished).await.unwrap();
    let references = [by_tag("v1"), by_tag("v2"), Reference::Digest(digest(10)), Reference::Digest(digest(20))];
    for reference in &references {
        assert!(pull(&catalog, registry, "a", reference).await.is_some());
        assert!(pull(&catalog, registry, "b", reference).await.is_some());
    }
    assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
    assert!(catalog.blob(registry, &name("b"), &digest(1)).await.unwrap().is_some());
    let gone = Delete::from("a").telling(event(1)).all(&catalog, registry).await;
    let (manifests, tags) = (vec![digest(10), digest(11), digest(20)], vec![tag("v1"), tag("v2")]);
    assert_eq!(gone, RepositoryDeletion::Deleted { manifests, tags });
    for reference in &references {
        assert_eq!(pull(&catalog, registry, "a", reference).await, None);
        assert!(catalog.cache.manifest(registry, &name("b"), reference).is_some(), "the other one is remembered still");
    }
    assert_eq!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap(), None);
    assert!(catalog.cache.blob(registry, &name("b"), &digest(1)).is_some());
    assert_eq!(catalog.tags(registry, &name("a"), None, 9).await.unwrap(), None);
    assert_eq!(page(&catalog, registry, None, 9).await, ["b"]);
    assert!(catalog.referrers(registry, &name("a"), &digest(2), None, None, 9).await.unwrap().items.is_empty());
    assert_eq!(catalog.upload(registry, &name("a"), &unfinished.id).await.unwrap(), Some(unfinished), "an upload stays");
    assert_eq!(outbox(&catalog).await, [event(1).event.id]);
    for (count, left) in [
        ("SELECT count(*) FROM repositories", 1),
        ("SELECT count(*) FROM manifests", 3),
        ("SELECT count(*) FROM manifest_references", 5),
        ("SELECT count(*) FROM manifest_annotations", 2),
        ("SELECT count(*) FROM tags", 2),
        ("SELECT count(*) FROM repository_blobs", 1),
        ("SELECT count(*) FROM blobs", 1),
    ] {
        assert_eq!(home.number(count).await, left, "{count}");
    }
    assert_eq!(Delete::from("a").telling(event(2)).all(&catalog, registry).await, RepositoryDeletion::Absent);
    assert_eq!(outbox(&catalog).await.len(), 1);
}

#[tokio::test]
async fn a_deleted_repository_can_be_pushed_to_again_and_has_nothing_of_what_it_had() {
    let (_home, catalog, registry) = fresh().await;
    full(&catalog, registry).await;
    Delete::from("b").all(&catalog, registry).await;
    assert_eq!(Push::new("b", 10, image(&[1])).to(&catalog, registry).await, PutManifest::Missing(vec![digest(1)]));
    assert_eq!(Push::new("b", 30, image(&[])).tagged("v9").to(&catalog, registry).await, stored());
    assert_eq!(catalog.tags(registry, &name("b"), None, 9).await.unwrap(), Some(vec![tag("v9")]));
    assert_eq!(pull(&catalog, registry, "b", &by_tag("v1")).await, None);
    assert_eq!(page(&catalog, registry, None, 9).await, ["a", "b"]);
}

#[tokio::test]
async fn a_repository_with_a_tag_that_was_not_reviewed_as_it_is_stays() {
    let (_home, catalog, registry) = fresh().await;
    full(&catalog, registry).await;
    // None, too few, others, elsewhere, not there.
    for reviewed in [&[][..], &[("v1", 10)], &[("v1", 10), ("v3", 11)], &[("v1", 10), ("v2", 10)], &[("v1", 11), ("v2", 11)]] {
        let gone = Delete::from("a").reviewed_at(reviewed).telling(event(1)).all(&catalog, registry).await;
        assert_eq!(gone, RepositoryDeletion::Changed);
    }
    let gone = Delete::from("a").reviewed(&["v1", "v2"]).telling(event(1)).all(&catalog, registry).await;
    assert_eq!(gone, RepositoryDeletion::Changed, "reviewed as tags that are not there");
    assert!(outbox(&catalog).await.is_empty());
    assert_eq!(catalog.tags(registry, &name("a"), None, 9).await.unwrap(), Some(vec![tag("v1"), tag("v2")]));
    assert!(pull(&catalog, registry, "a", &Reference::Digest(digest(20))).await.is_some());
    assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
    let gone = Delete::from("a").reviewed_at(&[("v0", 10), ("v1", 10), ("v2", 11)]).all(&catalog, registry).await;
    assert!(matches!(gone, RepositoryDeletion::Deleted { .. }));
}

/// One manifest, and with its tags one more than goes at once.
const TOO_MANY: &str = "
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO tags (repository_id, name, digest, created, updated) SELECT repository_id, format('t%05d', i), digest, 0, 0 FROM n, manifests";

#[tokio::test]
async fn a_repository_with_more_than_goes_at_once_stays() {
    let (home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    home.run(TOO_MANY).await;
    let before = catalog.counts();
    for delete in [Delete::from("a"), Delete::from("a").reviewed(&[])] {
        assert_eq!(delete.telling(event(1)).all(&catalog, registry).await, RepositoryDeletion::TooLarge);
    }
    assert_eq!(catalog.counts(), before, "nobody waited for it");
    assert!(outbox(&catalog).await.is_empty());
    assert_eq!(home.number("SELECT count(*) FROM tags").await, 20_000);
    assert!(pull(&catalog, registry, "a", &by_tag("t00001")).await.is_some());
    Delete::from("a").tag("t20000", &Expected::Anything, &catalog, registry).await;
    let gone = Delete::from("a").all(&catalog, registry).await;
    assert!(matches!(gone, RepositoryDeletion::Deleted { tags, .. } if tags.len() == MAX_DELETED_AT_ONCE as usize - 1));
}

#[tokio::test]
async fn a_repository_without_a_manifest_is_deleted_too() {
    let (home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    let gone = Delete::from("a").reviewed(&[]).all(&catalog, registry).await;
    assert_eq!(gone, RepositoryDeletion::Deleted { manifests: vec![], tags: vec![] });
    assert_eq!(home.number("SELECT count(*) FROM repositories").await, 0);
    assert_eq!(Delete::from("a").manifest(1, &catalog, registry).await, Deletion::Absent);
}

#[tokio::test]
async fn the_manifests_that_go_with_a_repository_are_announced_in_byte_order() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 11, index(&[])).to(&catalog, registry).await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    let announce = Box::new(|gone: &[RemovedManifest]| {
        let sent = |number: u64, media_type: &str, artifact_type: Option<&str>| RemovedManifest {
            digest: digest(number),
            media_type: media_type.parse().unwrap(),
            size: body(number).len() as u64,
            artifact_type: artifact_type.map(str::to_owned),
        };
        assert_eq!(gone, [sent(10, MediaType::OCI_MANIFEST, Some("application/config")), sent(11, MediaType::OCI_INDEX, None)]);
        vec![event(10), event(11)]
    });
    catalog.remove_repository(registry, &name("a"), None, announce).await.unwrap();
    assert_eq!(outbox(&catalog).await, [event(10).event.id, event(11).event.id]);
}

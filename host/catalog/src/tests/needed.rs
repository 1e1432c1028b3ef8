//! Deletions of what others need.

use bulkhead_core::ports::catalog::{Catalog, Deletion};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::Reference;

use super::{Delete, Push, add, by_tag, descriptor, digest, event, fresh, image, index, listed, name, outbox, pull, stored, tag};
use crate::SqliteCatalog;
use crate::read::Need;
use crate::write::{Answer, Deliveries, RemoveBlob, Write};

#[tokio::test]
async fn a_blob_that_a_manifest_needs_stays_until_the_manifest_is_gone() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    add(&catalog, registry, "b", 1).await;
    Push::new("a", 10, image(&[1])).to(&catalog, registry).await;
    assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
    let gone = Delete::from("a").telling(event(1)).blob(1, &catalog, registry).await;
    assert_eq!(gone, Deletion::NeededBy(digest(10)));
    assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
    assert!(outbox(&catalog).await.is_empty());
    assert_eq!(Delete::from("b").blob(1, &catalog, registry).await, Deletion::Deleted, "nobody needs it there");
    Delete::from("a").manifest(10, &catalog, registry).await;
    assert_eq!(Delete::from("a").blob(1, &catalog, registry).await, Deletion::Deleted);
}

#[tokio::test]
async fn a_blob_that_is_needed_is_refused_without_a_write() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    Push::new("a", 10, image(&[1])).to(&catalog, registry).await;
    let before = catalog.counts();
    assert_eq!(Delete::from("a").blob(1, &catalog, registry).await, Deletion::NeededBy(digest(10)));
    assert_eq!(catalog.counts(), before);
}

/// The writer's part of a deletion, with what a reader was told before.
async fn remove_unneeded(catalog: &SqliteCatalog, registry: RegistryId, number: u64, need: Need) -> Deletion {
    let Need::NoneUpTo(last) = need else { panic!("it was needed before") };
    let write = Write::RemoveBlob(RemoveBlob {
        registry,
        repository: name("a"),
        digest: digest(number),
        unneeded_up_to: Some(last),
        deliveries: Deliveries::new(&[event(1)], None).unwrap(),
    });
    match catalog.write("removing a blob", write).await.unwrap() {
        Answer::Deletion(deletion) => deletion,
        other => panic!("{other:?}"),
    }
}

/// Manifest 10 is the catalog's last, and goes: were its number given again, manifest 11 would be taken for one that was looked at.
#[tokio::test]
async fn a_blob_that_came_to_be_needed_while_it_was_asked_who_needs_it_stays() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    add(&catalog, registry, "a", 2).await;
    add(&catalog, registry, "b", 1).await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    let need = async |number| catalog.readers.need(registry, &name("a"), &digest(number)).await.unwrap();
    let (first, second) = (need(1).await, need(2).await);
    Delete::from("a").manifest(10, &catalog, registry).await;
    Push::new("b", 20, image(&[1])).to(&catalog, registry).await;
    Delete::from("b").manifest(20, &catalog, registry).await;
    assert_eq!(Push::new("a", 11, image(&[1])).to(&catalog, registry).await, stored());
    assert_eq!(remove_unneeded(&catalog, registry, 1, first).await, Deletion::NeededBy(digest(11)));
    assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
    assert!(outbox(&catalog).await.is_empty());
    Push::new("b", 21, image(&[1])).to(&catalog, registry).await;
    assert_eq!(remove_unneeded(&catalog, registry, 2, second).await, Deletion::Deleted, "nobody needs it here");
    assert_eq!(outbox(&catalog).await.len(), 1);
}

#[tokio::test]
async fn numbers_of_manifests_go_on_where_they_were_when_the_catalog_was_closed() {
    let (home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    catalog.close().await.unwrap();
    let catalog = home.open().await;
    Push::new("a", 11, image(&[])).to(&catalog, registry).await;
    Push::new("a", 11, image(&[])).to(&catalog, registry).await;
    Push::new("a", 12, image(&[])).to(&catalog, registry).await;
    assert_eq!(home.number("SELECT count(*) FROM manifests").await, 3);
    assert_eq!(home.number("SELECT max(id) FROM manifests").await, 4, "one was drawn in vain");
}

#[tokio::test]
async fn a_manifest_that_an_index_lists_stays_until_the_index_is_gone() {
    let (_home, catalog, registry) = fresh().await;
    for repository in ["a", "b"] {
        Push::new(repository, 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    }
    Push::new("a", 20, index(&[10])).to(&catalog, registry).await;
    let gone = Delete::from("a").telling(event(1)).manifest(10, &catalog, registry).await;
    assert_eq!(gone, Deletion::NeededBy(digest(20)));
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(10));
    assert!(outbox(&catalog).await.is_empty());
    assert_eq!(Delete::from("b").manifest(10, &catalog, registry).await, Deletion::Deleted, "no index lists it there");
    assert_eq!(Delete::from("a").manifest(20, &catalog, registry).await, Deletion::Deleted);
    assert_eq!(Delete::from("a").manifest(10, &catalog, registry).await, Deletion::Deleted);
}

#[tokio::test]
async fn what_is_needed_goes_where_that_is_allowed() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    Push::new("a", 10, image(&[1])).to(&catalog, registry).await;
    Push::new("a", 20, index(&[10])).to(&catalog, registry).await;
    assert_eq!(Delete::from("a").although_needed().blob(1, &catalog, registry).await, Deletion::Deleted);
    assert_eq!(Delete::from("a").although_needed().manifest(10, &catalog, registry).await, Deletion::Deleted);
    assert_eq!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap(), None);
    assert!(pull(&catalog, registry, "a", &Reference::Digest(digest(20))).await.is_some());
    assert_eq!(Delete::from("a").manifest(10, &catalog, registry).await, Deletion::Absent, "needed, but not there");
    assert_eq!(Delete::from("a").blob(1, &catalog, registry).await, Deletion::Absent);
}

#[tokio::test]
async fn a_subject_and_what_lists_itself_are_needed_by_none() {
    let (home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    let mut referrer = image(&[]);
    referrer.subject = Some(listed(10));
    Push::new("a", 11, referrer).to(&catalog, registry).await;
    assert_eq!(Delete::from("a").manifest(10, &catalog, registry).await, Deletion::Deleted);
    home.run("INSERT INTO manifest_references SELECT repository_id, id, 'manifest', digest FROM manifests").await;
    assert_eq!(Delete::from("a").manifest(11, &catalog, registry).await, Deletion::Deleted);
    assert_eq!(home.number("SELECT count(*) FROM manifest_references").await, 0);
}

#[tokio::test]
async fn a_digest_is_needed_as_what_it_is_listed_as() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 10).await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    let mut list = index(&[]);
    list.blobs = vec![descriptor(10)];
    assert_eq!(Push::new("a", 20, list).to(&catalog, registry).await, stored());
    assert_eq!(Delete::from("a").blob(10, &catalog, registry).await, Deletion::NeededBy(digest(20)));
    assert_eq!(Delete::from("a").manifest(10, &catalog, registry).await, Deletion::Deleted);
}

#[tokio::test]
async fn a_manifest_with_a_tag_that_was_not_reviewed_stays() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").tagged("v2").to(&catalog, registry).await;
    Push::new("a", 11, image(&[])).tagged("v3").to(&catalog, registry).await;
    for reviewed in [&[][..], &["v2"], &["v2", "v3"]] {
        let gone = Delete::from("a").reviewed(reviewed).telling(event(1)).manifest(10, &catalog, registry).await;
        assert_eq!(gone, Deletion::Changed);
    }
    assert!(outbox(&catalog).await.is_empty());
    let all = ["v1", "v2", "v3"].map(tag);
    assert_eq!(catalog.tags(registry, &name("a"), None, 9).await.unwrap().unwrap(), all);
    assert!(pull(&catalog, registry, "a", &by_tag("v1")).await.is_some());
    let gone = Delete::from("a").reviewed(&["v0", "v1", "v2"]).telling(event(1)).manifest(10, &catalog, registry).await;
    assert_eq!(gone, Deletion::Deleted);
    assert_eq!(catalog.tags(registry, &name("a"), None, 9).await.unwrap().unwrap(), all[2..]);
    assert_eq!(outbox(&catalog).await.len(), 1);
}

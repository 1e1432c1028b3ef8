use bulkhead_core::ports::catalog::{Catalog, Deletion, Expected, Mounted, PutManifest, Removal, RepositoryDeletion, TagFilter};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_oci::Reference;

use super::{Delete, NOW, Push, add, by_tag, descriptor, digest, fresh, image, index, name, pointing, pull, stored, tag, upload};

#[tokio::test]
async fn a_registry_is_one_row_whoever_asks() {
    let (_home, catalog, registry) = fresh().await;
    let second = "second".parse().unwrap();
    let (one, two) = tokio::join!(catalog.registry(&second, NOW), catalog.registry(&second, NOW));
    assert_eq!(one, two);
    assert_ne!(one.unwrap(), registry);
    assert_eq!(catalog.registry(&"default".parse().unwrap(), NOW).await.unwrap(), registry);
}

#[tokio::test]
async fn no_blob_crosses_from_one_registry_to_another() {
    let (_home, catalog, registry) = fresh().await;
    let other = catalog.registry(&"other".parse().unwrap(), NOW).await.unwrap();
    add(&catalog, registry, "a", 1).await;
    assert!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap().is_some());
    assert_eq!(catalog.blob(other, &name("a"), &digest(1)).await.unwrap(), None);
    assert_eq!(catalog.mount_blob(other, &name("a"), &name("b"), &digest(1), NOW, vec![]).await.unwrap(), Mounted::Absent);
    assert_eq!(Delete::from("a").blob(1, &catalog, other).await, Deletion::Absent);
    assert_eq!(catalog.holders(other, &digest(1), 9).await.unwrap(), vec![]);
    let put = Push::new("a", 10, image(&[1])).to(&catalog, other).await;
    assert_eq!(put, PutManifest::Missing(vec![digest(1)]));
    let mut theirs = super::blob(1);
    theirs.key = "other/blobs/1".parse().unwrap();
    catalog.add_blob(other, &name("a"), &theirs, None, NOW).await.unwrap();
    assert_eq!(catalog.blob(other, &name("a"), &digest(1)).await.unwrap(), Some(theirs));
    assert_eq!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap(), Some(super::blob(1)));
}

#[tokio::test]
async fn no_manifest_or_tag_crosses_from_one_registry_to_another() {
    let (_home, catalog, registry) = fresh().await;
    let other = catalog.registry(&"other".parse().unwrap(), NOW).await.unwrap();
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    for reference in [by_tag("v1"), Reference::Digest(digest(10))] {
        assert!(pull(&catalog, registry, "a", &reference).await.is_some());
        assert_eq!(pull(&catalog, other, "a", &reference).await, None);
    }
    assert_eq!(catalog.tags(other, &name("a"), None, 9).await.unwrap(), None);
    assert_eq!(catalog.repositories(other, None, 9).await.unwrap(), vec![]);
    assert_eq!(catalog.tagged(other, &name("a"), TagFilter::All, None, 9).await.unwrap(), vec![]);
    assert_eq!(catalog.tag_states(other, &name("a"), &[tag("v1")]).await.unwrap(), [pointing("v1", None)]);
    assert_eq!(Delete::from("a").tag("v1", &Expected::Anything, &catalog, other).await, Deletion::Absent);
    assert_eq!(Delete::from("a").manifest(10, &catalog, other).await, Deletion::Absent);
    assert_eq!(Delete::from("a").all(&catalog, other).await, RepositoryDeletion::Absent);
    let put = Push::new("a", 11, image(&[])).expecting("v1", Expected::Digest(digest(10))).to(&catalog, other).await;
    assert_eq!(put, PutManifest::Changed);
    let put = Push::new("a", 11, image(&[])).expecting("v1", Expected::Nothing).to(&catalog, other).await;
    assert_eq!(put, stored());
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(10));
    assert_eq!(pull(&catalog, other, "a", &by_tag("v1")).await.unwrap().digest, digest(11));
}

#[tokio::test]
async fn no_upload_crosses_from_one_registry_to_another() {
    let (_home, catalog, registry) = fresh().await;
    let other = catalog.registry(&"other".parse().unwrap(), NOW).await.unwrap();
    let record = upload("a", 0);
    catalog.create_upload(registry, &record).await.unwrap();
    assert_eq!(catalog.upload(other, &name("a"), &record.id).await.unwrap(), None);
    let advance = catalog.advance_upload(other, &record.id, 0, &super::progress(1), NOW).await.unwrap();
    assert_eq!(advance, bulkhead_core::ports::catalog::Advance::Stale);
    assert_eq!(catalog.remove_upload(other, &record.id).await.unwrap(), Removal::Absent);
    assert_eq!(catalog.stale_uploads(other, Timestamp(u64::MAX), 9).await.unwrap(), []);
    catalog.add_blob(other, &name("a"), &super::blob(1), Some(&record.id), NOW).await.unwrap();
    assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap(), Some(record));
}

/// The same content in a repository of the same name.
#[tokio::test]
async fn a_deletion_in_one_registry_is_none_of_anothers() {
    let (_home, catalog, registry) = fresh().await;
    let other = catalog.registry(&"other".parse().unwrap(), NOW).await.unwrap();
    for registry in [registry, other] {
        add(&catalog, registry, "a", 1).await;
        let mut manifest = image(&[1]);
        manifest.subject = Some(descriptor(2));
        Push::new("a", 10, manifest).tagged("v1").to(&catalog, registry).await;
        assert!(pull(&catalog, registry, "a", &by_tag("v1")).await.is_some());
    }
    Push::new("a", 20, index(&[10])).to(&catalog, registry).await;
    assert_eq!(Delete::from("a").manifest(10, &catalog, other).await, Deletion::Deleted, "their index does not count");
    assert_eq!(Delete::from("a").blob(1, &catalog, other).await, Deletion::Deleted, "nor does their image");
    assert!(matches!(Delete::from("a").all(&catalog, other).await, RepositoryDeletion::Deleted { .. }));
    assert!(catalog.cache.manifest(registry, &name("a"), &by_tag("v1")).is_some());
    assert_eq!(catalog.repositories(registry, None, 9).await.unwrap(), [name("a")]);
    assert_eq!(catalog.holders(registry, &digest(1), 9).await.unwrap(), [name("a")]);
    assert_eq!(catalog.referrers(registry, &name("a"), &digest(2), None, None, 9).await.unwrap().items.len(), 1);
    assert!(catalog.referrers(other, &name("a"), &digest(2), None, None, 9).await.unwrap().items.is_empty());
    assert_eq!(catalog.tags(registry, &name("a"), None, 9).await.unwrap(), Some(vec![tag("v1")]));
}

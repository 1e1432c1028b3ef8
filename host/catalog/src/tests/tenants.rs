use bulkhead_core::ports::catalog::{Catalog, PutManifest, Removal};
use bulkhead_oci::Reference;

use super::{NOW, Push, add, by_tag, digest, fresh, image, name, pull, upload};

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
    assert_eq!(catalog.mount_blob(other, &name("a"), &name("b"), &digest(1), NOW, vec![]).await.unwrap(), None);
    assert_eq!(catalog.remove_blob(other, &name("a"), &digest(1), vec![]).await.unwrap(), Removal::Absent);
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
    assert_eq!(catalog.remove_tag(other, &name("a"), &super::tag("v1"), vec![]).await.unwrap(), Removal::Absent);
    assert_eq!(catalog.remove_manifest(other, &name("a"), &digest(10), vec![]).await.unwrap(), Removal::Absent);
    Push::new("a", 11, image(&[])).tagged("v1").to(&catalog, other).await;
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
    catalog.add_blob(other, &name("a"), &super::blob(1), Some(&record.id), NOW).await.unwrap();
    assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap(), Some(record));
}

//! Manifests with many references: what refuses them makes no other write wait.

use bulkhead_core::ports::catalog::{Catalog, Expected, NewManifest, PutManifest, Sparse};
use bulkhead_oci::{MediaType, Reference};

use super::{NOW, Push, add, body, by_tag, descriptor, digest, event, fresh, image, index, name, outbox, pull, stored};
use crate::write::{Answer, StoreManifest, Write};

const MANY: u64 = 300;

fn numbers() -> Vec<u64> {
    (1_000..1_000 + MANY).collect()
}

#[tokio::test]
async fn a_large_manifest_is_refused_without_a_write() {
    let (home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    for number in 1..=MANY {
        add(&catalog, registry, "a", number).await;
    }
    let complete = image(&(1..=MANY).collect::<Vec<_>>());
    let mut wrong = complete.clone();
    wrong.blobs[7].size += 1;
    let mut other_type = complete.clone();
    other_type.media_type = MediaType::DOCKER_MANIFEST.parse().unwrap();
    assert_eq!(Push::new("a", 20, complete.clone()).to(&catalog, registry).await, stored());
    let before = catalog.counts();
    let nothing = Expected::Nothing;
    for (number, manifest, refused) in [
        (30, index(&numbers()), PutManifest::Missing(numbers().into_iter().map(digest).collect())),
        (31, wrong, PutManifest::WrongSize(vec![digest(8)])),
        (20, other_type, PutManifest::OtherType(MediaType::OCI_MANIFEST.parse().unwrap())),
        (32, complete, PutManifest::Changed),
    ] {
        let push = Push::new("a", number, manifest).expecting("v1", nothing.clone()).telling(event(1));
        assert_eq!(push.to(&catalog, registry).await, refused);
    }
    assert_eq!(catalog.counts(), before);
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(10));
    assert_eq!(home.number("SELECT count(*) FROM manifests").await, 2);
    assert!(outbox(&catalog).await.is_empty());
}

#[tokio::test]
async fn a_manifest_with_a_long_body_is_refused_without_a_write() {
    let (_home, catalog, registry) = fresh().await;
    let before = catalog.counts();
    let (repository, digest_of_it, manifest) = (name("a"), digest(20), image(&[1]));
    let new = NewManifest {
        repository: &repository,
        digest: &digest_of_it,
        manifest: &manifest,
        body: vec![b' '; 100_000].into(),
        tags: &[],
        sparse: Sparse::Refuse,
        now: NOW,
        deliveries: vec![],
    };
    assert_eq!(catalog.put_manifest(registry, new).await.unwrap(), PutManifest::Missing(vec![digest(1)]));
    assert_eq!(catalog.counts(), before);
}

#[tokio::test]
async fn a_large_manifest_is_stored_with_its_tags_references_and_annotations() {
    let (home, catalog, registry) = fresh().await;
    let mut list = index(&numbers());
    list.subject = Some(descriptor(2));
    list.annotations = [("k".to_owned(), "v".to_owned())].into();
    let absent: Vec<_> = numbers().into_iter().map(digest).collect();
    for tag in ["v1", "v2"] {
        let push = Push::new("a", 20, list.clone()).tagged(tag).sparse(Sparse::Indexes).telling(event(1));
        assert_eq!(push.to(&catalog, registry).await, PutManifest::Stored { absent: absent.clone() });
        assert_eq!(pull(&catalog, registry, "a", &by_tag(tag)).await.unwrap().body, body(20));
    }
    assert_eq!(outbox(&catalog).await.len(), 2);
    assert_eq!(home.number("SELECT count(*) FROM manifest_references").await, MANY as i64 + 1);
    let part = catalog.referrers(registry, &name("a"), &digest(2), None, None, 9).await.unwrap();
    assert_eq!(part.items[0].annotations, list.annotations);
}

/// What a reader found nothing against may have changed when the writer comes to it.
#[tokio::test]
async fn the_writer_asks_again_what_speaks_against_a_large_manifest() {
    let (home, catalog, registry) = fresh().await;
    let (repository, digest_of_it, manifest) = (name("a"), digest(20), index(&numbers()));
    let new = NewManifest {
        repository: &repository,
        digest: &digest_of_it,
        manifest: &manifest,
        body: body(20),
        tags: &[],
        sparse: Sparse::Refuse,
        now: NOW,
        deliveries: vec![event(1)],
    };
    let write = Write::StoreManifest(Box::new(StoreManifest::new(registry, new).unwrap()));
    let Answer::Manifest(put) = catalog.write("storing a manifest", write).await.unwrap() else { panic!("another answer") };
    assert_eq!(put, PutManifest::Missing(numbers().into_iter().map(digest).collect()));
    assert_eq!(pull(&catalog, registry, "a", &Reference::Digest(digest(20))).await, None);
    for table in ["SELECT count(*) FROM repositories", "SELECT count(*) FROM manifest_references"] {
        assert_eq!(home.number(table).await, 0, "{table}");
    }
    assert!(outbox(&catalog).await.is_empty());
}

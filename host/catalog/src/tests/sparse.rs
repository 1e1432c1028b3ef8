//! Manifests that refer to what is not there.

use bulkhead_core::ports::catalog::{Catalog, Deletion, PutManifest, Sparse};
use bulkhead_oci::Reference;

use super::{Delete, Push, add, by_tag, descriptor, digest, fresh, image, index, listed, name, pull, stored};

fn stored_without(numbers: &[u64]) -> PutManifest {
    PutManifest::Stored { absent: numbers.iter().copied().map(digest).collect() }
}

#[tokio::test]
async fn an_index_may_list_manifests_that_are_not_there_where_that_is_allowed() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    let push = |sparse| Push::new("a", 20, index(&[11, 10, 12, 11])).tagged("v1").sparse(sparse).to(&catalog, registry);
    assert_eq!(push(Sparse::Refuse).await, PutManifest::Missing(vec![digest(11), digest(12)]));
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await, None);
    for sparse in [Sparse::Indexes, Sparse::All] {
        assert_eq!(push(sparse).await, stored_without(&[11, 12]));
    }
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(20));
}

#[tokio::test]
async fn an_image_may_need_blobs_that_are_not_there_where_all_may_be_absent() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    for sparse in [Sparse::Refuse, Sparse::Indexes] {
        let put = Push::new("a", 10, image(&[2, 1])).sparse(sparse).to(&catalog, registry).await;
        assert_eq!(put, PutManifest::Missing(vec![digest(2)]));
    }
    let put = Push::new("a", 10, image(&[2, 1])).sparse(Sparse::All).to(&catalog, registry).await;
    assert_eq!(put, stored_without(&[2]));
    assert!(pull(&catalog, registry, "a", &Reference::Digest(digest(10))).await.is_some());
    assert_eq!(catalog.blob(registry, &name("a"), &digest(2)).await.unwrap(), None);
}

#[tokio::test]
async fn an_index_with_a_blob_that_is_not_there_is_refused_unless_all_may_be_absent() {
    let (_home, catalog, registry) = fresh().await;
    let mut list = index(&[10]);
    list.blobs = vec![descriptor(1)];
    let push = |sparse| Push::new("a", 20, list.clone()).sparse(sparse).to(&catalog, registry);
    assert_eq!(push(Sparse::Indexes).await, PutManifest::Missing(vec![digest(1)]));
    assert_eq!(push(Sparse::All).await, stored_without(&[1, 10]));
}

#[tokio::test]
async fn a_foreign_blob_that_is_not_there_is_neither_missing_nor_absent() {
    let (_home, catalog, registry) = fresh().await;
    let mut manifest = image(&[1]);
    manifest.blobs[0].foreign = true;
    for sparse in [Sparse::Refuse, Sparse::Indexes, Sparse::All] {
        assert_eq!(Push::new("a", 10, manifest.clone()).sparse(sparse).to(&catalog, registry).await, stored());
    }
}

#[tokio::test]
async fn a_wrong_size_is_refused_although_content_may_be_absent() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    let mut manifest = image(&[1, 2]);
    manifest.blobs[0].size += 1;
    let put = Push::new("a", 11, manifest).tagged("v1").sparse(Sparse::All).to(&catalog, registry).await;
    assert_eq!(put, PutManifest::WrongSize(vec![digest(1)]));
    let mut list = index(&[10, 12]);
    list.manifests[0].size += 1;
    let put = Push::new("a", 20, list).tagged("v1").sparse(Sparse::Indexes).to(&catalog, registry).await;
    assert_eq!(put, PutManifest::WrongSize(vec![digest(10)]));
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await, None);
}

#[tokio::test]
async fn a_digest_with_two_sizes_is_named_once() {
    let (_home, catalog, registry) = fresh().await;
    let mut manifest = image(&[1, 1]);
    manifest.blobs[0].size += 1;
    let push = |sparse| Push::new("a", 10, manifest.clone()).sparse(sparse).to(&catalog, registry);
    assert_eq!(push(Sparse::Refuse).await, PutManifest::Missing(vec![digest(1)]));
    assert_eq!(push(Sparse::All).await, stored_without(&[1]));
}

#[tokio::test]
async fn what_a_sparse_manifest_needs_is_needed_once_it_is_there() {
    let (_home, catalog, registry) = fresh().await;
    let mut list = index(&[]);
    list.manifests = vec![listed(10)];
    Push::new("a", 20, list).sparse(Sparse::Indexes).to(&catalog, registry).await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    assert_eq!(Delete::from("a").manifest(10, &catalog, registry).await, Deletion::NeededBy(digest(20)));
}

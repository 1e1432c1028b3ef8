use bulkhead_core::ports::catalog::{Attributes, Catalog, Deletion, ManifestRecord, NewManifest, PutManifest, Sparse};
use bulkhead_oci::{Manifest, MediaType, Reference};

use super::{
    Delete, NOW, Push, add, body, by_tag, descriptor, digest, event, fresh, image, index, listed, name, outbox, pull, stored, tag,
};

#[tokio::test]
async fn a_manifest_is_pulled_by_its_tag_and_digest_as_it_was_pushed() {
    let (_home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a/b", 1).await;
    let put = Push::new("a/b", 10, image(&[1, 1])).tagged("v1").to(&catalog, registry).await;
    assert_eq!(put, stored());
    let record = ManifestRecord {
        digest: digest(10),
        media_type: MediaType::OCI_MANIFEST.parse().unwrap(),
        body: body(10),
        artifact_type: Some("application/config".to_owned()),
        attributes: Attributes::default(),
    };
    for reference in [by_tag("v1"), Reference::Digest(digest(10))] {
        for _ in 0..2 {
            assert_eq!(pull(&catalog, registry, "a/b", &reference).await, Some(record.clone()));
            assert_eq!(pull(&catalog, registry, "a", &reference).await, None);
        }
    }
    assert_eq!(pull(&catalog, registry, "a/b", &by_tag("v2")).await, None);
}

#[tokio::test]
async fn a_manifest_without_its_blobs_is_refused_and_leaves_nothing() {
    let (home, catalog, registry) = fresh().await;
    add(&catalog, registry, "other", 1).await;
    let put = Push::new("a", 10, image(&[2, 1, 2])).tagged("v1").telling(event(1)).to(&catalog, registry).await;
    assert_eq!(put, PutManifest::Missing(vec![digest(2), digest(1)]));
    assert_eq!(catalog.tags(registry, &name("a"), None, 10).await.unwrap(), None);
    assert!(outbox(&catalog).await.is_empty());
    for table in [
        "SELECT count(*) FROM manifests",
        "SELECT count(*) FROM manifest_references",
        "SELECT count(*) FROM tags",
        "SELECT count(*) FROM repositories WHERE name = 'a'",
    ] {
        assert_eq!(home.number(table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_refused_manifest_leaves_the_tag_where_it_was() {
    let (_home, catalog, registry) = fresh().await;
    assert_eq!(Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await, stored());
    let put = Push::new("a", 11, image(&[1])).tagged("v1").to(&catalog, registry).await;
    assert_eq!(put, PutManifest::Missing(vec![digest(1)]));
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(10));
}

#[tokio::test]
async fn foreign_layers_and_the_subject_need_not_be_there() {
    let (_home, catalog, registry) = fresh().await;
    let mut manifest = image(&[1]);
    manifest.blobs[0].foreign = true;
    manifest.subject = Some(descriptor(2));
    assert_eq!(Push::new("a", 10, manifest).to(&catalog, registry).await, stored());
}

#[tokio::test]
async fn an_index_needs_every_manifest_that_it_lists() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    Push::new("b", 11, image(&[])).to(&catalog, registry).await;
    let put = Push::new("a", 20, index(&[10, 11])).to(&catalog, registry).await;
    assert_eq!(put, PutManifest::Missing(vec![digest(11)]));
    Push::new("a", 11, image(&[])).to(&catalog, registry).await;
    assert_eq!(Push::new("a", 20, index(&[10, 11, 10])).to(&catalog, registry).await, stored());
    assert_eq!(pull(&catalog, registry, "a", &Reference::Digest(digest(20))).await.unwrap().artifact_type, None);
}

#[tokio::test]
async fn a_manifest_that_gives_another_size_than_the_content_has_is_refused() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).to(&catalog, registry).await;
    let mut manifest = index(&[10]);
    manifest.manifests[0].size += 1;
    let put = Push::new("a", 20, manifest.clone()).tagged("v1").to(&catalog, registry).await;
    assert_eq!(put, PutManifest::WrongSize(vec![digest(10)]));
    manifest.manifests.push(listed(11));
    let put = Push::new("a", 20, manifest.clone()).tagged("v1").to(&catalog, registry).await;
    assert_eq!(put, PutManifest::Missing(vec![digest(11)]));
    manifest.manifests[0].size = u64::MAX;
    manifest.manifests.truncate(1);
    let put = Push::new("a", 20, manifest).tagged("v1").to(&catalog, registry).await;
    assert_eq!(put, PutManifest::WrongSize(vec![digest(10)]));
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await, None);
}

#[tokio::test]
async fn more_missing_digests_than_a_channel_holds_are_all_named() {
    let (_home, catalog, registry) = fresh().await;
    let numbers: Vec<u64> = (1..=500).collect();
    let put = Push::new("a", 1000, image(&numbers)).to(&catalog, registry).await;
    assert_eq!(put, PutManifest::Missing(numbers.into_iter().map(digest).collect()));
}

#[tokio::test]
async fn a_tag_moves_and_what_it_left_stays() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().body, body(10));
    Push::new("a", 11, image(&[])).tagged("v1").to(&catalog, registry).await;
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().body, body(11));
    assert_eq!(pull(&catalog, registry, "a", &Reference::Digest(digest(10))).await.unwrap().body, body(10));
}

#[tokio::test]
async fn the_same_bytes_pushed_as_another_type_are_refused_and_change_nothing() {
    let (home, catalog, registry) = fresh().await;
    let mut oci = image(&[]);
    oci.subject = Some(descriptor(1));
    Push::new("a", 10, oci.clone()).tagged("v1").to(&catalog, registry).await;
    let before = pull(&catalog, registry, "a", &by_tag("v1")).await;
    let mut docker = image(&[]);
    docker.media_type = MediaType::DOCKER_MANIFEST.parse().unwrap();
    docker.artifact_type = Some("application/other".to_owned());
    docker.subject = Some(descriptor(2));
    // It would lack a blob too, but that to push it helps nothing.
    for manifest in [docker.clone(), Manifest { blobs: vec![descriptor(3)], ..docker.clone() }] {
        let push = Push::new("a", 10, manifest).tagged("v1").tagged("v2").telling(event(1));
        assert_eq!(push.to(&catalog, registry).await, PutManifest::OtherType(oci.media_type.clone()));
    }
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await, before);
    assert_eq!(catalog.tags(registry, &name("a"), None, 9).await.unwrap(), Some(vec![tag("v1")]));
    assert_eq!(home.number("SELECT count(*) FROM manifest_references").await, 1);
    assert_eq!(catalog.referrers(registry, &name("a"), &digest(1), None, None, 9).await.unwrap().items.len(), 1);
    assert!(catalog.referrers(registry, &name("a"), &digest(2), None, None, 9).await.unwrap().items.is_empty());
    assert!(outbox(&catalog).await.is_empty());
    assert_eq!(Push::new("a", 10, oci).tagged("v2").telling(event(2)).to(&catalog, registry).await, stored());
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v2")).await, before);
    assert_eq!(outbox(&catalog).await, [event(2).event.id]);
    assert_eq!(Push::new("b", 10, docker.clone()).tagged("v1").to(&catalog, registry).await, stored(), "another repository");
    Delete::from("a").manifest(10, &catalog, registry).await;
    assert_eq!(Push::new("a", 10, docker).to(&catalog, registry).await, stored(), "nothing is there any more");
}

#[tokio::test]
async fn removing_a_manifest_removes_its_tags_alone() {
    let (home, catalog, registry) = fresh().await;
    add(&catalog, registry, "a", 1).await;
    Push::new("a", 10, image(&[1])).tagged("v1").to(&catalog, registry).await;
    Push::new("a", 10, image(&[1])).tagged("v2").to(&catalog, registry).await;
    Push::new("a", 11, image(&[1])).tagged("v3").to(&catalog, registry).await;
    Push::new("b", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    assert!(pull(&catalog, registry, "a", &by_tag("v1")).await.is_some());
    assert_eq!(Delete::from("a").telling(event(1)).manifest(10, &catalog, registry).await, Deletion::Deleted);
    assert_eq!(Delete::from("a").telling(event(2)).manifest(10, &catalog, registry).await, Deletion::Absent);
    assert_eq!(outbox(&catalog).await, [event(1).event.id]);
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await, None);
    assert_eq!(pull(&catalog, registry, "a", &Reference::Digest(digest(10))).await, None);
    assert_eq!(catalog.tags(registry, &name("a"), None, 10).await.unwrap(), Some(vec![tag("v3")]));
    assert!(pull(&catalog, registry, "b", &by_tag("v1")).await.is_some());
    assert_eq!(home.number("SELECT count(*) FROM manifest_references").await, 1);
    Push::new("a", 10, image(&[1])).to(&catalog, registry).await;
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await, None, "a tag does not come back with its manifest");
}

#[tokio::test]
async fn a_body_of_four_mebibytes_is_kept() {
    let (_home, catalog, registry) = fresh().await;
    let (repository, digest, manifest) = (name("a"), digest(10), image(&[]));
    let body = bytes::Bytes::from(vec![7; bulkhead_oci::MAX_MANIFEST_BYTES]);
    let new = NewManifest {
        repository: &repository,
        digest: &digest,
        manifest: &manifest,
        body: body.clone(),
        tags: &[],
        sparse: Sparse::Refuse,
        now: NOW,
        deliveries: vec![],
    };
    assert_eq!(catalog.put_manifest(registry, new).await.unwrap(), stored());
    for _ in 0..2 {
        assert!(pull(&catalog, registry, "a", &Reference::Digest(digest.clone())).await.unwrap().body == body);
    }
}

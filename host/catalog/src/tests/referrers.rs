use bulkhead_core::ports::catalog::{Catalog, Part, ReferrerRecord};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Digest, Manifest, MediaType};

use super::{Delete, Push, body, descriptor, digest, fresh, image, name};
use crate::SqliteCatalog;
use crate::read::ANNOTATIONS_AT_ONCE;

/// What an object of one annotation named `k` needs beside its value.
const AROUND: usize = r#"{"k":""}"#.len();

fn referrer(subject: u64, artifact_type: &str, annotation: &str) -> Manifest {
    let mut manifest = image(&[]);
    manifest.subject = Some(descriptor(subject));
    manifest.artifact_type = Some(artifact_type.to_owned());
    if !annotation.is_empty() {
        manifest.annotations = [("k".to_owned(), annotation.to_owned())].into();
    }
    manifest
}

/// All manifests of one repository that refer to manifest 1: their digests, and whether more follow.
async fn part(catalog: &SqliteCatalog, registry: RegistryId, after: Option<u64>, limit: u32) -> (Vec<Digest>, bool) {
    let after = after.map(digest);
    let part = catalog.referrers(registry, &name("a"), &digest(1), None, after.as_ref(), limit).await.unwrap();
    (part.items.into_iter().map(|record| record.digest).collect(), part.more)
}

#[tokio::test]
async fn referrers_are_those_of_the_subject_and_type_after_the_last_one() {
    let (_home, catalog, registry) = fresh().await;
    for number in 10..20 {
        let manifest = referrer(if number == 19 { 2 } else { 1 }, if number % 2 == 0 { "even/x" } else { "odd/x" }, "");
        Push::new("a", number, manifest).to(&catalog, registry).await;
    }
    let repository = name("a");
    let page = async |artifact_type: Option<&str>, after: Option<&Digest>, limit| {
        let found = catalog.referrers(registry, &repository, &digest(1), artifact_type, after, limit).await.unwrap();
        (found.items.into_iter().map(|record| record.digest).collect::<Vec<_>>(), found.more)
    };
    assert_eq!(page(None, None, 100).await, ((10..19).map(digest).collect(), false));
    assert_eq!(page(None, Some(&digest(12)), 2).await, (vec![digest(13), digest(14)], true));
    assert_eq!(page(Some("even/x"), Some(&digest(12)), 2).await, (vec![digest(14), digest(16)], true));
    assert_eq!(page(Some("even/x"), Some(&digest(14)), 2).await, (vec![digest(16), digest(18)], false));
    assert_eq!(page(Some("none/x"), None, 2).await, (vec![], false));
    let elsewhere = catalog.referrers(registry, &name("b"), &digest(1), None, None, 9).await.unwrap();
    assert_eq!(elsewhere, Part { items: vec![], more: false });
    Delete::from("a").manifest(10, &catalog, registry).await;
    assert_eq!(page(None, None, 1).await, (vec![digest(11)], true));
}

#[tokio::test]
async fn whether_more_follow_is_right_at_every_limit() {
    let (_home, catalog, registry) = fresh().await;
    assert_eq!(part(&catalog, registry, None, 0).await, (vec![], false));
    for number in 10..13 {
        Push::new("a", number, referrer(1, "x/y", "v")).to(&catalog, registry).await;
    }
    for (limit, shown) in [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (u32::MAX, 3)] {
        assert_eq!(part(&catalog, registry, None, limit).await, ((10..10 + shown).map(digest).collect(), shown < 3), "{limit}");
    }
    assert_eq!(part(&catalog, registry, Some(11), 1).await, (vec![digest(12)], false));
    assert_eq!(part(&catalog, registry, Some(12), 1).await, (vec![], false));
    assert_eq!(part(&catalog, registry, Some(12), 0).await, (vec![], false));
}

#[tokio::test]
async fn a_referrer_is_shown_with_its_annotations() {
    let (home, catalog, registry) = fresh().await;
    let mut manifest = referrer(1, "x/y", "ü \" \\ \n \0 </script>");
    manifest.annotations.insert(String::new(), String::new());
    for _ in 0..2 {
        Push::new("a", 10, manifest.clone()).to(&catalog, registry).await;
    }
    let part = catalog.referrers(registry, &name("a"), &digest(1), None, None, 9).await.unwrap();
    let record = ReferrerRecord {
        digest: digest(10),
        media_type: MediaType::OCI_MANIFEST.parse().unwrap(),
        size: body(10).len() as u64,
        artifact_type: Some("x/y".to_owned()),
        annotations: manifest.annotations,
    };
    assert_eq!(part, Part { items: vec![record], more: false });
    Delete::from("a").manifest(10, &catalog, registry).await;
    assert_eq!(home.number("SELECT count(*) FROM manifest_annotations").await, 0);
}

#[tokio::test]
async fn annotations_are_kept_where_a_subject_would_show_them() {
    let (home, catalog, registry) = fresh().await;
    let mut alone = referrer(1, "x/y", "v");
    alone.subject = None;
    Push::new("a", 10, alone).to(&catalog, registry).await;
    Push::new("a", 11, referrer(1, "x/y", "")).to(&catalog, registry).await;
    assert_eq!(home.number("SELECT count(*) FROM manifest_annotations").await, 0);
    let part = catalog.referrers(registry, &name("a"), &digest(1), None, None, 9).await.unwrap();
    assert_eq!(part.items.len(), 1);
    assert!(part.items[0].annotations.is_empty());
}

#[tokio::test]
async fn a_part_has_a_mebibyte_of_annotations_at_most() {
    let (_home, catalog, registry) = fresh().await;
    let half = "x".repeat(ANNOTATIONS_AT_ONCE as usize / 2 - AROUND);
    for number in 10..15 {
        Push::new("a", number, referrer(1, "x/y", &half)).to(&catalog, registry).await;
    }
    assert_eq!(part(&catalog, registry, None, 9).await, (vec![digest(10), digest(11)], true));
    assert_eq!(part(&catalog, registry, Some(11), 9).await, (vec![digest(12), digest(13)], true));
    assert_eq!(part(&catalog, registry, Some(12), 9).await, (vec![digest(13), digest(14)], false));
    assert_eq!(part(&catalog, registry, Some(13), 9).await, (vec![digest(14)], false));
    assert_eq!(part(&catalog, registry, None, 1).await, (vec![digest(10)], true));
    Push::new("a", 11, referrer(1, "x/y", "")).to(&catalog, registry).await;
    Push::new("a", 9, referrer(1, "x/y", "one byte more than fits")).to(&catalog, registry).await;
    assert_eq!(part(&catalog, registry, None, 9).await, (vec![digest(9), digest(10)], true));
    assert_eq!(part(&catalog, registry, None, 2).await, (vec![digest(9), digest(10)], true));
}

#[tokio::test]
async fn a_referrer_with_more_annotations_than_that_is_alone() {
    let (_home, catalog, registry) = fresh().await;
    let huge = "x".repeat(ANNOTATIONS_AT_ONCE as usize);
    Push::new("a", 11, referrer(1, "x/y", &huge)).to(&catalog, registry).await;
    assert_eq!(part(&catalog, registry, None, 9).await, (vec![digest(11)], false));
    Push::new("a", 10, referrer(1, "x/y", "")).to(&catalog, registry).await;
    Push::new("a", 12, referrer(1, "x/y", "")).to(&catalog, registry).await;
    assert_eq!(part(&catalog, registry, None, 9).await, (vec![digest(10)], true));
    assert_eq!(part(&catalog, registry, Some(10), 9).await, (vec![digest(11)], true));
    assert_eq!(part(&catalog, registry, Some(11), 9).await, (vec![digest(12)], false));
}

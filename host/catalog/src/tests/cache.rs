use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bulkhead_core::ports::catalog::{Attributes, ManifestRecord};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{MediaType, Reference};

use super::{Delete, Push, body, by_tag, digest, fresh, image, name, pull, tag};
use crate::cache::{Cache, Found, Key};

const REGISTRY: RegistryId = RegistryId(1);

fn record(number: u64) -> ManifestRecord {
    let media_type = MediaType::OCI_MANIFEST.parse().unwrap();
    ManifestRecord {
        digest: digest(number),
        media_type,
        body: body(number),
        artifact_type: None,
        attributes: Attributes::default(),
    }
}

/// As it is read by a tag.
fn tagged(record: ManifestRecord) -> Found {
    Found { record, tag: Some(Attributes::default()) }
}

fn tag_key() -> Key {
    Key::Tag(REGISTRY, name("a"), tag("v1"))
}

#[test]
fn what_was_read_is_remembered_until_it_changes() {
    let cache = Cache::new();
    cache.keep_manifest(&cache.ticket(), REGISTRY, &name("a"), &by_tag("v1"), &tagged(record(1)));
    assert_eq!(cache.manifest(REGISTRY, &name("a"), &by_tag("v1")), Some(record(1)));
    assert_eq!(cache.manifest(REGISTRY, &name("a"), &Reference::Digest(digest(1))), Some(record(1)));
    assert_eq!(cache.manifest(RegistryId(2), &name("a"), &by_tag("v1")), None);
    let change = cache.change(&[tag_key()]);
    assert_eq!(cache.manifest(REGISTRY, &name("a"), &by_tag("v1")), None, "while it changes");
    drop(change);
    assert_eq!(cache.manifest(REGISTRY, &name("a"), &by_tag("v1")), None, "after it changed");
    assert_eq!(cache.manifest(REGISTRY, &name("a"), &Reference::Digest(digest(1))), Some(record(1)));
}

#[test]
fn what_was_read_before_a_change_is_not_kept_after_it() {
    let cache = Cache::new();
    let before = cache.ticket();
    let change = cache.change(&[tag_key()]);
    cache.keep_manifest(&before, REGISTRY, &name("a"), &by_tag("v1"), &tagged(record(1)));
    let during = cache.ticket();
    cache.keep_manifest(&during, REGISTRY, &name("a"), &by_tag("v1"), &tagged(record(1)));
    drop(change);
    cache.keep_manifest(&before, REGISTRY, &name("a"), &by_tag("v1"), &tagged(record(1)));
    cache.keep_manifest(&during, REGISTRY, &name("a"), &by_tag("v1"), &tagged(record(1)));
    assert_eq!(cache.manifest(REGISTRY, &name("a"), &by_tag("v1")), None);
    cache.keep_manifest(&cache.ticket(), REGISTRY, &name("a"), &by_tag("v1"), &tagged(record(2)));
    assert_eq!(cache.manifest(REGISTRY, &name("a"), &by_tag("v1")), Some(record(2)));
}

#[test]
fn a_large_body_is_not_remembered() {
    let cache = Cache::new();
    let large = ManifestRecord { body: vec![0; 64 * 1024 + 1].into(), ..record(1) };
    cache.keep_manifest(&cache.ticket(), REGISTRY, &name("a"), &by_tag("v1"), &tagged(large));
    assert_eq!(cache.manifest(REGISTRY, &name("a"), &by_tag("v1")), None);
}

#[tokio::test]
async fn writes_that_change_nothing_remembered_leave_the_cache_alone() {
    let (_home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap();
    super::add(&catalog, registry, "a", 1).await;
    Push::new("a", 11, image(&[])).tagged("v2").to(&catalog, registry).await;
    Push::new("a", 12, image(&[99])).tagged("v1").to(&catalog, registry).await;
    assert!(catalog.cache.manifest(registry, &name("a"), &by_tag("v1")).is_some());
}

/// A tag moves through a row of manifests while readers pull it: none may see an older one than was acknowledged before it asked,
/// nor an older one than itself saw before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_that_race_with_a_writer_never_see_what_was_before() {
    const MOVES: u64 = 300;
    let (_home, catalog, registry) = fresh().await;
    let catalog = Arc::new(catalog);
    let acknowledged = Arc::new(AtomicU64::new(0));
    Push::new("a", 0, image(&[])).tagged("v1").to(&catalog, registry).await;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (catalog, acknowledged) = (Arc::clone(&catalog), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut seen = 0;
                while seen < MOVES {
                    let least = acknowledged.load(Ordering::SeqCst).max(seen);
                    let found = pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().body;
                    seen = std::str::from_utf8(&found).unwrap().strip_prefix("manifest ").unwrap().parse().unwrap();
                    assert!(seen >= least, "saw {seen} after {least}");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 1..=MOVES {
        Push::new("a", number, image(&[])).tagged("v1").to(&catalog, registry).await;
        acknowledged.store(number, Ordering::SeqCst);
        let before = Reference::Digest(digest(number - 1));
        assert!(pull(&catalog, registry, "a", &before).await.is_some());
        Delete::from("a").manifest(number - 1, &catalog, registry).await;
        assert_eq!(pull(&catalog, registry, "a", &before).await, None);
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

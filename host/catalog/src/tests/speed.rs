//! How fast it is: run by hand, `cargo test --release -p bulkhead-catalog -- --ignored --nocapture --test-threads 1`. Asserts nothing.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bulkhead_core::ports::catalog::{Catalog, Expected, NewManifest, NewTag, RepositoryDeletion, Sparse};
use bulkhead_core::ports::ids::RegistryId;

use super::{Delete, Home, NOW, Push, add, blob, by_tag, descriptor, digest, fresh, image, index, name, progress, tag, upload};
use crate::SqliteCatalog;

const LASTS: Duration = Duration::from_secs(2);

async fn measure<F>(what: &str, callers: u64, catalog: &Arc<SqliteCatalog>, work: impl Fn(Arc<SqliteCatalog>, u64) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let before = catalog.counts();
    let begun = Instant::now();
    let done = Arc::new(AtomicU64::new(0));
    let next = Arc::new(AtomicU64::new(1));
    let mut tasks = tokio::task::JoinSet::new();
    let spawn = |tasks: &mut tokio::task::JoinSet<()>| {
        tasks.spawn(work(Arc::clone(catalog), next.fetch_add(1, Ordering::Relaxed)));
    };
    for _ in 0..callers {
        spawn(&mut tasks);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
        done.fetch_add(1, Ordering::Relaxed);
        if begun.elapsed() < LASTS {
            spawn(&mut tasks);
        }
    }
    let rate = done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    let after = catalog.counts();
    let (writes, commits) = (after.writes - before.writes, after.commits - before.commits);
    println!("{what}, {callers} callers: {rate:.0}/s ({writes} writes in {commits} commits)");
}

async fn put(catalog: &SqliteCatalog, registry: RegistryId, number: u64) {
    let (repository, digest, manifest) = (name(&format!("team/app{}", number % 16)), digest(number), image(&[1, 2, 3]));
    let tags = [NewTag { tag: tag(&format!("v{number}")), expected: Expected::Anything }];
    let new = NewManifest {
        repository: &repository,
        digest: &digest,
        manifest: &manifest,
        body: vec![b'x'; 1500].into(),
        tags: &tags,
        sparse: Sparse::Refuse,
        now: NOW,
        deliveries: vec![],
    };
    catalog.put_manifest(registry, new).await.unwrap();
}

async fn prepared() -> (Home, Arc<SqliteCatalog>, RegistryId) {
    let (home, catalog, registry) = fresh().await;
    for repository in 0..16 {
        for number in 1..=3 {
            add(&catalog, registry, &format!("team/app{repository}"), number).await;
        }
    }
    (home, Arc::new(catalog), registry)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn writes_per_second() {
    let (_home, catalog, registry) = prepared().await;
    for callers in [1, 16] {
        measure("put_manifest", callers, &catalog, |catalog, number| async move {
            put(&catalog, registry, number * 20 + callers).await;
        })
        .await;
        measure("add_blob", callers, &catalog, |catalog, number| async move {
            let blob = blob((number << 8) | callers);
            catalog.add_blob(registry, &name("team/blobs"), &blob, None, NOW).await.unwrap();
        })
        .await;
        measure("create_upload", callers, &catalog, |catalog, _| async move {
            catalog.create_upload(registry, &upload("team/blobs", 0)).await.unwrap();
        })
        .await;
        measure("create_upload, advance_upload, add_blob", callers, &catalog, |catalog, number| async move {
            let record = upload("team/blobs", 0);
            catalog.create_upload(registry, &record).await.unwrap();
            catalog.advance_upload(registry, &record.id, 0, &progress(9), NOW).await.unwrap();
            let blob = blob((number << 8) | 128 | callers);
            catalog.add_blob(registry, &record.repository, &blob, Some(&record.id), NOW).await.unwrap();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn reads_per_second() {
    let (_home, catalog, registry) = prepared().await;
    for number in 0..160 {
        put(&catalog, registry, number).await;
    }
    measure("manifest by tag, remembered", 8, &catalog, |catalog, number| async move {
        for _ in 0..100 {
            let repository = name(&format!("team/app{}", number % 16));
            assert!(catalog.manifest(registry, &repository, &by_tag(&format!("v{}", number % 16))).await.unwrap().is_some());
        }
    })
    .await;
    println!("(times 100)");
    measure("manifest by tag, from SQLite", 8, &catalog, |catalog, number| async move {
        let repository = name(&format!("team/app{}", number % 16));
        assert!(catalog.readers.manifest(registry, &repository, &by_tag(&format!("v{}", number % 16))).await.unwrap().is_some());
    })
    .await;
    for number in 1_000..2_000 {
        let mut manifest = image(&[]);
        manifest.subject = Some(descriptor(7));
        manifest.annotations = [("org.opencontainers.image.created".to_owned(), "2026-01-01T00:00:00Z".to_owned())].into();
        Push::new("team/app1", number, manifest).to(&catalog, registry).await;
    }
    measure("1,000 referrers", 1, &catalog, |catalog, _| async move {
        let part = catalog.referrers(registry, &name("team/app1"), &digest(7), None, None, 1_000).await.unwrap();
        assert_eq!(part.items.len(), 1_000);
    })
    .await;
    measure("blob that is not there", 8, &catalog, |catalog, _| async move {
        assert!(catalog.blob(registry, &name("team/app1"), &digest(77)).await.unwrap().is_none());
    })
    .await;
}

/// 20,000 manifests with three blobs each: two of their own, and one of all. One blob more, that none needs.
const CROWDED: &str = "
    CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n;
    INSERT INTO repositories (id, registry_id, name, created, listed) VALUES (1000, 1, 'crowded', 0, 1);
    INSERT INTO repository_blobs SELECT 1000, 'sha256:' || format('%016x%048d', i + 1000000, 0), 0 FROM n;
    INSERT INTO repository_blobs SELECT 1000, 'sha256:' || format('%016x%048d', i + 2000000, 0), 0 FROM n;
    INSERT INTO repository_blobs SELECT 1000, 'sha256:' || format('%016x%048d', i, 0), 0 FROM n WHERE i < 3;
    INSERT INTO manifests (id, repository_id, digest, media_type, size, created, body)
        SELECT i, 1000, 'sha256:' || format('%016x%048d', (i * 7919) % 20011, 0), 'a/b', 9, 0, zeroblob(1000) FROM n;
    INSERT INTO manifest_references SELECT 1000, i, 'blob', 'sha256:' || format('%016x%048d', i + 1000000, 0) FROM n;
    INSERT INTO manifest_references SELECT 1000, i, 'blob', 'sha256:' || format('%016x%048d', i + 2000000, 0) FROM n;
    INSERT INTO manifest_references SELECT 1000, i, 'blob', 'sha256:' || format('%016x%048d', 2, 0) FROM n;";

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let answer = work.await;
    println!("{what}: {:.1} ms", begun.elapsed().as_secs_f64() * 1_000.0);
    answer
}

/// What one caller alone can make all others wait for, or was able to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn what_takes_long() {
    let (home, catalog, registry) = fresh().await;
    let repository = name("crowded");
    catalog.close().await.unwrap();
    home.run(CROWDED).await;
    let catalog = home.open().await;
    for _ in 0..3 {
        timed("asking who needs a blob that none of 20,000 needs", catalog.readers.need(registry, &repository, &digest(1)))
            .await
            .unwrap();
    }
    timed("removing it", Delete::from("crowded").blob(1, &catalog, registry)).await;
    timed("being refused one that all need", Delete::from("crowded").blob(2, &catalog, registry)).await;
    timed("being refused one that the last needs", Delete::from("crowded").blob(2_020_000, &catalog, registry)).await;
    let unknown = index(&(5_000_000..5_026_000).collect::<Vec<_>>());
    for _ in 0..3 {
        timed("being refused an index of 26,000", Push::new("crowded", 9_000_000, unknown.clone()).to(&catalog, registry)).await;
    }
    for _ in 0..2 {
        let push = Push::new("crowded", 9_000_001, unknown.clone()).sparse(Sparse::All);
        timed("storing it where that is allowed", push.to(&catalog, registry)).await;
    }
    timed("removing it", Delete::from("crowded").manifest(9_000_001, &catalog, registry)).await;
    let gone = timed("removing the repository with 20,000 manifests", Delete::from("crowded").all(&catalog, registry)).await;
    assert!(matches!(gone, RepositoryDeletion::Deleted { manifests, .. } if manifests.len() == 20_000));
}

//! A page of any list costs the same however deep it lies, and however much lies between that is not on it: by SQLite's plans, and by
//! counting the instructions that it executes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::SqliteConnection;

use super::Home;
use crate::read::{
    ANNOTATIONS_AT_ONCE, DUE, EXTENT, GUARDED, HOLDERS, MANIFEST, NEEDING, NEXT_DUE, REFERRERS, REFERRERS_OF_TYPE, REPOSITORIES,
    STALE, TAGGED, TAGS, TAGS_OF,
};
use crate::write::{LISTING, NEEDED_SINCE};

/// 100,000 of each: tags that point to one manifest (and one to another), referrers of one subject, listed repositories before as many that
/// are not, repositories of another registry that have a blob, and uploads; and as many tags, referrers and repositories that lists do not
/// show, before the last one that they do.
const MANY: &str = "
    CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) SELECT i FROM n;
    INSERT INTO registries VALUES (1, 'default', 'default', 0);
    INSERT INTO repositories (registry_id, name, created, listed) SELECT 1, format('a/%06d', i), 0, 1 FROM n;
    INSERT INTO repositories (registry_id, name, created, listed) SELECT 1, format('b/%06d', i), 0, 0 FROM n;
    INSERT INTO repositories (id, registry_id, name, created, listed) VALUES (1000000, 1, 'full', 0, 1);
    INSERT INTO manifests (repository_id, digest, media_type, size, artifact_type, subject, created, body)
        SELECT 1000000, format('%06d', i), 'a/b', 9, iif(i % 1000, 'odd', 'even'), 's', 0, zeroblob(9) FROM n;
    INSERT INTO manifest_annotations SELECT id, '{}' FROM manifests WHERE id % 2;
    INSERT INTO tags (repository_id, name, digest, created, updated) SELECT 1000000, format('%06d', i), '000001', 0, 0 FROM n;
    INSERT INTO tags (repository_id, name, digest, created, updated) SELECT 1000000, 'x', '000002', 0, 0;
    INSERT INTO tags (repository_id, name, digest, created, updated, list_enabled)
        SELECT 1000000, format('h%06d', i), '000003', 0, 0, 0 FROM n;
    INSERT INTO manifests (repository_id, digest, media_type, size, artifact_type, subject, created, body, list_enabled)
        SELECT 1000000, format('h%06d', i), 'a/b', 9, 'even', 's', 0, zeroblob(9), i = 100000
        FROM (SELECT i FROM n UNION ALL SELECT 100000);
    INSERT INTO repositories (registry_id, name, created, listed, list_enabled) SELECT 1, format('d/%06d', i), 0, 1, 0 FROM n;
    INSERT INTO registries VALUES (2, 'other', 'other', 0);
    INSERT INTO repositories (id, registry_id, name, created) SELECT 2000000 + i, 2, format('c/%06d', i), 0 FROM n;
    INSERT INTO repository_blobs SELECT id, 'held', 0 FROM repositories WHERE registry_id = 2 OR name = 'full';
    INSERT INTO uploads SELECT 1, format('%06d', i), 'r', NULL, 0, 'sha256', X'', X'', 0, i FROM n;";

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(i64),
    Text(&'a str),
}
use Value::{Number, Text};

/// How many rows a query answers, and how many instructions SQLite executes for it.
async fn cost(connection: &mut SqliteConnection, query: &'static str, values: &[Value<'_>]) -> (usize, u64) {
    let executed = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&executed);
    connection.lock_handle().await.unwrap().set_progress_handler(1, move || {
        counter.fetch_add(1, Ordering::Relaxed);
        true
    });
    let bound = values.iter().fold(sqlx::query(query), |query, value| match *value {
        Number(number) => query.bind(number),
        Text(text) => query.bind(text.to_owned()),
    });
    let rows = bound.fetch_all(&mut *connection).await.unwrap();
    connection.lock_handle().await.unwrap().remove_progress_handler();
    (rows.len(), executed.load(Ordering::Relaxed))
}

/// The same page at the beginning and near the end.
async fn is_level(connection: &mut SqliteConnection, query: &'static str, first: &[Value<'_>], last: &[Value<'_>], rows: usize) {
    // The first query of a connection reads the schema, which costs too.
    cost(connection, query, first).await;
    let (first, last) = (cost(connection, query, first).await, cost(connection, query, last).await);
    assert_eq!((first.0, last.0), (rows, rows), "{query}");
    assert!(first.1.abs_diff(last.1) <= 32, "{} and {} instructions: {query}", first.1, last.1);
    assert!(first.1 < 200 * rows as u64 + 400, "{} instructions: {query}", first.1);
}

#[tokio::test]
async fn a_page_costs_the_same_however_deep_it_lies() {
    let home = Home::new();
    drop(home.open().await);
    home.run(MANY).await;
    let connection = &mut home.connect().await;
    let page = |after| [Number(1), Text("full"), Text(after), Number(100)];
    is_level(connection, TAGS, &page(""), &page("099850"), 100).await;
    is_level(connection, TAGGED, &page(""), &page("099850"), 100).await;
    let of = |after, digest| [Number(1), Text("full"), Text(after), Number(100), Text(digest)];
    is_level(connection, TAGS_OF, &of("", "000001"), &of("099850", "000001"), 100).await;
    is_level(connection, TAGS_OF, &of("", "000002"), &of("099850", "000002"), 1).await;
    let page = |after| [Number(1), Text(after), Number(100)];
    is_level(connection, REPOSITORIES, &page(""), &page("a/099850"), 100).await;
    let full_after = |after| [Number(1), Text("full"), Text(after), Number(1)];
    let across = [Number(1), Text("a/099999"), Number(1)];
    is_level(connection, REPOSITORIES, &[Number(1), Text(""), Number(1)], &across, 1).await;
    is_level(connection, TAGS, &[Number(1), Text("full"), Text(""), Number(1)], &full_after("099999"), 1).await;
    is_level(connection, STALE, &[Number(1), Number(200), Number(100)], &[Number(1), Number(99_999), Number(100)], 100).await;
    let limits = [Number(100), Number(ANNOTATIONS_AT_ONCE)];
    let page = |after| [&[Number(1), Text("full"), Text("s"), Text(after)], &limits[..]].concat();
    // One more: it tells that something follows.
    is_level(connection, REFERRERS, &page(""), &page("099850"), 101).await;
    let page = |after| [&page(after)[..4], &[Number(9), Number(ANNOTATIONS_AT_ONCE), Text("even")]].concat();
    is_level(connection, REFERRERS_OF_TYPE, &page(""), &page("089000"), 10).await;
    for query in [REFERRERS, REFERRERS_OF_TYPE] {
        let (rows, executed) =
            cost(connection, query, &[&page("099999")[..4], &[Number(9), Number(ANNOTATIONS_AT_ONCE), Text("even")]].concat())
                .await;
        assert_eq!(rows, 1, "the one behind those that are not shown");
        assert!(executed < 600, "{executed} instructions for it: {query}");
    }
    let (_, executed) = cost(connection, GUARDED, &[Number(1), Text("full")]).await;
    assert!(executed < 200, "{executed} instructions to see that nothing is locked");
    let (_, executed) = cost(connection, NEEDING, &[Number(1), Text("full"), Text("no blob")]).await;
    assert!(executed < 1000, "{executed} instructions for a blob that is not there");
    let (_, executed) = cost(connection, NEEDED_SINCE, &[Number(1), Text("full"), Text("blob"), Number(199_991)]).await;
    assert!(executed < 1000, "{executed} instructions for ten manifests");
    let (_, executed) = cost(connection, EXTENT, &[Number(1), Text("full"), Number(100)]).await;
    assert!(executed < 2000, "{executed} instructions to count to a hundred twice");
    let (mine, executed) = cost(connection, HOLDERS, &[Number(1), Text("held"), Number(100)]).await;
    assert_eq!(mine, 1, "the others are of another registry");
    assert!(executed < 3000, "{executed} instructions for a hundred holders");
}

#[tokio::test]
async fn a_page_of_any_list_comes_from_an_index_without_sorting() {
    let home = Home::new();
    drop(home.open().await);
    let slow = |step: &String| step.contains("TEMP B-TREE") || step.starts_with("SCAN ") && step != "SCAN CONSTANT ROW";
    for query in [TAGS, TAGGED, TAGS_OF, REPOSITORIES, STALE, DUE, NEXT_DUE, HOLDERS] {
        let steps = home.plan(query).await;
        // The outbox's next one is the first of its index; what is held is a page already.
        let paged = |step: &String| step.contains("INDEX deliveries_due") || step == "SCAN held";
        assert!(!steps.iter().any(|step| slow(step) && !paged(step)), "{query}: {steps:?}");
    }
}

#[tokio::test]
async fn referrers_and_holders_begin_with_an_index_that_finds_them() {
    let home = Home::new();
    drop(home.open().await);
    for (query, expected) in [
        (REFERRERS, "INDEX manifests_by_subject (repository_id=? AND subject=? AND digest>?)"),
        (REFERRERS_OF_TYPE, "INDEX manifests_by_artifact_type (repository_id=? AND subject=? AND artifact_type=? AND digest>?)"),
        (HOLDERS, "COVERING INDEX repository_blobs_by_digest (digest=?)"),
    ] {
        let steps = home.plan(query).await;
        assert!(steps.iter().any(|step| step.contains(expected)), "{query}: {steps:?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN manifests") || step.starts_with("SCAN repositor")), "{steps:?}");
    }
}

#[tokio::test]
async fn who_needs_what_is_deleted_is_found_by_indexes() {
    let home = Home::new();
    drop(home.open().await);
    for (query, expected) in [
        (LISTING, &["INDEX manifest_references_to_manifests (repository_id=? AND digest=?)"][..]),
        (GUARDED, &["INDEX manifests_locked (repository_id=?)", "INDEX tags_locked (repository_id=?)"]),
        (LISTING, &["INDEX manifests_locked (repository_id=?)", "INDEX tags_locked (repository_id=?)"]),
        (MANIFEST, &["INDEX tags_by_digest (repository_id=? AND digest=?)"]),
        (
            NEEDING,
            &[
                "SEARCH manifests USING COVERING INDEX sqlite_autoindex_manifests_1 (repository_id=?)",
                "USING PRIMARY KEY (manifest=? AND kind=? AND digest=?)",
            ],
        ),
        (
            NEEDED_SINCE,
            &["SEARCH manifests USING INTEGER PRIMARY KEY (rowid>?)", "USING PRIMARY KEY (manifest=? AND kind=? AND digest=?)"],
        ),
        (
            EXTENT,
            &[
                "SEARCH tags USING COVERING INDEX tags_by_digest (repository_id=?)",
                "SEARCH manifests USING COVERING INDEX sqlite_autoindex_manifests_1 (repository_id=?)",
            ],
        ),
    ] {
        let steps = home.plan(query).await;
        for expected in expected {
            assert!(steps.iter().any(|step| step.contains(expected)), "{query}: {steps:?}");
        }
    }
}

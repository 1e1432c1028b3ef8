//! A catalog of the first shape is brought up to date with all that it holds.

use bulkhead_core::ports::catalog::{Attributed, Attributes, Catalog, Deletion, TagFilter};
use bulkhead_core::ports::clock::Timestamp;
use sqlx::{Connection, Executor};

use super::{Delete, Home, NOW, by_tag, digest, name, outbox, pointing, pull};

/// Digests are those of `digest(N)` with N below 256.
const OLD: &str = r#"
    INSERT INTO registries VALUES (1, 'default', 'default', 0), (2, 'other', 'other', 0);
    INSERT INTO repositories VALUES (1, 1, 'a', 0), (2, 1, 'empty', 0), (3, 1, 'b', 0), (4, 2, 'a', 0);
    CREATE TEMP TABLE d AS WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
        SELECT i, 'sha256:' || format('%016x', i) || format('%048d', 0) AS digest FROM n;
    CREATE TEMP TABLE m (i, repository, subject, body);
    INSERT INTO m VALUES
        (1, 1, NULL, '{"annotations":{"not":"shown"}}'),
        (10, 1, 1, '{"annotations":{"k":"ü \" \u0000","a":""}}'),
        (11, 1, 1, '{}'),
        (12, 1, 1, '{"annotations":'),
        (13, 1, 1, '{"annotations":null}'),
        (14, 1, 1, '{"annotations":{}}'),
        (15, 1, 1, '{"annotations":{"k":1}}'),
        (16, 1, 1, '{"annotations":"text"}'),
        (17, 1, 1, X'FFFE00'),
        (20, 1, NULL, 'an index'),
        (1, 3, NULL, '{}');
    INSERT INTO manifests (repository_id, digest, media_type, size, artifact_type, subject, created, body)
        SELECT repository, d.digest, 'a/b', octet_length(body), 'x/y', (SELECT s.digest FROM d AS s WHERE s.i = subject), 0,
            CAST(body AS BLOB)
        FROM m JOIN d ON d.i = m.i;
    INSERT INTO manifest_references
        SELECT 1, (SELECT id FROM manifests JOIN d USING (digest) WHERE i = 20), 'manifest', digest FROM d WHERE i = 1;
    INSERT INTO tags SELECT 1, 'v1', digest, 0, 0 FROM d WHERE i = 1;
    INSERT INTO blobs SELECT 1, digest, 7, 'default/x', 0 FROM d WHERE i = 5;
    INSERT INTO repository_blobs SELECT repositories.id, digest, 0 FROM d, repositories WHERE i = 5 AND registry_id = 1;
    INSERT INTO uploads VALUES (1, '0123456789abcdef0123456789abcdef', 'a', NULL, 0, 'sha256', X'', X'', 5, 5);
    INSERT INTO plugin_state VALUES ('p', 'k', X'01', NULL);"#;

/// A file of the first shape, with these rows.
async fn old(rows: &'static str) -> Home {
    let home = Home::new();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(home.file()).create_if_missing(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    crate::open::MIGRATIONS.run_direct(Some(1), &mut connection, false).await.unwrap();
    connection.execute(sqlx::raw_sql(rows)).await.unwrap();
    connection.close().await.unwrap();
    assert_eq!(home.number("SELECT max(version) FROM _sqlx_migrations").await, 1);
    home
}

#[tokio::test]
async fn all_that_a_catalog_of_the_first_shape_holds_is_there_and_in_every_list() {
    let home = old(OLD).await;
    let catalog = home.open().await;
    let registry = catalog.registry(&"default".parse().unwrap(), NOW).await.unwrap();
    assert_eq!(catalog.repositories(registry, None, 9).await.unwrap(), ["a", "b"].map(name));
    assert_eq!(&pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().body[..], br#"{"annotations":{"not":"shown"}}"#);
    assert_eq!(catalog.holders(registry, &digest(5), 9).await.unwrap(), ["a", "empty", "b"].map(name));
    let pointing_to_it = catalog.tagged(registry, &name("a"), TagFilter::PointingTo(&digest(1)), None, 9).await.unwrap();
    assert_eq!(pointing_to_it, [pointing("v1", Some(1))]);
    let everything = Attributes::default();
    assert_eq!(catalog.repository_attributes(registry, &name("a")).await.unwrap(), everything);
    assert_eq!(pull(&catalog, registry, "a", &by_tag("v1")).await.unwrap().attributes, everything);
    assert_eq!(catalog.stale_uploads(registry, NOW, 9).await.unwrap().len(), 1);
    assert_eq!(catalog.state_get("p", "k", NOW).await.unwrap(), Some(vec![1]));
    assert_eq!(Delete::from("a").manifest(1, &catalog, registry).await, Deletion::NeededBy(digest(20)));
    assert_eq!(Delete::from("b").manifest(1, &catalog, registry).await, Deletion::Deleted);
    assert_eq!(catalog.repositories(registry, None, 9).await.unwrap(), ["a"].map(name));
    assert!(outbox(&catalog).await.is_empty());
}

#[tokio::test]
async fn annotations_are_read_from_the_bodies_that_have_any() {
    let home = old(OLD).await;
    let catalog = home.open().await;
    let registry = catalog.registry(&"default".parse().unwrap(), NOW).await.unwrap();
    let part = catalog.referrers(registry, &name("a"), &digest(1), None, None, 100).await.unwrap();
    let digests: Vec<_> = part.items.iter().map(|record| record.digest.clone()).collect();
    assert_eq!(digests, (10..18).map(digest).collect::<Vec<_>>());
    let first = [("k".to_owned(), "ü \" \0".to_owned()), ("a".to_owned(), String::new())].into();
    assert_eq!(part.items[0].annotations, first);
    assert!(part.items[1..].iter().all(|record| record.annotations.is_empty()));
    assert_eq!(home.number("SELECT count(*) FROM manifest_annotations").await, 1);
}

/// Of `a`, a manifest came last, of `b` a tag moved last; `empty` has neither.
const DATED: &str = r#"
    INSERT INTO registries VALUES (1, 'default', 'default', 0);
    INSERT INTO repositories VALUES (1, 1, 'a', 10), (2, 1, 'b', 20), (3, 1, 'empty', 30);
    INSERT INTO manifests (repository_id, digest, media_type, size, created, body)
        SELECT id, 'sha256:' || format('%064d', 1), 'a/b', 2, id * 100, X'7b7d' FROM repositories WHERE id < 3;
    INSERT INTO tags SELECT repository_id, 'v1', digest, 50, repository_id * 110 - 20 FROM manifests;"#;

#[tokio::test]
async fn what_is_known_of_old_content_follows_from_its_times() {
    let home = old(DATED).await;
    let catalog = home.open().await;
    let registry = catalog.registry(&"default".parse().unwrap(), NOW).await.unwrap();
    let times = async |repository: &str, of: Attributed| {
        let record = catalog.attributes(registry, &name(repository), &of).await.unwrap().unwrap();
        (record.created, record.updated)
    };
    let at = |created, updated| (Timestamp(created), Timestamp(updated));
    assert_eq!(times("a", Attributed::Repository).await, at(10, 100));
    assert_eq!(times("b", Attributed::Repository).await, at(20, 200));
    assert_eq!(times("empty", Attributed::Repository).await, at(30, 30));
    let manifest = format!("sha256:{:064}", 1).parse().unwrap();
    assert_eq!(times("a", Attributed::Manifest(manifest)).await, at(100, 100));
    assert_eq!(times("a", Attributed::Tag(super::tag("v1"))).await, at(50, 90));
}

#[tokio::test]
async fn an_empty_catalog_of_the_first_shape_is_brought_up_to_date() {
    let home = old("").await;
    let catalog = home.open().await;
    let registry = catalog.registry(&"default".parse().unwrap(), NOW).await.unwrap();
    assert!(catalog.repositories(registry, None, 9).await.unwrap().is_empty());
    assert!(home.number("SELECT max(version) FROM _sqlx_migrations").await >= 2);
}

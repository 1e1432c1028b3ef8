use bulkhead_core::ports::catalog::{Catalog, CatalogError, Expected, PutManifest};
use bulkhead_core::ports::ids::RegistryId;
use futures_util::future::join_all;

use super::{Delete, Home, NOW, Push, add, blob, by_tag, digest, event, fresh, image, name, outbox, pull, stored, upload};

fn text(refused: Result<crate::SqliteCatalog, CatalogError>) -> String {
    match refused {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn writes_that_arrive_together_share_a_commit() {
    let (_home, catalog, registry) = fresh().await;
    let before = catalog.counts();
    let repository = name("a");
    let blobs: Vec<_> = (0..100).map(blob).collect();
    let writes = blobs.iter().map(|blob| catalog.add_blob(registry, &repository, blob, None, NOW));
    assert!(join_all(writes).await.into_iter().all(|added| added.is_ok()));
    let after = catalog.counts();
    assert_eq!(after.writes - before.writes, 100);
    assert!(after.commits - before.commits <= 2, "{} commits", after.commits - before.commits);
}

#[tokio::test]
async fn a_write_that_fails_or_is_refused_hurts_none_that_shares_its_commit() {
    let (home, catalog, registry) = fresh().await;
    let unknown = RegistryId(999);
    let (repository, bad) = (name("a"), blob(9));
    let before = catalog.counts();
    let (first, failed, refused, last) = tokio::join!(
        Push::new("a", 10, image(&[])).tagged("v1").telling(event(1)).to(&catalog, registry),
        catalog.add_blob(unknown, &repository, &bad, None, NOW),
        Push::new("a", 11, image(&[1])).tagged("v2").telling(event(2)).to(&catalog, registry),
        Push::new("a", 12, image(&[])).tagged("v3").telling(event(3)).to(&catalog, registry),
    );
    assert!(failed.unwrap_err().to_string().contains("FOREIGN KEY"));
    assert_eq!(refused, PutManifest::Missing(vec![digest(1)]));
    assert_eq!((first, last), (stored(), stored()));
    assert!(catalog.counts().commits - before.commits <= 2);
    let tags = catalog.tags(registry, &repository, None, 9).await.unwrap().unwrap();
    assert_eq!(tags, [super::tag("v1"), super::tag("v3")]);
    assert_eq!(outbox(&catalog).await, [event(1).event.id, event(3).event.id]);
    assert_eq!(home.number("SELECT count(*) FROM blobs").await, 0);
}

#[tokio::test]
async fn everything_acknowledged_is_there_after_the_catalog_was_dropped() {
    let home = Home::new();
    let record = upload("a", 3);
    {
        let catalog = home.open().await;
        let registry = catalog.registry(&"default".parse().unwrap(), NOW).await.unwrap();
        add(&catalog, registry, "a", 1).await;
        catalog.create_upload(registry, &record).await.unwrap();
        Push::new("a", 10, image(&[1])).tagged("v1").telling(event(1)).to(&catalog, registry).await;
    }
    let catalog = home.open().await;
    let registry = catalog.registry(&"default".parse().unwrap(), NOW).await.unwrap();
    assert_eq!(catalog.blob(registry, &name("a"), &digest(1)).await.unwrap(), Some(blob(1)));
    assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap(), Some(record));
    assert!(pull(&catalog, registry, "a", &by_tag("v1")).await.is_some());
    assert_eq!(outbox(&catalog).await.len(), 1);
}

#[tokio::test]
async fn a_copy_of_the_files_at_any_instant_holds_what_was_acknowledged() {
    let (home, catalog, registry) = fresh().await;
    for number in 0..20 {
        Push::new("a", number, image(&[])).tagged("v1").to(&catalog, registry).await;
        let copy = home.copy();
        let restored = copy.open().await;
        assert_eq!(pull(&restored, registry, "a", &by_tag("v1")).await.unwrap().digest, digest(number));
    }
}

#[tokio::test]
async fn a_copy_of_the_files_at_any_instant_holds_no_more_of_what_was_deleted() {
    let (home, catalog, registry) = fresh().await;
    for number in 0..4 {
        add(&catalog, registry, "a", number).await;
        Push::new("a", 10 + number, image(&[])).tagged(&format!("v{number}")).to(&catalog, registry).await;
    }
    let counts = [
        "SELECT count(*) FROM repository_blobs",
        "SELECT count(*) FROM tags",
        "SELECT count(*) FROM manifests",
        "SELECT count(*) FROM repositories",
        "SELECT count(*) FROM deliveries",
    ];
    for (step, left) in [[3, 4, 4, 1, 1], [3, 3, 4, 1, 2], [3, 2, 3, 1, 3], [0, 0, 0, 0, 4]].into_iter().enumerate() {
        let gone = Delete::from("a").telling(event(step as u64));
        match step {
            0 => drop(gone.blob(0, &catalog, registry).await),
            1 => drop(gone.tag("v0", &Expected::Anything, &catalog, registry).await),
            2 => drop(gone.manifest(11, &catalog, registry).await),
            _ => drop(gone.all(&catalog, registry).await),
        }
        let copy = home.copy();
        for (count, left) in counts.into_iter().zip(left) {
            assert_eq!(copy.number(count).await, left, "{count}, step {step}");
        }
    }
}

#[tokio::test]
async fn a_closed_catalog_is_whole_without_its_log_and_answers_with_errors() {
    let (home, catalog, registry) = fresh().await;
    let (repository, first) = (name("a"), blob(1));
    let (added, closed) = tokio::join!(catalog.add_blob(registry, &repository, &first, None, NOW), catalog.close());
    added.unwrap();
    closed.unwrap();
    catalog.close().await.unwrap();
    assert!(catalog.add_blob(registry, &repository, &blob(2), None, NOW).await.is_err());
    assert!(catalog.blob(registry, &repository, &digest(2)).await.is_err());
    assert!(!home.directory.path().join("catalog.sqlite-wal").exists());
    assert_eq!(home.number("SELECT count(*) FROM blobs").await, 1);
    let again = home.open().await;
    assert!(again.blob(registry, &repository, &digest(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn migrations_leave_what_an_existing_catalog_holds() {
    let (home, catalog, registry) = fresh().await;
    Push::new("a", 10, image(&[])).tagged("v1").to(&catalog, registry).await;
    catalog.close().await.unwrap();
    let applied = home.number("SELECT count(*) FROM _sqlx_migrations").await;
    let again = home.open().await;
    assert!(pull(&again, registry, "a", &by_tag("v1")).await.is_some());
    assert_eq!(home.number("SELECT count(*) FROM _sqlx_migrations").await, applied);
}

#[tokio::test]
async fn a_catalog_of_a_newer_version_is_named_and_left_alone() {
    let (home, catalog, _registry) = fresh().await;
    catalog.close().await.unwrap();
    home.run(
        "INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, success, checksum, 0 FROM _sqlx_migrations LIMIT 1",
    )
    .await;
    let error = text(crate::open(&home.file()).await);
    assert!(error.contains("catalog.sqlite") && error.contains("newer version") && error.contains("9999"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_catalog_is_named_and_left_alone() {
    let home = Home::new();
    std::fs::write(home.file(), "no database ".repeat(1000)).unwrap();
    let error = text(crate::open(&home.file()).await);
    assert!(error.contains("catalog.sqlite") && error.contains("damaged or no catalog"), "{error}");
    assert_eq!(std::fs::read(home.file()).unwrap().len(), 12_000);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let home = Home::new();
    let error = text(crate::open(&home.directory.path().join("missing/catalog.sqlite")).await);
    assert!(error.contains("missing/catalog.sqlite"), "{error}");
}

#[tokio::test]
async fn a_write_that_breaks_off_in_its_middle_leaves_nothing_and_the_next_one_works() {
    let (home, catalog, registry) = fresh().await;
    home.run("DROP TABLE repository_blobs").await;
    assert!(catalog.add_blob(registry, &name("a"), &blob(1), None, NOW).await.is_err());
    assert_eq!(catalog.tags(registry, &name("a"), None, 1).await.unwrap(), None, "nothing of it stays");
    let record = upload("a", 0);
    catalog.create_upload(registry, &record).await.unwrap();
    assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap(), Some(record));
}

/// `trigger` makes the transaction of every new upload fail as a whole.
async fn nothing_of_a_failed_transaction_stays(trigger: &'static str) {
    let (home, catalog, registry) = fresh().await;
    home.run(trigger).await;
    let (repository, first, record, last) = (name("a"), blob(1), upload("a", 0), blob(2));
    let (before, failed, after) = tokio::join!(
        catalog.add_blob(registry, &repository, &first, None, NOW),
        catalog.create_upload(registry, &record),
        catalog.add_blob(registry, &repository, &last, None, NOW),
    );
    assert!(failed.is_err());
    for (added, blob) in [(before, &first), (after, &last)] {
        let found = catalog.blob(registry, &repository, &blob.digest).await.unwrap();
        assert_eq!(found.is_some(), added.is_ok(), "what is there was acknowledged, and the other way round");
    }
    home.run("DROP TRIGGER break").await;
    catalog.create_upload(registry, &record).await.unwrap();
    catalog.add_blob(registry, &repository, &first, Some(&record.id), NOW).await.unwrap();
    assert_eq!(catalog.blob(registry, &repository, &first.digest).await.unwrap(), Some(first));
}

#[tokio::test]
async fn when_sqlite_rolls_back_on_its_own_all_that_shared_the_transaction_fails() {
    nothing_of_a_failed_transaction_stays(
        "CREATE TRIGGER break AFTER INSERT ON uploads BEGIN SELECT RAISE(ROLLBACK, 'as if the disk were full'); END",
    )
    .await;
}

#[tokio::test]
async fn when_a_commit_fails_all_that_shared_it_fails() {
    nothing_of_a_failed_transaction_stays(
        "CREATE TABLE orphans (parent INTEGER REFERENCES registries (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER break AFTER INSERT ON uploads BEGIN INSERT INTO orphans VALUES (-1); END",
    )
    .await;
}

use bulkhead_core::ports::catalog::{Advance, Catalog, Removal, UploadRecord};
use bulkhead_core::ports::clock::Timestamp;

use super::{NOW, fresh, name, progress, upload};

#[tokio::test]
async fn an_upload_is_read_as_it_was_made_by_its_own_repository_alone() {
    let (_home, catalog, registry) = fresh().await;
    for record in [upload("a/b", 0), UploadRecord { actor: None, ..upload("a/b", 7) }] {
        catalog.create_upload(registry, &record).await.unwrap();
        assert_eq!(catalog.upload(registry, &name("a/b"), &record.id).await.unwrap(), Some(record.clone()));
        assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap(), None);
    }
    assert_eq!(catalog.tags(registry, &name("a/b"), None, 1).await.unwrap(), None, "an upload makes no repository");
}

#[tokio::test]
async fn an_upload_advances_from_where_it_stood() {
    let (_home, catalog, registry) = fresh().await;
    let record = upload("a", 0);
    catalog.create_upload(registry, &record).await.unwrap();
    let later = Timestamp(NOW.0 + 5);
    let advance = catalog.advance_upload(registry, &record.id, 0, &progress(10), later).await.unwrap();
    assert_eq!(advance, Advance::Done);
    let now = catalog.upload(registry, &name("a"), &record.id).await.unwrap().unwrap();
    assert_eq!(now, UploadRecord { progress: progress(10), touched: later, ..record });
}

#[tokio::test]
async fn of_two_that_go_on_with_an_upload_one_is_stale() {
    let (_home, catalog, registry) = fresh().await;
    let record = upload("a", 0);
    catalog.create_upload(registry, &record).await.unwrap();
    let (ten, twenty) = (progress(10), progress(20));
    let (first, second) = tokio::join!(
        catalog.advance_upload(registry, &record.id, 0, &ten, NOW),
        catalog.advance_upload(registry, &record.id, 0, &twenty, NOW),
    );
    assert_eq!((first.unwrap(), second.unwrap()), (Advance::Done, Advance::Stale));
    assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap().unwrap().progress, ten);
}

#[tokio::test]
async fn an_upload_that_is_gone_is_stale_and_absent() {
    let (_home, catalog, registry) = fresh().await;
    let record = upload("a", 0);
    catalog.create_upload(registry, &record).await.unwrap();
    assert_eq!(catalog.remove_upload(registry, &record.id).await.unwrap(), Removal::Removed);
    assert_eq!(catalog.remove_upload(registry, &record.id).await.unwrap(), Removal::Absent);
    let advance = catalog.advance_upload(registry, &record.id, 0, &progress(10), NOW).await.unwrap();
    assert_eq!(advance, Advance::Stale);
    assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap(), None);
}

#[tokio::test]
async fn an_offset_that_no_row_can_hold_is_an_error() {
    let (_home, catalog, registry) = fresh().await;
    let record = upload("a", 0);
    catalog.create_upload(registry, &record).await.unwrap();
    assert!(catalog.advance_upload(registry, &record.id, 0, &progress(u64::MAX), NOW).await.is_err());
    assert!(catalog.advance_upload(registry, &record.id, u64::MAX, &progress(1), NOW).await.is_err());
    assert_eq!(catalog.upload(registry, &name("a"), &record.id).await.unwrap(), Some(record));
}

#[tokio::test]
async fn uploads_that_have_not_grown_come_oldest_first_and_no_others() {
    let (_home, catalog, registry) = fresh().await;
    let at = |milliseconds| UploadRecord { touched: Timestamp(NOW.0 + milliseconds), ..upload("a", milliseconds) };
    let (newest, oldest, middle, grown) = (at(30), at(10), at(20), at(5));
    for record in [&newest, &oldest, &middle, &grown] {
        catalog.create_upload(registry, record).await.unwrap();
    }
    catalog.advance_upload(registry, &grown.id, 5, &progress(9), Timestamp(NOW.0 + 40)).await.unwrap();
    let stale =
        async |milliseconds, limit| catalog.stale_uploads(registry, Timestamp(NOW.0 + milliseconds), limit).await.unwrap();
    assert_eq!(stale(30, 9).await, [oldest.clone(), middle.clone()]);
    assert_eq!(stale(31, 9).await, [oldest.clone(), middle.clone(), newest.clone()]);
    assert_eq!(stale(31, 2).await, [oldest.clone(), middle]);
    assert_eq!(stale(41, 9).await.last().unwrap().progress, progress(9));
    assert_eq!(stale(10, 9).await, []);
    catalog.remove_upload(registry, &oldest.id).await.unwrap();
    assert_eq!(stale(11, 9).await, []);
}

//! Storage drivers through the Wasm boundary, honest and hostile ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::driver::{ObjectKey, Progress, Receipt, Sink, Source, StorageDriver};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_oci::ByteRange;
use bulkhead_plugin::LoadError;
use serde_json::{Value, json};
use support::{blobs, spec, try_load};
use tempfile::TempDir;

async fn driver(name: &str, settings: Value) -> (TempDir, Arc<dyn StorageDriver>) {
    let home = tempfile::tempdir().unwrap();
    let mut spec = spec(name, settings);
    spec.grants = blobs(home.path());
    spec.limits.time = Some(Duration::from_secs(2));
    let plugin = try_load(spec).await.unwrap();
    let driver = plugin.storage(&"default".parse().unwrap(), Arc::default()).unwrap();
    (home, driver)
}

async fn hostile(behaviour: &str) -> (TempDir, Arc<dyn StorageDriver>) {
    driver("hostile-storage", json!({"behaviour": behaviour})).await
}

fn key(text: &str) -> ObjectKey {
    text.parse().unwrap()
}

async fn store(driver: &dyn StorageDriver, name: &ObjectKey, bytes: &[u8]) -> Result<(), PluginError> {
    let state = driver.begin(&UploadId::random()).await?;
    match driver.next(&state, 0, None).await? {
        Sink::File { mut file, offset: 0 } => file.write_all(bytes).unwrap(),
        other => panic!("{other:?}"),
    }
    let state = driver.written(&state, bytes.len() as u64, Receipt::None).await?;
    assert_eq!(driver.commit(&state, name).await?, Progress::Done);
    Ok(())
}

#[tokio::test]
async fn what_is_stored_is_found_read_listed_and_deleted() {
    let (_home, driver) = driver("storage-fs", json!({"root": "/blobs"})).await;
    let driver = &*driver;
    for name in ["a/b", "a-b", "a/c/d"] {
        store(driver, &key(name), name.as_bytes()).await.unwrap();
    }
    let range = Some(ByteRange { offset: 1, length: 2 });
    let Source::File { mut file, offset: 1, length: Some(2) } = driver.open(&key("a/b"), range).await.unwrap() else { panic!() };
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "a/b");
    assert_eq!(driver.stat(&key("a/b")).await.unwrap().unwrap().size, 3);
    let listed = driver.list("", None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|info| info.key.as_str()).collect::<Vec<_>>(), ["a-b", "a/b", "a/c/d"]);
    let listed = driver.list("a/", Some(&key("a/b")), 10).await.unwrap();
    assert_eq!(listed.iter().map(|info| info.key.as_str()).collect::<Vec<_>>(), ["a/c/d"]);
    driver.delete(&[key("a/b")]).await.unwrap();
    driver.delete(&[key("a/b")]).await.unwrap();
    assert_eq!(driver.stat(&key("a/b")).await.unwrap(), None);
    assert!(matches!(driver.open(&key("a/b"), None).await, Err(PluginError::NotFound)));
}

#[tokio::test]
async fn an_upload_goes_on_at_its_offset_and_a_second_commit_is_none() {
    let (_home, driver) = driver("storage-fs", json!({"root": "/blobs"})).await;
    let state = driver.begin(&UploadId::random()).await.unwrap();
    let Sink::File { mut file, .. } = driver.next(&state, 0, None).await.unwrap() else { panic!() };
    file.write_all(b"01234").unwrap();
    let state = driver.written(&state, 5, Receipt::None).await.unwrap();
    let Sink::File { file, offset: 5 } = driver.next(&state, 5, Some(5)).await.unwrap() else { panic!() };
    assert_eq!(file.metadata().unwrap().len(), 5, "what was written is there");
    driver.commit(&state, &key("k")).await.unwrap();
    driver.commit(&state, &key("k")).await.unwrap();
    store(&*driver, &key("k"), b"other").await.unwrap();
    driver.abort(&state).await.unwrap();
    let Source::File { mut file, .. } = driver.open(&key("k"), None).await.unwrap() else { panic!() };
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "01234");
}

#[tokio::test]
async fn a_path_or_a_link_out_of_the_directory_is_not_granted() {
    for behaviour in ["escape", "escape-link"] {
        let (home, driver) = hostile(behaviour).await;
        std::os::unix::fs::symlink("/etc", home.path().join("link")).unwrap();
        let answer = driver.open(&key("k"), None).await;
        assert!(matches!(answer, Err(PluginError::NotGranted(_))), "{behaviour}: {answer:?}");
    }
    let (_home, driver) = hostile("escape-sink").await;
    let answer = driver.next(&driver.begin(&UploadId::random()).await.unwrap(), 0, None).await;
    assert!(matches!(answer, Err(PluginError::NotGranted(_))), "{answer:?}");
}

#[tokio::test]
async fn a_guests_bytes_come_piece_by_piece_and_hold_no_instance() {
    let (_home, driver) = hostile("honest-pieces").await;
    store(&*driver, &key("k"), &vec![7; 100_000]).await.unwrap();
    let Source::Bytes(first) = driver.open(&key("k"), None).await.unwrap() else { panic!() };
    assert_eq!(first, vec![7; 64 * 1024]);
    let rest = ByteRange { offset: 64 * 1024, length: 100_000 - 64 * 1024 };
    let Source::Bytes(second) = driver.open(&key("k"), Some(rest)).await.unwrap() else { panic!() };
    assert_eq!(second, vec![7; 100_000 - 64 * 1024]);
}

#[tokio::test]
async fn a_layer_that_the_operator_did_not_name_is_out_of_reach() {
    let tier = || spec("storage-tier", json!({"small-bytes": 1024}));
    let refusal = try_load(tier()).await.err();
    assert!(matches!(&refusal, Some(LoadError::Settings(text)) if text.contains("`large`")), "{refusal:?}");
    let mut named = tier();
    named.grants.over = vec!["small".into(), "large".into()];
    // Named, and bound to nothing: as if a registry had none.
    let driver = try_load(named).await.unwrap().storage(&"default".parse().unwrap(), Arc::default()).unwrap();
    let answer = driver.open(&key("k"), None).await;
    assert!(matches!(answer, Err(PluginError::Unavailable { .. })), "{answer:?}");
}

#[tokio::test]
async fn too_much_state_is_nonsense() {
    let (_home, driver) = hostile("big-state").await;
    assert!(matches!(driver.begin(&UploadId::random()).await, Err(PluginError::Nonsense(_))));
}

#[tokio::test]
async fn a_loop_and_a_panic_keep_what_was_stored() {
    let (_home, driver) = hostile("panic-in-commit").await;
    assert!(matches!(store(&*driver, &key("k"), b"abc").await, Err(PluginError::Trapped(_))));
    assert_eq!(driver.stat(&key("k")).await.unwrap(), None);
    let (_home, driver) = hostile("loop-in-open").await;
    store(&*driver, &key("k"), b"abc").await.unwrap();
    assert!(matches!(driver.open(&key("k"), None).await, Err(PluginError::TimedOut(_))));
    assert_eq!(driver.stat(&key("k")).await.unwrap().unwrap().size, 3);
}

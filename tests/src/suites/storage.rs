//! What every storage plugin must do, a function per clause. The words are those of `plugin-sdk/wit/storage.wit`.
//!
//! A clause works through the guard and the data plane, as a registry does, so what it shows is what a registry gets. Each is given a
//! [`Subject`] with nothing in it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bulkhead_core::ports::driver::ObjectKey;
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::store::{BodyError, Incoming, ObjectBody, ObjectStore, StoreError, UploadProgress};
use bulkhead_oci::{Algorithm, ByteRange, Digest};
use bulkhead_storage::{GuardedDriver, Stack, Store};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

/// Loads the plugin over the same place once more, as another process would.
pub type Load = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Arc<Stack>>>>>;

/// A plugin under test, over a place of its own.
pub struct Subject {
    stack: Arc<Stack>,
    load: Load,
}

impl Subject {
    /// Loads it.
    pub async fn new(load: Load) -> Self {
        Self { stack: load().await, load }
    }

    fn guarded(&self) -> GuardedDriver {
        self.stack.driver().clone()
    }

    fn store(&self) -> Store {
        Store::new(Arc::clone(&self.stack))
    }

    /// The same place at another process.
    async fn elsewhere(&self) -> Self {
        Self { stack: (self.load)().await, load: Box::new(|| unreachable!("one process more is enough")) }
    }

    async fn put(&self, name: &str, bytes: &[u8]) -> Digest {
        let store = self.store();
        let progress = upload(&store, &[bytes]).await;
        store.commit(&progress, &key(name)).await.expect("a commit");
        store.digest(&progress).expect("a digest")
    }

    async fn read(&self, name: &str, digest: &Digest, size: usize, range: Option<ByteRange>) -> Result<Vec<u8>, StoreError> {
        let body = self.store().read(&key(name), digest, size as u64, range).await?;
        let mut all = Vec::new();
        match body {
            ObjectBody::Bytes(bytes) => all.extend_from_slice(&bytes),
            ObjectBody::Stream(mut pieces) => {
                while let Some(piece) = pieces.next().await {
                    all.extend_from_slice(&piece?);
                }
            }
        }
        Ok(all)
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
        let after = after.map(key);
        let list = self.guarded().list(prefix, after.as_ref(), limit).await.expect("a list");
        list.into_iter().map(|info| info.key.to_string()).collect()
    }
}

fn key(name: &str) -> ObjectKey {
    name.parse().expect("a key")
}

fn body(frames: &[&[u8]]) -> Incoming {
    let frames: Vec<Result<Bytes, BodyError>> = frames.iter().map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    Box::pin(stream::iter(frames))
}

async fn upload(store: &Store, frames: &[&[u8]]) -> UploadProgress {
    let begun = store.begin(&UploadId::random(), Algorithm::Sha256).await.expect("an upload begins");
    append(store, &begun, frames).await
}

async fn append(store: &Store, progress: &UploadProgress, frames: &[&[u8]]) -> UploadProgress {
    let length = frames.iter().map(|frame| frame.len() as u64).sum();
    store.append(progress, body(frames), Some(length), u64::MAX).await.expect("bytes are taken").progress
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| u8::try_from(index / 7 % 251).expect("below 256")).collect()
}

/// "Makes the whole upload visible under `key`, at once": before `commit` nothing is there, whatever was written.
pub async fn nothing_is_visible_before_its_commit(subject: Subject) {
    let store = subject.store();
    let progress = upload(&store, &[b"hello"]).await;
    assert_eq!(subject.guarded().stat(&key("r/a")).await, Ok(None));
    assert_eq!(subject.keys("", None, 10).await, Vec::<String>::new());
    store.commit(&progress, &key("r/a")).await.expect("a commit");
    assert_eq!(subject.keys("", None, 10).await, ["r/a"]);
}

/// "Sees an object as soon as its `commit` has returned", from every process.
pub async fn an_object_is_seen_everywhere_as_soon_as_it_is_committed(subject: Subject) {
    let elsewhere = subject.elsewhere().await;
    let digest = subject.put("r/a", b"hello").await;
    let info = elsewhere.guarded().stat(&key("r/a")).await.expect("an answer").expect("it is there");
    assert_eq!((info.size, info.modified.0 > 0), (5, true));
    assert_eq!(elsewhere.read("r/a", &digest, 5, None).await.expect("its bytes"), b"hello");
}

/// The bytes read are the bytes written, from nothing to more than any buffer holds.
pub async fn what_is_read_is_what_was_written(subject: Subject) {
    for (index, length) in [0, 1, 4096, 65_537, 1_048_576, 2_000_003].into_iter().enumerate() {
        let (name, bytes) = (format!("r/{index}"), pattern(length));
        let digest = subject.put(&name, &bytes).await;
        assert!(subject.read(&name, &digest, length, None).await.expect("its bytes") == bytes, "{length} bytes");
    }
}

/// "The object, or a range of it."
pub async fn a_range_is_exactly_the_bytes_asked_for(subject: Subject) {
    let bytes = pattern(700_000);
    let digest = subject.put("r/a", &bytes).await;
    for (offset, length) in [(0, 1), (699_999, 1), (1, 699_998), (65_535, 131_074), (0, 700_000)] {
        let range = Some(ByteRange { offset: offset as u64, length: length as u64 });
        let part = subject.read("r/a", &digest, bytes.len(), range).await.expect("its bytes");
        assert!(part == bytes[offset..offset + length], "{length} bytes from {offset} on");
    }
}

/// "`not-found` if it is not there", and "None if it is not there".
pub async fn what_is_not_there_is_not_found(subject: Subject) {
    let digest = subject.put("r/a/b", b"x").await;
    for absent in ["r/b", "r/a", "r/a/b/c", "q"] {
        assert_eq!(subject.read(absent, &digest, 1, None).await, Err(StoreError::NotFound), "{absent}");
        assert_eq!(subject.guarded().stat(&key(absent)).await, Ok(None), "{absent}");
    }
}

/// "If the key is there already, the upload is dropped and this succeeds."
pub async fn a_second_commit_of_the_same_key_succeeds_and_changes_nothing(subject: Subject) {
    let digest = subject.put("r/a", b"hello").await;
    subject.put("r/a", b"hello").await;
    assert_eq!(subject.read("r/a", &digest, 5, None).await.expect("its bytes"), b"hello");
    assert_eq!(subject.keys("", None, 10).await, ["r/a"]);
}

/// A host that was killed between a commit and its own note of it asks again.
pub async fn the_same_commit_once_more_succeeds(subject: Subject) {
    let store = subject.store();
    let progress = upload(&store, &[b"hello"]).await;
    store.commit(&progress, &key("r/a")).await.expect("a commit");
    subject.elsewhere().await.store().commit(&progress, &key("r/a")).await.expect("the same commit once more");
    let digest = store.digest(&progress).expect("a digest");
    assert_eq!(subject.read("r/a", &digest, 5, None).await.expect("its bytes"), b"hello");
}

/// "Any instance of the plugin, on any node, goes on from it."
pub async fn an_upload_goes_on_at_another_process(subject: Subject) {
    let first = upload(&subject.store(), &[b"hello"]).await;
    let elsewhere = subject.elsewhere().await;
    let whole = append(&elsewhere.store(), &first, &[b" ", b"world"]).await;
    elsewhere.store().commit(&whole, &key("r/a")).await.expect("a commit");
    let digest = subject.store().digest(&whole).expect("a digest");
    assert_eq!(subject.read("r/a", &digest, 11, None).await.expect("its bytes"), b"hello world");
}

/// Bytes that were written and never acknowledged are not part of the object.
pub async fn a_chunk_that_was_never_acknowledged_leaves_nothing_behind(subject: Subject) {
    let store = subject.store();
    let kept = upload(&store, &[b"hello"]).await;
    append(&store, &kept, &[b" and a long tail that is forgotten"]).await;
    let whole = append(&store, &kept, &[b"!"]).await;
    store.commit(&whole, &key("r/a")).await.expect("a commit");
    let digest = store.digest(&whole).expect("a digest");
    assert_eq!(subject.read("r/a", &digest, 6, None).await.expect("its bytes"), b"hello!");
}

/// However a client cuts its body, and wherever a service's parts begin.
pub async fn chunks_of_every_size_become_one_object(subject: Subject) {
    let store = subject.store();
    for (index, sizes) in CUTS.iter().enumerate() {
        let (name, total) = (format!("r/{index}"), sizes.iter().sum());
        let bytes = pattern(total);
        let mut progress = store.begin(&UploadId::random(), Algorithm::Sha256).await.expect("an upload begins");
        let mut rest = &bytes[..];
        for (number, size) in sizes.iter().enumerate() {
            let (chunk, after) = rest.split_at(*size);
            let frames: Vec<&[u8]> = chunk.chunks(100_000).collect();
            // Docker does not say how long a chunk is.
            let length = (number % 2 == 0).then_some(*size as u64);
            progress = store.append(&progress, body(&frames), length, u64::MAX).await.expect("bytes are taken").progress;
            rest = after;
        }
        store.commit(&progress, &key(&name)).await.expect("a commit");
        let digest = store.digest(&progress).expect("a digest");
        assert!(subject.read(&name, &digest, total, None).await.expect("its bytes") == bytes, "{sizes:?}");
        let range = ByteRange { offset: total as u64 / 3, length: total as u64 / 2 };
        let part = subject.read(&name, &digest, total, Some(range)).await.expect("its bytes");
        assert!(part == bytes[total / 3..total / 3 + total / 2], "a range of {sizes:?}");
    }
}

/// Around the 5 MiB that a part of S3 has at least, and around the pieces of the layers.
const CUTS: [&[usize]; 6] = [
    &[1, 1, 1, 30_000, 40_000, 65_536, 1],
    &[3 << 20, 3 << 20, 3 << 20, 100],
    &[5 << 20, 1],
    &[(5 << 20) + 1, 5 << 20, (5 << 20) - 1],
    &[12 << 20],
    &[0, 100_000, 0],
];

/// "Any instance of the plugin, on any node, goes on from it", in the midst of a large one.
pub async fn an_upload_of_several_parts_goes_on_at_another_process(subject: Subject) {
    let bytes = pattern(13 << 20);
    let (first, second) = bytes.split_at(7 << 20);
    let begun = upload(&subject.store(), &[first]).await;
    let elsewhere = subject.elsewhere().await;
    let whole = append(&elsewhere.store(), &begun, &[second]).await;
    elsewhere.store().commit(&whole, &key("r/a")).await.expect("a commit");
    let digest = subject.store().digest(&whole).expect("a digest");
    assert!(subject.read("r/a", &digest, bytes.len(), None).await.expect("its bytes") == bytes);
}

/// "Gone when it returns, all of 1 to 1,000."
pub async fn many_objects_are_deleted_at_once(subject: Subject) {
    let store = subject.store();
    let names: Vec<ObjectKey> = (0..60).map(|number| key(&format!("r/{number:02}"))).collect();
    for name in &names {
        let progress = upload(&store, &[b"x"]).await;
        store.commit(&progress, name).await.expect("a commit");
    }
    let mut going = names[..50].to_vec();
    going.push(key("r/never-there"));
    subject.guarded().delete(&going).await.expect("a delete");
    assert_eq!(subject.keys("r/", None, 1000).await.len(), 10);
    assert_eq!(subject.guarded().stat(&names[0]).await, Ok(None));
}

/// "An object that is there for the whole of a listing is in it once."
pub async fn a_list_has_each_object_once_while_others_come_and_go(subject: Subject) {
    let store = subject.store();
    for number in 0..40 {
        subject.put(&format!("r/{number:02}-stays"), b"x").await;
    }
    let change = async {
        for number in 0..40 {
            let name = key(&format!("r/{number:02}-comes"));
            let progress = upload(&store, &[b"y"]).await;
            store.commit(&progress, &name).await.expect("a commit");
            if number % 2 == 0 {
                subject.guarded().delete(&[name]).await.expect("a delete");
            }
        }
    };
    let read = async {
        let mut all: Vec<String> = Vec::new();
        loop {
            let page = subject.keys("r/", all.last().map(String::as_str), 7).await;
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    };
    let ((), all) = futures_util::join!(change, read);
    let staying: Vec<&String> = all.iter().filter(|name| name.ends_with("stays")).collect();
    let expected: Vec<String> = (0..40).map(|number| format!("r/{number:02}-stays")).collect();
    assert_eq!(staying, expected.iter().collect::<Vec<_>>());
}

/// "Drops it. No error if there is nothing left to drop."
pub async fn an_aborted_upload_is_gone_and_may_be_aborted_again(subject: Subject) {
    let store = subject.store();
    let progress = upload(&store, &[b"hello"]).await;
    store.abort(&progress).await.expect("an abort");
    store.abort(&progress).await.expect("another abort");
    assert_eq!(subject.guarded().stat(&key("r/a")).await, Ok(None));
}

/// Nobody asks for it, but a storage that notices gives no bytes for it.
pub async fn what_was_dropped_cannot_be_committed(subject: Subject) {
    let store = subject.store();
    let progress = upload(&store, &[b"hello"]).await;
    store.abort(&progress).await.expect("an abort");
    assert!(store.commit(&progress, &key("r/a")).await.is_err());
    assert_eq!(subject.guarded().stat(&key("r/a")).await, Ok(None));
}

/// Bytes past those that are acknowledged do not get into the object, whatever became of the request that brought them.
pub async fn a_commit_has_the_acknowledged_bytes_alone(subject: Subject) {
    let store = subject.store();
    let kept = upload(&store, &[b"hello"]).await;
    append(&store, &kept, &[b" and what was never acknowledged"]).await;
    store.commit(&kept, &key("r/a")).await.expect("a commit");
    let digest = store.digest(&kept).expect("a digest");
    assert_eq!(subject.read("r/a", &digest, 5, None).await.expect("its bytes"), b"hello");
}

/// Bytes past those that are acknowledged do not get into an object that is committed after a restart.
pub async fn a_commit_at_another_process_has_the_acknowledged_bytes_alone(subject: Subject) {
    let store = subject.store();
    let kept = upload(&store, &[b"hello"]).await;
    append(&store, &kept, &[b" and what was never acknowledged"]).await;
    let elsewhere = subject.elsewhere().await;
    elsewhere.store().commit(&kept, &key("r/a")).await.expect("a commit");
    let digest = store.digest(&kept).expect("a digest");
    assert_eq!(subject.read("r/a", &digest, 5, None).await.expect("its bytes"), b"hello");
}

/// "Gone when it returns; deleting what is not there is no error."
pub async fn a_deleted_object_is_gone_and_may_be_deleted_again(subject: Subject) {
    let guarded = subject.guarded();
    subject.put("r/a", b"hello").await;
    subject.put("r/b", b"hello").await;
    guarded.delete(&[key("r/a")]).await.expect("a delete");
    guarded.delete(&[key("r/a")]).await.expect("another delete");
    guarded.delete(&[key("never/there")]).await.expect("a delete of nothing");
    assert_eq!(guarded.stat(&key("r/a")).await, Ok(None));
    assert_eq!(subject.keys("", None, 10).await, ["r/b"]);
    let digest = subject.put("r/a", b"again").await;
    assert_eq!(subject.read("r/a", &digest, 5, None).await.expect("its bytes"), b"again");
}

/// "In byte order of the key, strictly after `after`, at most `limit`."
pub async fn a_list_goes_on_page_by_page_in_byte_order(subject: Subject) {
    let mut names = vec!["a/b", "a-b", "a/b-c", "a.b", "a/c/d", "a0", "a_", "b", "a/c-d", "a/c0", "aa/b"];
    for name in &names {
        subject.put(name, name.as_bytes()).await;
    }
    names.sort_unstable();
    for limit in [1, 2, 3, 100] {
        let mut all: Vec<String> = Vec::new();
        loop {
            let page = subject.keys("", all.last().map(String::as_str), limit).await;
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        assert_eq!(all, names, "pages of {limit}");
    }
    assert_eq!(subject.keys("", Some("a/b0"), 2).await, ["a/c-d", "a/c/d"]);
}

/// A prefix is of the key's text, not of its levels.
pub async fn a_list_is_bound_to_its_prefix(subject: Subject) {
    for name in ["a/b-d", "a/bc", "a/b/c", "a/c", "b"] {
        subject.put(name, b"x").await;
    }
    assert_eq!(subject.keys("a/b", None, 10).await, ["a/b-d", "a/b/c", "a/bc"]);
    assert_eq!(subject.keys("a/", None, 10).await.len(), 4);
    assert_eq!(subject.keys("c", None, 10).await, Vec::<String>::new());
}

/// "A key is 1 to 512 ... in segments of at most 255".
pub async fn keys_at_the_edge_of_the_grammar_are_kept(subject: Subject) {
    let longest = format!("{}/{}/k", "k".repeat(255), "l".repeat(254));
    for name in ["0", "a.b_c-d", "...", "-", "_", ".a", "a..b", &longest] {
        let digest = subject.put(name, name.as_bytes()).await;
        let read = subject.read(name, &digest, name.len(), None).await;
        assert_eq!(read.expect("its bytes"), name.as_bytes(), "{name}");
    }
    assert_eq!(subject.keys("", None, 100).await.len(), 8);
}

/// Uploads side by side do not meet.
pub async fn a_thousand_small_objects_at_once_are_all_kept(subject: Subject) {
    let store = subject.store();
    let put = |number: usize| {
        let store = &store;
        async move {
            let bytes = number.to_string();
            let progress = upload(store, &[bytes.as_bytes()]).await;
            store.commit(&progress, &key(&format!("r/{number:04}"))).await.expect("a commit");
        }
    };
    stream::iter(0..1000).for_each_concurrent(32, put).await;
    let names: Vec<String> = (0..1000).map(|number| format!("r/{number:04}")).collect();
    assert_eq!(subject.keys("r/", None, 1000).await, names);
    for number in [0, 499, 999] {
        let size = number.to_string().len() as u64;
        let info = subject.guarded().stat(&key(&format!("r/{number:04}"))).await.expect("an answer").expect("it is there");
        assert_eq!(info.size, size);
    }
}

/// An upload's state is small, and so the catalog's row.
pub async fn the_state_of_an_upload_stays_within_its_bound(subject: Subject) {
    let store = subject.store();
    let mut progress = store.begin(&UploadId::random(), Algorithm::Sha256).await.expect("an upload begins");
    for _ in 0..50 {
        progress = append(&store, &progress, &[b"0123456789"]).await;
        assert!(progress.driver.len() <= 64 * 1024);
    }
    store.commit(&progress, &key("r/a")).await.expect("a commit");
    let digest = store.digest(&progress).expect("a digest");
    assert_eq!(subject.read("r/a", &digest, 500, None).await.expect("its bytes"), b"0123456789".repeat(50));
}

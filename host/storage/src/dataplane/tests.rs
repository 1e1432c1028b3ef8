//! The data plane and the guard over a driver that keeps files, and over ones that lie.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::driver::{
    ByteSource, HttpAnswer, ObjectInfo, ObjectKey, PartSink, Progress, Receipt, Sink, Source, StorageDriver,
};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_core::ports::store::{BodyError, Ended, Incoming, ObjectBody, ObjectStore, StoreError, UploadProgress};
use bulkhead_oci::{Algorithm, ByteRange, Digest};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::PIECE;
use super::write::{Intake, Taken};
use crate::hash::Hasher;
use crate::{GuardedDriver, Stack, Store};

/// What the driver makes of its files.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Files,
    Bytes,
    OtherBytes,
    NoBytes,
    TooManyBytes,
    Http,
    BrokenHttp,
    LongHttp,
    CommitsNothing,
    CommitsOther,
    StatLies,
    DisorderedList,
    HugeState,
    SinkOf(u64),
}

struct Driver {
    label: PluginLabel,
    folder: PathBuf,
    manner: Manner,
}

impl Driver {
    fn object(&self, key: &ObjectKey) -> PathBuf {
        self.folder.join(key.as_str().replace('/', "+"))
    }
    fn staged(&self) -> PathBuf {
        self.folder.join("STAGED")
    }
}

/// An HTTP answer: whole, or broken off.
struct Answer(Vec<Bytes>);

#[async_trait]
impl ByteSource for Answer {
    async fn read(&mut self, _: u32) -> Result<Bytes, PluginError> {
        Ok(if self.0.is_empty() { Bytes::new() } else { self.0.remove(0) })
    }
}

struct Append(File, u64);

#[async_trait]
impl PartSink for Append {
    fn room(&self) -> u64 {
        self.1
    }
    async fn send(&self, pieces: Vec<Bytes>) -> Result<HttpAnswer, PluginError> {
        use std::io::Write;
        let write = |piece: &Bytes| (&self.0).write_all(piece).map_err(|error| PluginError::Internal(error.to_string()));
        pieces.iter().try_for_each(write)?;
        // The next part is gathered meanwhile.
        tokio::task::yield_now().await;
        Ok(HttpAnswer { status: 200, headers: Vec::new() })
    }
}

#[async_trait]
impl StorageDriver for Driver {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Source, PluginError> {
        let Ok(file) = File::open(self.object(key)) else { return Err(PluginError::NotFound) };
        let whole = std::fs::read(self.object(key)).unwrap();
        let (offset, length) = range.map_or((0, whole.len() as u64), |range| (range.offset, range.length));
        let slice = Bytes::from(whole).slice(offset as usize..(offset + length) as usize);
        let wrong = Bytes::from(vec![b'!'; slice.len()]);
        let half = |all: &Bytes| all.slice(..all.len().div_ceil(2).min(1 << 20));
        Ok(match self.manner {
            Manner::Bytes => Source::Bytes(half(&slice)),
            Manner::OtherBytes => Source::Bytes(half(&wrong)),
            Manner::NoBytes => Source::Bytes(Bytes::new()),
            Manner::TooManyBytes => Source::Bytes([&slice[..], b"!"].concat().into()),
            Manner::Http => Source::Http(Box::new(Answer(vec![slice]))),
            Manner::BrokenHttp => Source::Http(Box::new(Answer(vec![half(&slice)]))),
            Manner::LongHttp => Source::Http(Box::new(Answer(vec![slice, Bytes::from_static(b"!")]))),
            _ => Source::File { file, offset, length: range.map(|range| range.length) },
        })
    }
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError> {
        let Ok(metadata) = std::fs::metadata(self.object(key)) else { return Ok(None) };
        let size = metadata.len() + u64::from(self.manner == Manner::StatLies);
        Ok(Some(ObjectInfo { key: key.clone(), size, modified: Timestamp(0) }))
    }
    async fn delete(&self, _: &[ObjectKey]) -> Result<(), PluginError> {
        Ok(())
    }
    async fn list(&self, _: &str, _: Option<&ObjectKey>, _: u32) -> Result<Vec<ObjectInfo>, PluginError> {
        let info = |key: &str| ObjectInfo { key: key.parse().unwrap(), size: 0, modified: Timestamp(0) };
        Ok(match self.manner {
            Manner::DisorderedList => vec![info("b"), info("a")],
            _ => vec![info("a"), info("b")],
        })
    }
    async fn link(&self, _: &ObjectKey, _: u32) -> Result<Option<String>, PluginError> {
        Ok(None)
    }
    async fn begin(&self, _: &UploadId) -> Result<Vec<u8>, PluginError> {
        Ok(vec![0; if self.manner == Manner::HugeState { 64 * 1024 + 1 } else { 1 }])
    }
    async fn next(&self, _: &[u8], offset: u64, _: Option<u64>) -> Result<Sink, PluginError> {
        let open = |append| OpenOptions::new().create(true).append(append).write(true).open(self.staged()).unwrap();
        Ok(match self.manner {
            Manner::SinkOf(most) => Sink::Part(Box::new(Append(open(true), most))),
            _ => Sink::File { file: open(false), offset },
        })
    }
    async fn written(&self, state: &[u8], _: u64, _: Receipt) -> Result<Vec<u8>, PluginError> {
        Ok(state.to_vec())
    }
    async fn commit(&self, _: &[u8], key: &ObjectKey) -> Result<Progress, PluginError> {
        if self.manner == Manner::CommitsOther {
            let length = std::fs::metadata(self.staged()).unwrap().len();
            std::fs::write(self.object(key), vec![b'!'; length as usize]).unwrap();
        } else if self.object(key).exists() {
            std::fs::remove_file(self.staged()).unwrap();
        } else if self.manner != Manner::CommitsNothing {
            std::fs::rename(self.staged(), self.object(key)).map_err(|_| PluginError::NotFound)?;
        }
        Ok(Progress::Done)
    }
    async fn abort(&self, _: &[u8]) -> Result<(), PluginError> {
        Ok(())
    }
}

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }
    fn stack(&self, manner: Manner) -> Arc<Stack> {
        let label = PluginLabel { name: "disk".into(), digest: "sha256:0".into() };
        Stack::new(Arc::new(Driver { label, folder: self.folder.path().to_owned(), manner }), BTreeMap::new())
    }
    fn guarded(&self, manner: Manner) -> GuardedDriver {
        self.stack(manner).driver().clone()
    }
    fn store(&self, manner: Manner) -> Store {
        Store::new(self.stack(manner))
    }
    /// Puts an object there by the honest way.
    async fn put(&self, bytes: &[u8]) -> Digest {
        let store = self.store(Manner::Files);
        let progress = upload(&store, body(&[bytes])).await;
        store.commit(&progress, &key()).await.unwrap();
        store.digest(&progress).unwrap()
    }
}

fn key() -> ObjectKey {
    "r/blobs/x".parse().unwrap()
}

fn body(frames: &[&[u8]]) -> Incoming {
    let frames: Vec<_> = frames.iter().map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    Box::pin(stream::iter(frames))
}

fn broken(frames: &[&[u8]]) -> Incoming {
    let broken = stream::iter([Err(BodyError::Broken("reset".to_owned()))]);
    Box::pin(body(frames).chain(broken))
}

async fn upload(store: &Store, body: Incoming) -> UploadProgress {
    let begun = store.begin(&UploadId::random(), Algorithm::Sha256).await.unwrap();
    store.append(&begun, body, None, u64::MAX).await.unwrap().progress
}

fn digest(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    hasher.digest()
}

async fn collect(body: ObjectBody) -> Result<Vec<u8>, (Vec<u8>, StoreError)> {
    let mut all = Vec::new();
    match body {
        ObjectBody::Bytes(bytes) => all.extend_from_slice(&bytes),
        ObjectBody::Stream(mut stream) => {
            while let Some(piece) = stream.next().await {
                match piece {
                    Ok(piece) => all.extend_from_slice(&piece),
                    Err(error) => return Err((all, error)),
                }
            }
        }
    }
    Ok(all)
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index / 7 % 251) as u8).collect()
}

#[tokio::test]
async fn what_was_uploaded_is_read_back_whole_and_in_ranges_whatever_its_size_and_way() {
    for length in [0, 1, 70_000, PIECE, PIECE + 1, 3 * PIECE + 17] {
        let bytes = pattern(length);
        for manner in [Manner::Files, Manner::Bytes, Manner::Http] {
            let world = World::new();
            let found = world.put(&bytes).await;
            assert_eq!(found, digest(&bytes));
            let store = world.store(manner);
            let whole = store.read(&key(), &found, length as u64, None).await.unwrap();
            assert!(collect(whole).await.unwrap() == bytes, "{length}");
            if length > 2 {
                let range = ByteRange { offset: 1, length: length as u64 - 2 };
                let part = store.read(&key(), &found, length as u64, Some(range)).await.unwrap();
                assert!(collect(part).await.unwrap() == bytes[1..length - 1], "{length}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_taken_ahead_is_neither_lost_nor_given_twice_when_its_taker_gives_up() {
    let bytes = pattern(300_000);
    let (frames, incoming) = tokio::sync::mpsc::channel(1);
    let body = stream::unfold(incoming, |mut incoming| async { incoming.recv().await.map(|frame| (Ok(frame), incoming)) });
    let mut intake = Intake::new(&Arc::default(), Box::pin(body), u64::MAX);
    let feed = async {
        for frame in bytes.chunks(7_000) {
            frames.send(Bytes::copy_from_slice(frame)).await.unwrap();
        }
        drop(frames);
    };
    let take = async {
        let mut all = Vec::new();
        for round in 0_u64.. {
            // Given up at its first wait, each time with another wish: a large one may leave more behind than a small one wants.
            let wish = if round % 2 == 0 { 100_000 } else { 10 };
            tokio::select! {
                biased;
                () = intake.prefetch(wish) => {}
                () = tokio::task::yield_now() => {}
            }
            match intake.next(wish).await {
                Taken::Piece(piece) => {
                    assert!(piece.len() as u64 <= wish);
                    all.extend_from_slice(&piece);
                }
                Taken::Last(piece, ended) => {
                    assert_eq!(ended, Ended::Complete);
                    all.extend_from_slice(&piece);
                    break;
                }
            }
        }
        all
    };
    let ((), all) = tokio::join!(feed, take);
    assert!(all == bytes, "{} of {} bytes", all.len(), bytes.len());
}

#[tokio::test]
async fn frames_of_every_size_end_up_in_order() {
    let bytes = pattern(2 * PIECE + 5_000);
    for frame in [1_000, 16 * 1024, 100_000, PIECE + 3] {
        let world = World::new();
        let store = world.store(Manner::Files);
        let frames: Vec<&[u8]> = bytes.chunks(frame).collect();
        let progress = upload(&store, body(&frames)).await;
        assert_eq!((progress.offset, store.digest(&progress).unwrap()), (bytes.len() as u64, digest(&bytes)));
        assert!(std::fs::read(world.folder.path().join("STAGED")).unwrap() == bytes);
    }
}

#[tokio::test]
async fn a_sink_that_takes_little_is_asked_again_and_again() {
    let world = World::new();
    let store = world.store(Manner::SinkOf(10));
    let progress = upload(&store, body(&[b"0123456789abc", b"defghij", b"k"])).await;
    store.commit(&progress, &key()).await.unwrap();
    assert_eq!(std::fs::read(world.folder.path().join("r+blobs+x")).unwrap(), b"0123456789abcdefghijk");
    assert_eq!(store.digest(&progress).unwrap(), digest(b"0123456789abcdefghijk"));
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_what_arrived_and_the_upload_goes_on_from_there() {
    let world = World::new();
    let store = world.store(Manner::Files);
    let begun = store.begin(&UploadId::random(), Algorithm::Sha256).await.unwrap();
    let first = store.append(&begun, broken(&[b"hello"]), None, u64::MAX).await.unwrap();
    assert_eq!((first.progress.offset, first.ended), (5, Ended::Broken(BodyError::Broken("reset".to_owned()))));
    let second = store.append(&first.progress, body(&[b" world"]), None, u64::MAX).await.unwrap();
    assert_eq!(store.digest(&second.progress).unwrap(), digest(b"hello world"));
}

#[tokio::test]
async fn bytes_of_a_chunk_that_was_never_acknowledged_are_cut_away() {
    let world = World::new();
    let store = world.store(Manner::Files);
    let begun = store.begin(&UploadId::random(), Algorithm::Sha256).await.unwrap();
    let kept = store.append(&begun, body(&[b"hello"]), None, u64::MAX).await.unwrap().progress;
    store.append(&kept, body(&[b" a long one that is forgotten"]), None, u64::MAX).await.unwrap();
    let progress = store.append(&kept, body(&[b"!"]), None, u64::MAX).await.unwrap().progress;
    store.commit(&progress, &key()).await.unwrap();
    assert_eq!(std::fs::read(world.folder.path().join("r+blobs+x")).unwrap(), b"hello!");
}

#[tokio::test]
async fn acknowledged_bytes_that_are_gone_are_an_error_and_nothing_is_written() {
    let world = World::new();
    let store = world.store(Manner::Files);
    let progress = upload(&store, body(&[b"hello"])).await;
    std::fs::write(world.folder.path().join("STAGED"), b"he").unwrap();
    let appended = store.append(&progress, body(&[b" world"]), None, u64::MAX).await;
    assert!(matches!(appended, Err(StoreError::Io { .. })));
    assert_eq!(std::fs::read(world.folder.path().join("STAGED")).unwrap(), b"he");
}

#[tokio::test]
async fn more_than_the_limit_is_not_taken() {
    let world = World::new();
    let store = world.store(Manner::Files);
    let begun = store.begin(&UploadId::random(), Algorithm::Sha256).await.unwrap();
    let appended = store.append(&begun, body(&[b"12345", b"67890"]), None, 9).await.unwrap();
    assert_eq!((appended.progress.offset, appended.ended), (5, Ended::TooLong));
}

#[tokio::test]
async fn a_guest_that_lies_about_bytes_is_caught_before_the_last_of_them_is_out() {
    for length in [100, 3 * PIECE] {
        let bytes = pattern(length);
        for manner in [Manner::OtherBytes, Manner::NoBytes, Manner::TooManyBytes, Manner::LongHttp] {
            for range in [None, Some(ByteRange { offset: 0, length: length as u64 })] {
                let world = World::new();
                let found = world.put(&bytes).await;
                let read = world.store(manner).read(&key(), &found, length as u64, range).await;
                let Ok(body) = read else { continue };
                let (out, _) = collect(body).await.expect_err("a lie must not end well");
                assert!(out.len() < length);
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_goes_on_where_it_ended_and_not_for_ever() {
    let bytes = pattern(40_000);
    let world = World::new();
    let found = world.put(&bytes).await;
    let store = world.store(Manner::BrokenHttp);
    // Half, a quarter, an eighth and a sixteenth: all of eight bytes, not all of the others.
    for (length, whole) in [(8, true), (40_000, false)] {
        let range = Some(ByteRange { offset: 0, length });
        let read = match store.read(&key(), &found, 40_000, range).await {
            Ok(body) => collect(body).await.map_err(|(_, error)| error),
            Err(error) => Err(error),
        };
        match read {
            Ok(part) => assert!(whole && part == bytes[..length as usize], "{length}"),
            Err(error) => assert!(!whole && matches!(error, StoreError::Unavailable { .. }), "{length}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_file_of_another_size_than_the_catalog_has_is_not_served() {
    let world = World::new();
    let found = world.put(b"hello").await;
    for size in [4, 6] {
        let read = world.store(Manner::Files).read(&key(), &found, size, None).await;
        assert!(matches!(read, Err(StoreError::Driver { error: PluginError::Nonsense(_), .. })));
    }
}

#[tokio::test]
async fn a_commit_that_did_not_happen_is_not_believed() {
    for manner in [Manner::CommitsNothing, Manner::StatLies] {
        let world = World::new();
        let store = world.store(manner);
        let progress = upload(&store, body(&[b"hello"])).await;
        assert!(matches!(store.commit(&progress, &key()).await, Err(StoreError::Driver { doing: "commit", .. })));
    }
}

#[tokio::test]
async fn another_file_of_the_same_size_is_not_taken_for_what_was_uploaded() {
    let world = World::new();
    let store = world.store(Manner::CommitsOther);
    let progress = upload(&store, body(&[b"hello"])).await;
    assert!(matches!(store.commit(&progress, &key()).await, Err(StoreError::DigestMismatch { .. })));
}

#[tokio::test]
async fn one_file_for_two_uploads_does_not_have_one_stand_for_the_other() {
    let world = World::new();
    let store = world.store(Manner::Files);
    let first = upload(&store, body(&[b"hello"])).await;
    upload(&store, body(&[b"HELLO"])).await;
    assert!(matches!(store.commit(&first, &key()).await, Err(StoreError::DigestMismatch { .. })));
}

#[tokio::test]
async fn an_object_that_was_there_before_counts_only_if_its_bytes_are_right() {
    let world = World::new();
    world.put(b"hello").await;
    world.put(b"hello").await;
    std::fs::write(world.folder.path().join("r+blobs+x"), b"HELLO").unwrap();
    let store = world.store(Manner::Files);
    let progress = upload(&store, body(&[b"hello"])).await;
    assert!(matches!(store.commit(&progress, &key()).await, Err(StoreError::DigestMismatch { .. })));
}

#[tokio::test]
async fn an_upload_that_another_process_began_is_hashed_again_at_its_commit() {
    let world = World::new();
    let first = upload(&world.store(Manner::Files), body(&[b"hello"])).await;
    let store = world.store(Manner::Files);
    let whole = store.append(&first, body(&[b"!"]), None, u64::MAX).await.unwrap().progress;
    store.commit(&whole, &key()).await.unwrap();
    let again = world.store(Manner::Files);
    assert_eq!(again.digest(&whole).unwrap(), digest(b"hello!"));
}

#[tokio::test]
async fn an_upload_without_bytes_becomes_an_empty_object() {
    let world = World::new();
    let store = world.store(Manner::Files);
    let begun = store.begin(&UploadId::random(), Algorithm::Sha256).await.unwrap();
    store.commit(&begun, &key()).await.unwrap();
    assert_eq!(world.guarded(Manner::Files).stat(&key()).await.unwrap().unwrap().size, 0);
}

#[tokio::test]
async fn a_list_out_of_order_or_too_long_and_a_state_over_its_bound_are_refused() {
    let world = World::new();
    assert!(world.guarded(Manner::DisorderedList).list("", None, 10).await.is_err());
    assert!(world.guarded(Manner::Files).list("", None, 1).await.is_err());
    assert!(world.guarded(Manner::Files).list("b", None, 10).await.is_err());
    assert_eq!(world.guarded(Manner::Files).list("", None, 10).await.unwrap().len(), 2);
    let begun = world.store(Manner::HugeState).begin(&UploadId::random(), Algorithm::Sha256).await;
    assert!(matches!(begun, Err(StoreError::Driver { doing: "begin", .. })));
}

#[tokio::test]
async fn an_object_is_hashed_again_by_another_algorithm() {
    let world = World::new();
    world.put(b"hello").await;
    let mut hasher = Hasher::new(Algorithm::Sha512);
    hasher.update(b"hello");
    let again = world.store(Manner::Files).rehash(&key(), 5, Algorithm::Sha512).await.unwrap();
    assert_eq!(again, hasher.digest());
}

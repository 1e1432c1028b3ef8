//! Layers over a storage that keeps its objects itself: bytes that go below unchanged, behind others, encoded, and into two places.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::driver::{
    BelowSlice, BelowUpload, Decoded, Encoded, Encoding, Layer, LayerName, ObjectInfo, ObjectKey, Progress, Receipt, Sink,
    Source, StorageDriver,
};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_core::ports::store::{Incoming, ObjectBody, ObjectStore, StoreError, UploadProgress};
use bulkhead_oci::{Algorithm, ByteRange, Digest};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::{Below, Stack, Store};

fn label(name: &str) -> PluginLabel {
    PluginLabel { name: name.into(), digest: "sha256:0".into() }
}

/// Keeps everything itself. A piece of it is at most so many bytes.
struct Shelf {
    label: PluginLabel,
    piece: u32,
    objects: Mutex<BTreeMap<ObjectKey, Bytes>>,
    uploads: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

impl Shelf {
    fn new(piece: u32) -> Arc<Self> {
        Arc::new(Self { label: label("shelf"), piece, objects: Mutex::default(), uploads: Mutex::default() })
    }
    fn get(&self, name: &str) -> Option<Bytes> {
        self.objects.lock().unwrap().get(&key(name)).cloned()
    }
    fn stack(self: &Arc<Self>) -> Arc<Stack> {
        Stack::new(Arc::clone(self) as Arc<dyn StorageDriver>, BTreeMap::new())
    }
}

#[async_trait]
impl StorageDriver for Shelf {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Source, PluginError> {
        let object = self.objects.lock().unwrap().get(key).cloned().ok_or(PluginError::NotFound)?;
        let range = range.unwrap_or(ByteRange { offset: 0, length: object.len() as u64 });
        let length = range.length.min(u64::from(self.piece));
        Ok(Source::Bytes(object.slice(range.offset as usize..(range.offset + length) as usize)))
    }
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError> {
        let size = self.objects.lock().unwrap().get(key).map(|object| object.len() as u64);
        Ok(size.map(|size| ObjectInfo { key: key.clone(), size, modified: Timestamp(0) }))
    }
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), PluginError> {
        keys.iter().for_each(|key| drop(self.objects.lock().unwrap().remove(key)));
        Ok(())
    }
    async fn list(&self, _: &str, _: Option<&ObjectKey>, _: u32) -> Result<Vec<ObjectInfo>, PluginError> {
        Ok(Vec::new())
    }
    async fn link(&self, _: &ObjectKey, _: u32) -> Result<Option<String>, PluginError> {
        Ok(None)
    }
    async fn begin(&self, upload: &UploadId) -> Result<Vec<u8>, PluginError> {
        self.uploads.lock().unwrap().insert(upload.as_str().into(), Vec::new());
        Ok(upload.as_str().into())
    }
    async fn next(&self, _: &[u8], _: u64, _: Option<u64>) -> Result<Sink, PluginError> {
        Ok(Sink::Bytes(self.piece))
    }
    async fn write(&self, state: &[u8], offset: u64, bytes: &[u8]) -> Result<Vec<u8>, PluginError> {
        assert!(bytes.len() <= self.piece as usize, "a piece is larger than was asked for");
        let mut uploads = self.uploads.lock().unwrap();
        let upload = uploads.get_mut(state).ok_or(PluginError::NotFound)?;
        upload.truncate(offset as usize);
        upload.extend_from_slice(bytes);
        Ok(state.to_vec())
    }
    async fn written(&self, state: &[u8], _: u64, _: Receipt) -> Result<Vec<u8>, PluginError> {
        Ok(state.to_vec())
    }
    async fn commit(&self, state: &[u8], key: &ObjectKey) -> Result<Progress, PluginError> {
        // In two calls, as one that copies a large object has it.
        if let Some(begun) = state.strip_prefix(b"more ") {
            let upload = self.uploads.lock().unwrap().remove(begun).ok_or(PluginError::NotFound)?;
            self.objects.lock().unwrap().insert(key.clone(), upload.into());
            return Ok(Progress::Done);
        }
        Ok(Progress::More([b"more ", state].concat()))
    }
    async fn abort(&self, state: &[u8]) -> Result<(), PluginError> {
        self.uploads.lock().unwrap().remove(state);
        Ok(())
    }
}

/// What a layer makes of what lies below it.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Hands it through, at most so many bytes at once.
    Through(Option<u64>),
    /// Puts the object `ahead` before the first bytes.
    Behind,
    /// Writes a bar behind each four bytes.
    Barred,
    /// Has the other layer keep a copy.
    Copying,
}

struct Over {
    label: PluginLabel,
    manner: Manner,
    below: Arc<Stack>,
    copied: tokio::sync::Notify,
}

/// The bytes of a chunk, and with its bar.
const CHUNK: u64 = 4;
const BARRED: u64 = CHUNK + 1;

impl Over {
    fn upload(&self, state: &[u8]) -> BelowUpload {
        let (offset, below) = state.split_at(8);
        let offset = u64::from_le_bytes(offset.try_into().unwrap());
        BelowUpload { layer: "below".into(), state: below.to_vec(), offset, most: None, head: None }
    }
    fn slice(key: &ObjectKey, range: Option<ByteRange>) -> BelowSlice {
        BelowSlice { layer: "below".into(), key: key.clone(), range }
    }
}

#[async_trait]
impl StorageDriver for Over {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Source, PluginError> {
        Ok(match (self.manner, range) {
            (Manner::Barred, range) => {
                let first = range.map_or(0, |range| range.offset / CHUNK);
                let last = range.map(|range| (range.offset + range.length).div_ceil(CHUNK));
                let size = self.below.driver().stat(key).await.ok().flatten().ok_or(PluginError::NotFound)?.size;
                let end = last.map_or(size, |last| (last * BARRED).min(size));
                let stored = ByteRange { offset: first * BARRED, length: end - first * BARRED };
                let skip = range.map_or(0, |range| range.offset % CHUNK);
                let piece = 3 * BARRED as u32;
                Source::Decoded(Decoded { from: Self::slice(key, Some(stored)), piece, skip, context: b"c".to_vec() })
            }
            (Manner::Copying, None) => Source::Copied { from: Self::slice(key, None), to: "cache".into() },
            (_, range) => Source::Below(Self::slice(key, range)),
        })
    }
    async fn decode(&self, context: &[u8], offset: u64, bytes: &[u8]) -> Result<Bytes, PluginError> {
        assert!(context == b"c" && offset.is_multiple_of(BARRED) && bytes.len() <= 3 * BARRED as usize);
        Ok(bytes.chunks(BARRED as usize).flat_map(|chunk| &chunk[..chunk.len() - 1]).copied().collect::<Vec<u8>>().into())
    }
    async fn copied(&self, _: &ObjectKey, layer: &str, _: u64) -> Result<(), PluginError> {
        assert_eq!(layer, "cache");
        self.copied.notify_one();
        Ok(())
    }
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError> {
        let info = Below(Arc::clone(&self.below)).stat(key).await?;
        let plain = |size: u64| size / BARRED * CHUNK + (size % BARRED).saturating_sub(1);
        Ok(info.map(|info| ObjectInfo { size: if self.manner == Manner::Barred { plain(info.size) } else { info.size }, ..info }))
    }
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), PluginError> {
        Below(Arc::clone(&self.below)).delete(keys).await
    }
    async fn list(&self, _: &str, _: Option<&ObjectKey>, _: u32) -> Result<Vec<ObjectInfo>, PluginError> {
        Ok(Vec::new())
    }
    async fn link(&self, _: &ObjectKey, _: u32) -> Result<Option<String>, PluginError> {
        Ok(None)
    }
    async fn begin(&self, upload: &UploadId) -> Result<Vec<u8>, PluginError> {
        let state = Below(Arc::clone(&self.below)).begin(upload).await?;
        Ok([&0_u64.to_le_bytes()[..], &state].concat())
    }
    async fn next(&self, state: &[u8], offset: u64, _: Option<u64>) -> Result<Sink, PluginError> {
        let upload = self.upload(state);
        Ok(match self.manner {
            Manner::Through(most) => Sink::Below(BelowUpload { most, ..upload }),
            Manner::Behind if offset == 0 => Sink::Below(BelowUpload { head: Some(Self::slice(&key("ahead"), None)), ..upload }),
            Manner::Barred => Sink::Encoded(Encoded { into: upload, piece: 10, context: b"c".to_vec(), carry: Vec::new() }),
            Manner::Behind | Manner::Copying => Sink::Below(upload),
        })
    }
    async fn encode(&self, context: &[u8], offset: u64, carry: &[u8], bytes: &[u8]) -> Result<Encoding, PluginError> {
        assert!(context == b"c" && offset.is_multiple_of(10) && bytes.len() <= 10);
        let all = [carry, bytes].concat();
        let (whole, rest) = all.split_at(all.len() - all.len() % CHUNK as usize);
        let barred: Vec<u8> = whole.chunks(CHUNK as usize).flat_map(|chunk| [chunk, b"|"].concat()).collect();
        Ok(Encoding { bytes: barred.into(), carry: rest.to_vec() })
    }
    async fn written(&self, _: &[u8], _: u64, receipt: Receipt) -> Result<Vec<u8>, PluginError> {
        let Receipt::Below { mut state, mut offset, carry } = receipt else { return Err(PluginError::Nonsense("none".into())) };
        if !carry.is_empty() {
            // The last chunk of the body, which is the upload's last one in these tests.
            let last = Bytes::from([&carry[..], b"|"].concat());
            offset += last.len() as u64;
            state = Below(Arc::clone(&self.below)).append(&state, offset - last.len() as u64, last).await?;
        }
        Ok([&offset.to_le_bytes()[..], &state].concat())
    }
    async fn commit(&self, state: &[u8], key: &ObjectKey) -> Result<Progress, PluginError> {
        Below(Arc::clone(&self.below)).commit(&state[8..], key).await?;
        Ok(Progress::Done)
    }
    async fn abort(&self, state: &[u8]) -> Result<(), PluginError> {
        Below(Arc::clone(&self.below)).abort(&state[8..]).await
    }
}

fn layered(manner: Manner, below: &Arc<Shelf>, cache: &Arc<Shelf>) -> (Arc<Over>, Store) {
    let below = below.stack();
    let over = Arc::new(Over { label: label("over"), manner, below: Arc::clone(&below), copied: tokio::sync::Notify::new() });
    let layers: BTreeMap<LayerName, Arc<Stack>> = [("below".into(), below), ("cache".into(), cache.stack())].into();
    (Arc::clone(&over), Store::new(Stack::new(over, layers)))
}

fn key(name: &str) -> ObjectKey {
    name.parse().unwrap()
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index / 7 % 251) as u8).collect()
}

fn body(bytes: &[u8], frame: usize) -> Incoming {
    let frames: Vec<_> = bytes.chunks(frame).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    Box::pin(stream::iter(frames))
}

async fn put(store: &Store, name: &str, bytes: &[u8]) -> (UploadProgress, Digest) {
    let begun = store.begin(&UploadId::random(), Algorithm::Sha256).await.unwrap();
    let progress = store.append(&begun, body(bytes, 1000), None, u64::MAX).await.unwrap().progress;
    store.commit(&progress, &key(name)).await.unwrap();
    let digest = store.digest(&progress).unwrap();
    (progress, digest)
}

async fn read(store: &Store, name: &str, digest: &Digest, size: usize, range: Option<ByteRange>) -> Result<Vec<u8>, StoreError> {
    let mut all = Vec::new();
    match store.read(&key(name), digest, size as u64, range).await? {
        ObjectBody::Bytes(bytes) => all.extend_from_slice(&bytes),
        ObjectBody::Stream(mut pieces) => {
            // As a client that knows the length: it does not look for an end behind the last byte.
            while (all.len() as u64) < range.map_or(size as u64, |range| range.length) {
                all.extend_from_slice(&pieces.next().await.expect("more bytes")?);
            }
        }
    }
    Ok(all)
}

#[tokio::test]
async fn bytes_go_through_a_layer_unchanged_however_little_it_takes_at_once() {
    for (length, most) in [(0, None), (5, None), (100_000, Some(7_001)), (2_000_000, Some(600_000)), (2_000_000, None)] {
        let (shelf, cache) = (Shelf::new(90_000), Shelf::new(1));
        let (_, store) = layered(Manner::Through(most), &shelf, &cache);
        let bytes = pattern(length);
        let (_, digest) = put(&store, "k", &bytes).await;
        assert!(shelf.get("k").unwrap() == bytes);
        assert!(read(&store, "k", &digest, length, None).await.unwrap() == bytes);
        assert!(shelf.uploads.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_object_of_a_layer_goes_ahead_of_the_new_bytes() {
    let (shelf, cache) = (Shelf::new(3), Shelf::new(1));
    shelf.objects.lock().unwrap().insert(key("ahead"), Bytes::from_static(b"ahead and "));
    let (_, store) = layered(Manner::Behind, &shelf, &cache);
    let begun = store.begin(&UploadId::random(), Algorithm::Sha256).await.unwrap();
    let progress = store.append(&begun, body(b"behind", 2), Some(6), u64::MAX).await.unwrap().progress;
    assert_eq!(progress.offset, 6, "what went ahead is not the client's");
    // The size below is another than the client's, which a real layer would account for.
    assert!(store.commit(&progress, &key("k")).await.is_err());
    assert_eq!(shelf.get("k").unwrap(), "ahead and behind");
}

#[tokio::test]
async fn what_a_guest_encodes_is_decoded_whole_and_in_ranges() {
    for length in [0, 1, 4, 9, 10, 11, 12_345] {
        let (shelf, cache) = (Shelf::new(1000), Shelf::new(1));
        let (_, store) = layered(Manner::Barred, &shelf, &cache);
        let bytes = pattern(length);
        let (_, digest) = put(&store, "k", &bytes).await;
        assert_eq!(shelf.get("k").unwrap().len(), length + length.div_ceil(CHUNK as usize));
        assert!(read(&store, "k", &digest, length, None).await.unwrap() == bytes, "{length}");
        if length > 3 {
            let range = ByteRange { offset: 2, length: length as u64 - 3 };
            assert!(read(&store, "k", &digest, length, Some(range)).await.unwrap() == bytes[2..length - 1], "{length}");
        }
    }
}

#[tokio::test]
async fn encoded_bytes_that_were_changed_below_are_not_served() {
    let (shelf, cache) = (Shelf::new(1000), Shelf::new(1));
    let (_, store) = layered(Manner::Barred, &shelf, &cache);
    let (_, digest) = put(&store, "k", &pattern(500)).await;
    let mut stored = shelf.get("k").unwrap().to_vec();
    stored[7] ^= 1;
    shelf.objects.lock().unwrap().insert(key("k"), stored.into());
    for range in [None, Some(ByteRange { offset: 100, length: 10 })] {
        let answer = read(&store, "k", &digest, 500, range).await;
        assert!(matches!(answer, Err(StoreError::DigestMismatch { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_read_to_its_end_is_copied_and_what_is_not_leaves_nothing() {
    for length in [0, 10, 3_000_000] {
        let (shelf, cache) = (Shelf::new(100_000), Shelf::new(100_000));
        let (over, store) = layered(Manner::Copying, &shelf, &cache);
        let bytes = pattern(length);
        let (_, digest) = put(&store, "k", &bytes).await;
        assert_eq!(cache.get("k"), None);
        assert!(read(&store, "k", &digest, length, None).await.unwrap() == bytes);
        over.copied.notified().await;
        assert!(cache.get("k").unwrap() == bytes, "{length}");
    }
    let (shelf, cache) = (Shelf::new(100_000), Shelf::new(100_000));
    let (_, store) = layered(Manner::Copying, &shelf, &cache);
    let (_, digest) = put(&store, "k", &pattern(3_000_000)).await;
    let ObjectBody::Stream(mut half) = store.read(&key("k"), &digest, 3_000_000, None).await.unwrap() else { panic!() };
    half.next().await.unwrap().unwrap();
    drop(half);
    while !cache.uploads.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(cache.get("k"), None);
}

#[tokio::test]
async fn wrong_bytes_are_never_copied() {
    let (shelf, cache) = (Shelf::new(100_000), Shelf::new(100_000));
    let (_, store) = layered(Manner::Copying, &shelf, &cache);
    let (_, digest) = put(&store, "k", &pattern(2_000_000)).await;
    shelf.objects.lock().unwrap().insert(key("k"), vec![7; 2_000_000].into());
    assert!(matches!(read(&store, "k", &digest, 2_000_000, None).await, Err(StoreError::DigestMismatch { .. })));
    while !cache.uploads.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(cache.get("k"), None);
}

#[tokio::test]
async fn a_layer_below_is_read_and_written_in_small_by_the_plugin_above() {
    let shelf = Shelf::new(3);
    let below = Below(shelf.stack());
    let state = below.begin(&UploadId::random()).await.unwrap();
    let state = below.append(&state, 0, Bytes::from_static(b"hello ")).await.unwrap();
    let state = below.append(&state, 6, Bytes::from_static(b"world")).await.unwrap();
    below.commit(&state, &key("k")).await.unwrap();
    assert_eq!(below.read(&key("k"), ByteRange { offset: 2, length: 7 }).await.unwrap(), "llo wor");
    assert_eq!(below.read(&key("none"), ByteRange { offset: 0, length: 1 }).await, Err(PluginError::NotFound));
    below.delete(&[key("k")]).await.unwrap();
    assert_eq!(below.stat(&key("k")).await, Ok(None));
}

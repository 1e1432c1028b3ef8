//! A storage driver says where bytes lie; it moves none. `bulkhead-plugin` implements it over a component; `bulkhead-storage` guards it
//! and moves the bytes. The contract is that of `plugin-sdk/wit/storage.wit`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_oci::ByteRange;
use bytes::Bytes;

use super::clock::Timestamp;
use super::ids::UploadId;
use super::plugin::{PluginError, PluginLabel};

/// The most bytes of an upload's driver state.
pub const MAX_STATE_BYTES: usize = 64 * 1024;

/// An object's key: 1 to 512 of `a-z 0-9 . _ - /`, in segments of at most 255, none empty, `.` or `..`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(Arc<str>);

/// A text that is no object key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an object key is 1 to 512 of a-z 0-9 . _ - / in segments of at most 255, none empty, . or ..")]
pub struct KeyError;

impl ObjectKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let character = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/');
        let well_formed = !text.is_empty()
            && text.len() <= 512
            && text.bytes().all(character)
            && text.split('/').all(|segment| segment.len() <= 255 && !matches!(segment, "" | "." | ".."));
        if well_formed { Ok(Self(text.into())) } else { Err(KeyError) }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a driver knows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: ObjectKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it was committed, or last changed below.
    pub modified: Timestamp,
}

/// Where the bytes of a read come from.
pub enum Source {
    /// A regular file that the host has opened for reading, below a granted directory.
    File {
        /// The open file.
        file: std::fs::File,
        /// The first byte.
        offset: u64,
        /// How many; none: to its end.
        length: Option<u64>,
    },
    /// The first of the bytes, made by the guest; the rest is another `open`.
    Bytes(Bytes),
    /// An HTTP answer.
    Http(Box<dyn ByteSource>),
    /// An object of a layer below, or a range of it, unchanged.
    Below(BelowSlice),
    /// What [`StorageDriver::decode`] makes of one.
    Decoded(Decoded),
    /// A whole object of a layer below, which is also stored in another layer, under the same key.
    Copied {
        /// Which.
        from: BelowSlice,
        /// The layer that gets the copy.
        to: LayerName,
    },
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { offset, length, .. } => write!(f, "File {{ offset: {offset}, length: {length:?} }}"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Http(_) => f.write_str("Http"),
            Self::Below(slice) => write!(f, "Below({slice:?})"),
            Self::Decoded(decoded) => write!(f, "Decoded({:?})", decoded.from),
            Self::Copied { from, to } => write!(f, "Copied({from:?} to {to})"),
        }
    }
}

/// What a plugin calls a storage that it lies over: the operator's `over` says which that is.
pub type LayerName = Arc<str>;

/// An object of a layer below, or a range of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BelowSlice {
    /// The layer.
    pub layer: LayerName,
    /// The object.
    pub key: ObjectKey,
    /// None: the whole.
    pub range: Option<ByteRange>,
}

/// Bytes of a layer below that a guest decodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What is decoded.
    pub from: BelowSlice,
    /// How many bytes of it go into each call, fewer only at their end; 1 to [`MAX_PIECE_BYTES`].
    pub piece: u32,
    /// How many of the first bytes that come out are left out.
    pub skip: u64,
    /// Handed to each call.
    pub context: Vec<u8>,
}

/// The most bytes that go into a guest, or come out of it, in one call.
pub const MAX_PIECE_BYTES: u32 = 1024 * 1024;

/// The most bytes of an HTTP part, which is gathered in memory.
pub const MAX_PART_BYTES: u64 = 64 * 1024 * 1024;

/// Makes bytes, a piece at a time.
#[async_trait]
pub trait ByteSource: Send {
    /// The next bytes, at most `most` of them; empty at the end.
    ///
    /// # Errors
    /// [`PluginError`]: the read ends there.
    async fn read(&mut self, most: u32) -> Result<Bytes, PluginError>;
}

/// Where the next bytes of an upload go.
pub enum Sink {
    /// A regular file that the host has opened for writing (made where it was missing), below a granted directory.
    File {
        /// The open file.
        file: std::fs::File,
        /// Where the first byte goes.
        offset: u64,
    },
    /// An HTTP request.
    Part(Box<dyn PartSink>),
    /// [`StorageDriver::write`], at most so many at once; 1 to [`MAX_PIECE_BYTES`].
    Bytes(u32),
    /// An upload of a layer below.
    Below(BelowUpload),
    /// What [`StorageDriver::encode`] makes of them, to an upload of a layer below.
    Encoded(Encoded),
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { offset, .. } => write!(f, "File {{ offset: {offset} }}"),
            Self::Part(part) => write!(f, "Part {{ room: {} }}", part.room()),
            Self::Bytes(most) => write!(f, "Bytes({most})"),
            Self::Below(upload) => write!(f, "Below({upload:?})"),
            Self::Encoded(encoded) => write!(f, "Encoded({:?})", encoded.into),
        }
    }
}

/// A request whose body is gathered before it is sent.
#[async_trait]
pub trait PartSink: Send + Sync {
    /// How many new bytes it takes, at least one, at most [`MAX_PART_BYTES`].
    fn room(&self) -> u64;

    /// Sends these bytes, [`room`](Self::room) of them or fewer, again where it fails for the moment.
    ///
    /// # Errors
    /// [`PluginError`]: nothing of it counts as written.
    async fn send(&self, pieces: Vec<Bytes>) -> Result<HttpAnswer, PluginError>;
}

/// An upload of a layer below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BelowUpload {
    /// The layer.
    pub layer: LayerName,
    /// Its state there.
    pub state: Vec<u8>,
    /// How many bytes it has.
    pub offset: u64,
    /// How many more it takes; then the driver is asked again.
    pub most: Option<u64>,
    /// What goes ahead of the new bytes.
    pub head: Option<BelowSlice>,
}

/// Bytes that a guest encodes on their way to a layer below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Where they go.
    pub into: BelowUpload,
    /// How many bytes go into each call, fewer only at the body's end; 1 to [`MAX_PIECE_BYTES`].
    pub piece: u32,
    /// Handed to each call.
    pub context: Vec<u8>,
    /// Handed to the first call.
    pub carry: Vec<u8>,
}

/// What a guest made of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// What goes below.
    pub bytes: Bytes,
    /// What is left for the next call, or for [`StorageDriver::written`].
    pub carry: Vec<u8>,
}

/// What an HTTP part was answered: status and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
}

/// What came of a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// Of a file, or of bytes that the guest took.
    None,
    /// Of an HTTP part.
    Http(HttpAnswer),
    /// Of an upload of a layer below.
    Below {
        /// Its state now.
        state: Vec<u8>,
        /// How many bytes it has now.
        offset: u64,
        /// What the last encoding left over.
        carry: Vec<u8>,
    },
}

/// How far a commit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Done.
    Done,
    /// To be asked again, with this state.
    More(Vec<u8>),
}

/// The most keys of one [`StorageDriver::delete`], and the most objects of one list.
pub const MAX_KEYS: usize = 1000;

/// Says where bytes lie. Every function is a call into the guest and may fail with [`PluginError`].
#[async_trait]
pub trait StorageDriver: Send + Sync {
    /// Which plugin this is.
    fn label(&self) -> &PluginLabel;

    /// The object, or a range of it. [`PluginError::NotFound`] if it is not there.
    async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Source, PluginError>;
    /// The next bytes of a decoded source, which begin at `offset` of what it is made from.
    async fn decode(&self, _context: &[u8], _offset: u64, _bytes: &[u8]) -> Result<Bytes, PluginError> {
        never_named("decode")
    }
    /// The copy that a source asked for is there.
    async fn copied(&self, _key: &ObjectKey, _layer: &str, _size: u64) -> Result<(), PluginError> {
        Ok(())
    }
    /// None if it is not there.
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError>;
    /// Gone when it returns, all of them, at most [`MAX_KEYS`]; deleting what is not there is no error.
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), PluginError>;
    /// In byte order of the key, strictly after `after`, at most `limit`.
    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: u32) -> Result<Vec<ObjectInfo>, PluginError>;
    /// A URL under which the client itself can read the object for so many seconds, or none.
    async fn link(&self, key: &ObjectKey, seconds: u32) -> Result<Option<String>, PluginError>;
    /// Begins an upload and returns its whole state, at most [`MAX_STATE_BYTES`].
    async fn begin(&self, upload: &UploadId) -> Result<Vec<u8>, PluginError>;
    /// Where the bytes from `offset` on go. A file is cut to `offset` by whoever writes it.
    async fn next(&self, state: &[u8], offset: u64, length: Option<u64>) -> Result<Sink, PluginError>;
    /// The next bytes of a [`Sink::Bytes`], durably; returns the new state.
    async fn write(&self, _state: &[u8], _offset: u64, _bytes: &[u8]) -> Result<Vec<u8>, PluginError> {
        never_named("write")
    }
    /// The next bytes of a [`Sink::Encoded`], which begin at `offset` of the upload.
    async fn encode(&self, _context: &[u8], _offset: u64, _carry: &[u8], _bytes: &[u8]) -> Result<Encoding, PluginError> {
        never_named("encode")
    }
    /// So many bytes went to the sink, durably; returns the new state.
    async fn written(&self, state: &[u8], length: u64, receipt: Receipt) -> Result<Vec<u8>, PluginError>;
    /// Makes the whole upload visible under `key`, at once and durably, or goes on with that.
    async fn commit(&self, state: &[u8], key: &ObjectKey) -> Result<Progress, PluginError>;
    /// Drops it. No error if there is nothing left to drop.
    async fn abort(&self, state: &[u8]) -> Result<(), PluginError>;
}

/// A driver that never names a source or sink of that kind need not implement what belongs to it.
fn never_named<T>(function: &str) -> Result<T, PluginError> {
    Err(PluginError::Nonsense(format!("{function} of a driver that has no such source or sink")))
}

/// A storage that another one lies over, as a plugin's own calls reach it. `bulkhead-storage` implements it over a guarded driver. Errors are
/// what the plugin is told.
#[async_trait]
pub trait Layer: Send + Sync {
    /// None if it is not there.
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError>;
    /// Gone when it returns, at most [`MAX_KEYS`].
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), PluginError>;
    /// In byte order of the key, strictly after `after`, at most `limit`.
    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: u32) -> Result<Vec<ObjectInfo>, PluginError>;
    /// A URL under which the client itself can read the object for so many seconds, or none.
    async fn link(&self, key: &ObjectKey, seconds: u32) -> Result<Option<String>, PluginError>;
    /// At most [`MAX_PIECE_BYTES`] of an object.
    async fn read(&self, key: &ObjectKey, range: ByteRange) -> Result<Bytes, PluginError>;
    /// Begins an upload; returns its state.
    async fn begin(&self, upload: &UploadId) -> Result<Vec<u8>, PluginError>;
    /// Puts at most [`MAX_PIECE_BYTES`] at `offset` of an upload, durably; returns its new state.
    async fn append(&self, state: &[u8], offset: u64, bytes: Bytes) -> Result<Vec<u8>, PluginError>;
    /// Makes an upload the object `key`.
    async fn commit(&self, state: &[u8], key: &ObjectKey) -> Result<(), PluginError>;
    /// Drops an upload.
    async fn abort(&self, state: &[u8]) -> Result<(), PluginError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_no_way_out_of_its_place() {
        let longest = format!("{}/{}/k", "k".repeat(255), "k".repeat(254));
        for good in ["a", "a/b.c/d_e-f", "default/blobs/sha256/ab/abcd", &longest] {
            assert!(good.parse::<ObjectKey>().is_ok(), "{good}");
        }
        for bad in
            ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "A", "a b", "a\0", &"k".repeat(256), &format!("{longest}k")]
        {
            assert_eq!(bad.parse::<ObjectKey>(), Err(KeyError), "{bad}");
        }
    }
}

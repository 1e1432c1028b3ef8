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
    /// The bytes themselves.
    Bytes(Bytes),
    /// Bytes that pass through a guest or come over HTTP.
    Stream(Box<dyn ByteSource>),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { offset, length, .. } => write!(f, "File {{ offset: {offset}, length: {length:?} }}"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// Whose hands a stream's bytes pass through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// A guest's: they are verified, a range of them too, whatever that costs.
    Guest,
    /// The host's alone (an HTTP answer): as good as the place that the guest named.
    Host,
}

/// Makes bytes, a piece at a time.
#[async_trait]
pub trait ByteSource: Send {
    /// Whose hands the bytes pass through.
    fn passage(&self) -> Passage;

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
    /// Bytes that pass through a guest or go over HTTP.
    Stream {
        /// Takes the bytes.
        sink: Box<dyn ByteSink>,
        /// At most so many; then the driver is asked again.
        most: Option<u64>,
    },
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { offset, .. } => write!(f, "File {{ offset: {offset} }}"),
            Self::Stream { most, .. } => write!(f, "Stream {{ most: {most:?} }}"),
        }
    }
}

/// Takes bytes, a piece at a time.
#[async_trait]
pub trait ByteSink: Send {
    /// Takes all of `bytes`.
    ///
    /// # Errors
    /// [`PluginError`]: nothing of this sink counts as written.
    async fn write(&mut self, bytes: Bytes) -> Result<(), PluginError>;

    /// Ends it; the answer is handed to [`StorageDriver::written`].
    ///
    /// # Errors
    /// [`PluginError`]: nothing of this sink counts as written.
    async fn finish(&mut self) -> Result<Option<HttpAnswer>, PluginError>;
}

/// What an HTTP sink answered: status and headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
}

/// Says where bytes lie. Every function is a call into the guest and may fail with [`PluginError`].
#[async_trait]
pub trait StorageDriver: Send + Sync {
    /// Which plugin this is.
    fn label(&self) -> &PluginLabel;

    /// The object, or a range of it. [`PluginError::NotFound`] if it is not there.
    async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Source, PluginError>;
    /// None if it is not there.
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError>;
    /// Gone when it returns; deleting what is not there is no error.
    async fn delete(&self, key: &ObjectKey) -> Result<(), PluginError>;
    /// In byte order of the key, strictly after `after`, at most `limit`.
    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: u32) -> Result<Vec<ObjectInfo>, PluginError>;
    /// A URL under which the client itself can read the object for so many seconds, or none.
    async fn link(&self, key: &ObjectKey, seconds: u32) -> Result<Option<String>, PluginError>;
    /// Begins an upload and returns its whole state, at most [`MAX_STATE_BYTES`].
    async fn begin(&self, upload: &UploadId) -> Result<Vec<u8>, PluginError>;
    /// Where the bytes from `offset` on go. A file is cut to `offset` by whoever writes it.
    async fn next(&self, state: &[u8], offset: u64, length: Option<u64>) -> Result<Sink, PluginError>;
    /// So many bytes went to the sink, durably; returns the new state.
    async fn written(&self, state: &[u8], length: u64, answer: Option<HttpAnswer>) -> Result<Vec<u8>, PluginError>;
    /// Makes the whole upload visible under `key`, at once and durably.
    async fn commit(&self, state: &[u8], key: &ObjectKey) -> Result<(), PluginError>;
    /// Drops it. No error if there is nothing left to drop.
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

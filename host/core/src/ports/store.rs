//! The object store as the core uses it: guarded, hashed, streamed. `bulkhead-storage` implements it over a
//! [`StorageDriver`](super::driver::StorageDriver).

use std::pin::Pin;

use async_trait::async_trait;
use bulkhead_oci::{Algorithm, ByteRange, Digest};
use bytes::Bytes;
use futures_util::Stream;

use super::driver::ObjectKey;
use super::ids::UploadId;
use super::plugin::PluginError;

/// A client's body on its way in.
pub type Incoming = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// An object's bytes on their way out. An error ends the connection before the promised length is reached.
pub type Outgoing = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// Why a client's body ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection broke, or the client closed it.
    #[error("the connection ended before the body did: {0}")]
    Broken(String),
    /// Nothing came for too long.
    #[error("the client sent nothing for too long")]
    Stalled,
}

/// A read's bytes.
pub enum ObjectBody {
    /// All at once: small, or held by the driver.
    Bytes(Bytes),
    /// Piece by piece, exactly as many as were asked for.
    Stream(Outgoing),
}

/// Where an upload stands: all that is needed to go on with it, at another process too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadProgress {
    /// Bytes that are durably there.
    pub offset: u64,
    /// The algorithm that `hash` belongs to.
    pub algorithm: Algorithm,
    /// The hash's inner state over these bytes.
    pub hash: Vec<u8>,
    /// The driver's own state, opaque.
    pub driver: Vec<u8>,
}

/// What became of a body that was appended.
#[derive(Debug)]
pub struct Appended {
    /// Where the upload stands now. Whatever arrived is kept.
    pub progress: UploadProgress,
    /// Why the body ended early, if it did.
    pub ended: Ended,
}

/// How a body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Whole.
    Complete,
    /// More than `most` bytes came: those after it were not taken.
    TooLong,
    /// It broke off.
    Broken(BodyError),
}

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The object is not there.
    #[error("the object is not there")]
    NotFound,
    /// The bytes hash to something else than they should.
    #[error("the bytes hash to {found}, not to {expected}")]
    DigestMismatch {
        /// As the client or the catalog has it.
        expected: Digest,
        /// As the bytes have it.
        found: Digest,
    },
    /// The driver could not, for the moment.
    #[error("storage plugin {plugin} is unavailable: {error}")]
    Unavailable {
        /// Its name.
        plugin: String,
        /// What it said.
        error: PluginError,
    },
    /// The driver failed, or broke its contract.
    #[error("storage plugin {plugin} failed at {doing}: {error}")]
    Driver {
        /// Its name.
        plugin: String,
        /// The function.
        doing: &'static str,
        /// What happened.
        error: PluginError,
    },
    /// The host's own reading or writing failed.
    #[error("{doing}: {reason}")]
    Io {
        /// What was done.
        doing: &'static str,
        /// The system's words.
        reason: String,
    },
}

/// Stores objects under keys, verified.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// The object under `key`, which has `size` bytes and hashes to `digest`, or a range of it. Bytes that pass through a guest are
    /// verified before the last of them is handed out (a range of them cannot be).
    ///
    /// # Errors
    /// [`StoreError`]; also as the last item of the stream.
    async fn read(&self, key: &ObjectKey, digest: &Digest, size: u64, range: Option<ByteRange>)
    -> Result<ObjectBody, StoreError>;

    /// A URL under which the client itself can read the object for so many seconds; none: it cannot.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn link(&self, key: &ObjectKey, seconds: u32) -> Result<Option<String>, StoreError>;

    /// Begins an upload that is hashed with `algorithm`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn begin(&self, upload: &UploadId, algorithm: Algorithm) -> Result<UploadProgress, StoreError>;

    /// Appends a body, of `length` bytes where that is known, at most `most`. When it returns, the bytes are durable.
    ///
    /// # Errors
    /// [`StoreError`]: the upload stands where it stood.
    async fn append(
        &self,
        progress: &UploadProgress,
        body: Incoming,
        length: Option<u64>,
        most: u64,
    ) -> Result<Appended, StoreError>;

    /// The digest of what was uploaded so far.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the hash state cannot be read.
    fn digest(&self, progress: &UploadProgress) -> Result<Digest, StoreError>;

    /// Makes the upload the object `key`, durably. The caller has compared [`digest`](Self::digest) before.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is visible under `key` that was not there before.
    async fn commit(&self, progress: &UploadProgress, key: &ObjectKey) -> Result<(), StoreError>;

    /// Drops an upload.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn abort(&self, progress: &UploadProgress) -> Result<(), StoreError>;

    /// Reads the whole object and hashes it with `algorithm`.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rehash(&self, key: &ObjectKey, size: u64, algorithm: Algorithm) -> Result<Digest, StoreError>;
}

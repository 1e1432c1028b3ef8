//! The object store of a registry: a stack of drivers, with every byte that must be verified verified.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::driver::{ByteSource, ObjectKey};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::store::{Appended, Ended, Incoming, ObjectBody, ObjectStore, Outgoing, StoreError, UploadProgress};
use bulkhead_oci::{Algorithm, ByteRange, Digest};
use futures_util::StreamExt;

use crate::append::{Moving, Tracing};
use crate::copy::Copies;
use crate::dataplane::read::{self, Expected};
use crate::dataplane::write::{Hashing, Intake};
use crate::guard::fault;
use crate::hash::Hasher;
use crate::stack::{Opened, Passage, Stack};
use crate::trace::{Bottom, FileIdentity};

/// The object store of a registry.
pub struct Store {
    stack: Arc<Stack>,
    copies: Copies,
}

impl Store {
    /// Over this stack.
    pub fn new(stack: Arc<Stack>) -> Self {
        Self { stack, copies: Copies::default() }
    }

    async fn checked(&self, source: Box<dyn ByteSource>, expected: Expected) -> Result<ObjectBody, StoreError> {
        let plugin = Arc::clone(self.stack.driver.name());
        read::verified(source, expected, move |error| fault(&plugin, "read", error)).await
    }

    /// A range of bytes that came through a guest: all of the object is read and verified.
    async fn guests_range(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: u64,
        range: ByteRange,
    ) -> Result<ObjectBody, StoreError> {
        let source = self.stack.open(key, None, Some(size)).await?.into_source(&self.stack.buffers);
        self.checked(source, Expected { digest: Some(digest.clone()), size, wanted: (range.offset, range.length) }).await
    }

    /// A file under the key is the one that was hashed on its way in, or it is hashed now: another one was there before, the upload went
    /// on after a restart, or the driver lies. Bytes that a guest hands out are verified at every read.
    async fn check_committed(&self, progress: &UploadProgress, key: &ObjectKey) -> Result<(), StoreError> {
        let Opened::File { file, offset, .. } = self.stack.open(key, None, Some(progress.offset)).await? else { return Ok(()) };
        let identity = FileIdentity::of(&file)
            .map_err(|error| StoreError::Io { doing: "looking at a committed file", reason: error.to_string() })?;
        if offset == 0 && self.stack.traces.of(progress) == Some(identity) {
            return Ok(());
        }
        let (expected, found) = (self.digest(progress)?, self.rehash(key, progress.offset, progress.algorithm).await?);
        if found == expected { Ok(()) } else { Err(StoreError::DigestMismatch { expected, found }) }
    }

    /// One sink's worth of a body. Returns the new progress and how the body ended, if it did.
    async fn append_once(
        &self,
        progress: &UploadProgress,
        intake: &mut Intake,
        length: Option<u64>,
    ) -> Result<(UploadProgress, Option<Ended>), StoreError> {
        self.stack.traces.begin(progress);
        let mut hashing = Hashing::with(Hasher::resume(progress.algorithm, &progress.hash)?);
        let tracing = Tracing { traces: &self.stack.traces, before: progress, claim: None };
        let mut moving = Moving { intake, hashing: &mut hashing, tracing: Some(tracing) };
        let step = self.stack.append_once(&progress.driver, progress.offset, length, u64::MAX, &mut moving).await?;
        let claim = moving.tracing.take().and_then(|tracing| tracing.claim);
        let hasher = hashing.take().await.ok().flatten();
        let lost = || StoreError::Io { doing: "hashing an upload", reason: "the hash did not come back".to_owned() };
        let hash = hasher.ok_or_else(lost)?.save();
        let after =
            UploadProgress { offset: progress.offset + step.written, algorithm: progress.algorithm, hash, driver: step.state };
        if let Some(claim) = claim {
            self.stack.traces.note(&claim, &after);
        }
        self.stack.traces.end(&after, step.bottom);
        Ok((after, step.ended))
    }
}

#[async_trait]
impl ObjectStore for Store {
    async fn read(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: u64,
        range: Option<ByteRange>,
    ) -> Result<ObjectBody, StoreError> {
        let wanted = range.map_or(size, |range| range.length);
        let (opened, copy) = match self.stack.open_to_copy(key, range, Some(wanted)).await {
            // What a cache had when the plugin looked may be gone from there when the host opens it.
            Err(StoreError::NotFound) if !self.stack.below.is_empty() => {
                self.stack.open_to_copy(key, range, Some(wanted)).await?
            }
            opened => opened?,
        };
        let whole = || Expected { digest: Some(digest.clone()), size, wanted: (0, size) };
        let body = match (opened, range) {
            (Opened::File { file, offset, .. }, _) if copy.is_none() => {
                return read::file(&self.stack.buffers, file, offset, wanted);
            }
            (Opened::Stream { passage: Passage::Guest, source }, Some(range)) => {
                // It is of no more use, and what it holds may be needed.
                drop(source);
                self.guests_range(key, digest, size, range).await?
            }
            (Opened::Stream { passage: Passage::Host, source }, _) if copy.is_none() => {
                self.checked(source, Expected { digest: None, size: wanted, wanted: (0, wanted) }).await?
            }
            (opened, _) => self.checked(opened.into_source(&self.stack.buffers), whole()).await?,
        };
        Ok(match copy {
            Some(copy) => self.copies.copy(&self.stack.driver, copy, key, size, body),
            None => body,
        })
    }

    async fn link(&self, key: &ObjectKey, seconds: u32) -> Result<Option<String>, StoreError> {
        self.stack.driver.link(key, seconds).await
    }

    async fn begin(&self, upload: &UploadId, algorithm: Algorithm) -> Result<UploadProgress, StoreError> {
        let driver = self.stack.driver.begin(upload).await?;
        Ok(UploadProgress { offset: 0, algorithm, hash: Hasher::new(algorithm).save(), driver })
    }

    async fn append(
        &self,
        progress: &UploadProgress,
        body: Incoming,
        length: Option<u64>,
        most: u64,
    ) -> Result<Appended, StoreError> {
        let mut intake = Intake::new(&self.stack.buffers, body, most);
        let mut progress = progress.clone();
        let end = length.map(|length| progress.offset.saturating_add(length));
        loop {
            let left = end.map(|end| end.saturating_sub(progress.offset));
            let (moved, ended) = self.append_once(&progress, &mut intake, left).await?;
            progress = moved;
            if let Some(ended) = ended {
                return Ok(Appended { progress, ended });
            }
        }
    }

    fn digest(&self, progress: &UploadProgress) -> Result<Digest, StoreError> {
        Ok(Hasher::resume(progress.algorithm, &progress.hash)?.digest())
    }

    async fn commit(&self, progress: &UploadProgress, key: &ObjectKey) -> Result<(), StoreError> {
        let cut;
        let progress = if self.may_have_more(progress, key).await? {
            // A driver is asked for a place for each upload, also for one of no bytes: otherwise nothing would be there to commit. And bytes
            // that were written and never acknowledged are cut away.
            let mut nothing = Intake::new(&self.stack.buffers, Box::pin(futures_util::stream::empty()), 0);
            cut = self.append_once(progress, &mut nothing, Some(0)).await?.0;
            &cut
        } else {
            progress
        };
        let bottom = self.stack.traces.exact(progress);
        self.stack.driver.commit(&progress.driver, key).await?;
        match self.stack.driver.stat(key).await? {
            Some(info) if info.size == progress.offset => match bottom {
                Some(Bottom::Elsewhere) => Ok(()),
                Some(Bottom::File) | None => self.check_committed(progress, key).await,
            },
            Some(info) => {
                let text = format!("{key} has {} bytes after a commit of {}", info.size, progress.offset);
                Err(self.stack.driver.nonsense("commit", text))
            }
            None => Err(self.stack.driver.nonsense("commit", format!("{key} is not there after its commit"))),
        }
    }

    async fn abort(&self, progress: &UploadProgress) -> Result<(), StoreError> {
        self.stack.driver.abort(&progress.driver).await
    }

    async fn rehash(&self, key: &ObjectKey, size: u64, algorithm: Algorithm) -> Result<Digest, StoreError> {
        let mut stream = self.whole(key, size).await?;
        let mut hasher = Hasher::new(algorithm);
        while let Some(piece) = stream.next().await {
            hasher.update(&piece?);
        }
        Ok(hasher.digest())
    }
}

impl Store {
    /// Whether the upload may have no place yet, or bytes that were never acknowledged, and is not the object already.
    async fn may_have_more(&self, progress: &UploadProgress, key: &ObjectKey) -> Result<bool, StoreError> {
        let unknown = self.stack.traces.exact(progress).is_none();
        Ok(unknown && (progress.offset == 0 || self.stack.driver.stat(key).await?.is_none()))
    }

    /// All bytes, unverified but for their number: whoever asks is about to hash them.
    async fn whole(&self, key: &ObjectKey, size: u64) -> Result<Outgoing, StoreError> {
        let body = match self.stack.open(key, None, Some(size)).await? {
            Opened::File { file, offset, .. } => read::file(&self.stack.buffers, file, offset, size)?,
            Opened::Stream { source, .. } => self.checked(source, Expected { digest: None, size, wanted: (0, size) }).await?,
        };
        Ok(match body {
            ObjectBody::Bytes(bytes) => Box::pin(futures_util::stream::iter([Ok(bytes)])),
            ObjectBody::Stream(stream) => stream,
        })
    }
}

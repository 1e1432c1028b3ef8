//! Holds a storage driver to its contract, so that one that lies, fails or dawdles harms nobody but itself.
//!
//! Every answer is checked before it is used: sizes against the catalog's, lists for their order, states for their bound, bytes by their
//! digest. What a driver says when it fails is for the log; what the core gets is a [`StoreError`].

use std::fs::File;
use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::driver::{MAX_STATE_BYTES, ObjectInfo, ObjectKey, Passage, Sink, Source, StorageDriver};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_core::ports::store::{Appended, Ended, Incoming, ObjectBody, ObjectStore, Outgoing, StoreError, UploadProgress};
use bulkhead_oci::{Algorithm, ByteRange, Digest};
use futures_util::StreamExt;

use crate::dataplane::buffers::Buffers;
use crate::dataplane::read::{self, Expected};
use crate::dataplane::write::{self, Intake};
use crate::hash::Hasher;
use crate::trace::{FileIdentity, Traces};

/// A driver whose answers are checked.
#[derive(Clone)]
pub struct GuardedDriver {
    driver: Arc<dyn StorageDriver>,
}

impl GuardedDriver {
    /// Guards this driver.
    pub fn new(driver: Arc<dyn StorageDriver>) -> Self {
        Self { driver }
    }

    fn fault(&self, doing: &'static str, error: PluginError) -> StoreError {
        fault(&self.driver.label().name, doing, error)
    }

    fn nonsense(&self, doing: &'static str, text: String) -> StoreError {
        self.fault(doing, PluginError::Nonsense(text))
    }

    fn check_state(&self, doing: &'static str, state: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        if state.len() > MAX_STATE_BYTES {
            return Err(self.nonsense(doing, format!("an upload state of {} bytes", state.len())));
        }
        Ok(state)
    }

    /// What the driver knows of an object.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, StoreError> {
        let info = self.driver.stat(key).await.map_err(|error| self.fault("stat", error))?;
        match info {
            Some(info) if info.key != *key => Err(self.nonsense("stat", format!("told of {}, asked of {key}", info.key))),
            info => Ok(info),
        }
    }

    /// Deletes an object; no error if it is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.driver.delete(key).await.map_err(|error| self.fault("delete", error))
    }

    /// Objects in byte order, strictly after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`], also where the driver's list is out of order, too long, or has what was not asked for.
    pub async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: u32) -> Result<Vec<ObjectInfo>, StoreError> {
        let list = self.driver.list(prefix, after, limit).await.map_err(|error| self.fault("list", error))?;
        if list.len() > limit as usize {
            return Err(self.nonsense("list", format!("{} objects, {limit} were asked for", list.len())));
        }
        let mut last = after;
        for info in &list {
            if last.is_some_and(|last| info.key <= *last) || !info.key.as_str().starts_with(prefix) {
                return Err(self.nonsense("list", format!("{} is out of order or not below {prefix:?}", info.key)));
            }
            last = Some(&info.key);
        }
        Ok(list)
    }

    async fn written(&self, state: &[u8], length: u64, answer: Answer) -> Result<Vec<u8>, StoreError> {
        let state = self.driver.written(state, length, answer).await.map_err(|error| self.fault("written", error))?;
        self.check_state("written", state)
    }
}

type Answer = Option<bulkhead_core::ports::driver::HttpAnswer>;

fn fault(plugin: &str, doing: &'static str, error: PluginError) -> StoreError {
    let plugin = plugin.to_owned();
    match error {
        PluginError::NotFound => StoreError::NotFound,
        error @ (PluginError::Unavailable { .. } | PluginError::TimedOut(_)) => StoreError::Unavailable { plugin, error },
        error => StoreError::Driver { plugin, doing, error },
    }
}

/// The object store of a registry.
pub struct Store {
    driver: GuardedDriver,
    buffers: Arc<Buffers>,
    traces: Traces,
}

impl Store {
    /// Over this driver.
    pub fn new(driver: GuardedDriver) -> Self {
        Self { driver, buffers: Arc::default(), traces: Traces::default() }
    }

    /// How many of the bytes from the source's beginning on are there, at least as far as can be seen.
    fn check_file(&self, file: &File, offset: u64, length: Option<u64>, wanted: u64) -> Result<(), StoreError> {
        let metadata = file
            .metadata()
            .map_err(|error| StoreError::Io { doing: "looking at an object's file", reason: error.to_string() })?;
        let there = metadata.len().saturating_sub(offset);
        let said = length.map_or(there, |length| length.min(there));
        if said == wanted {
            return Ok(());
        }
        Err(self.driver.nonsense("open", format!("a file slice of {said} bytes, the object's is {wanted}")))
    }

    /// Bytes that came through a guest: all of them are verified, whatever part was asked for.
    async fn guest_stream(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: u64,
        range: Option<ByteRange>,
        source: Source,
    ) -> Result<ObjectBody, StoreError> {
        let Source::Stream(mut source) = source else {
            return Err(self.driver.nonsense("open", "another kind of source for the whole than for a range".to_owned()));
        };
        let plugin = Arc::clone(&self.driver.driver.label().name);
        let verify = source.passage() == Passage::Guest;
        let expected = match range {
            None => Expected { digest: Some(digest.clone()), size, wanted: (0, size) },
            Some(range) if verify => {
                // Its instance goes back before another one is asked for: there may be no second.
                drop(source);
                source = match self.open(key, None).await? {
                    Source::Stream(source) => source,
                    _ => return Err(self.driver.nonsense("open", "another kind of source for the whole".to_owned())),
                };
                Expected { digest: Some(digest.clone()), size, wanted: (range.offset, range.length) }
            }
            Some(range) => Expected { digest: None, size: range.length, wanted: (0, range.length) },
        };
        read::verified(source, expected, move |error| fault(&plugin, "read", error)).await
    }

    async fn guest_bytes(
        &self,
        key: &ObjectKey,
        digest: &Digest,
        size: u64,
        range: Option<ByteRange>,
        bytes: bytes::Bytes,
    ) -> Result<ObjectBody, StoreError> {
        let whole = match range {
            None => bytes,
            Some(_) => match self.open(key, None).await? {
                Source::Bytes(bytes) => bytes,
                _ => return Err(self.driver.nonsense("open", "another kind of source for the whole".to_owned())),
            },
        };
        if whole.len() as u64 != size {
            return Err(self.driver.nonsense("open", format!("{} bytes, the object has {size}", whole.len())));
        }
        let mut hasher = Hasher::new(digest.algorithm());
        hasher.update(&whole);
        let found = hasher.digest();
        if found != *digest {
            return Err(StoreError::DigestMismatch { expected: digest.clone(), found });
        }
        Ok(ObjectBody::Bytes(match range {
            None => whole,
            Some(range) => whole.slice(range.offset as usize..(range.offset + range.length) as usize),
        }))
    }

    /// A file under the key is the one that was hashed on its way in, or it is hashed now: another one was there before, the upload went
    /// on after a restart, or the driver lies. Bytes that a guest hands out are verified at every read.
    async fn check_committed(&self, progress: &UploadProgress, key: &ObjectKey) -> Result<(), StoreError> {
        let Source::File { file, offset, length } = self.open(key, None).await? else { return Ok(()) };
        self.check_file(&file, offset, length, progress.offset)?;
        let identity = FileIdentity::of(&file)
            .map_err(|error| StoreError::Io { doing: "looking at a committed file", reason: error.to_string() })?;
        if offset == 0 && self.traces.of(progress) == Some(identity) {
            return Ok(());
        }
        let (expected, found) = (self.digest(progress)?, self.rehash(key, progress.offset, progress.algorithm).await?);
        if found == expected { Ok(()) } else { Err(StoreError::DigestMismatch { expected, found }) }
    }

    async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Source, StoreError> {
        self.driver.driver.open(key, range).await.map_err(|error| self.driver.fault("open", error))
    }

    /// One sink's worth of a body. Returns the new progress and how the body ended, if it did.
    async fn append_once(
        &self,
        progress: &UploadProgress,
        intake: &mut Intake,
        length: Option<u64>,
    ) -> Result<(UploadProgress, Option<Ended>), StoreError> {
        let offset = progress.offset;
        let mut hasher = Hasher::resume(progress.algorithm, &progress.hash)?;
        let sink = self.driver.driver.next(&progress.driver, offset, length).await;
        let mut claim = None;
        let (written, ended, answer) = match sink.map_err(|error| self.driver.fault("next", error))? {
            Sink::File { file, offset: at } => {
                if at != offset {
                    return Err(self.driver.nonsense("next", format!("offset {at} for the bytes from {offset} on")));
                }
                claim = Some(self.traces.claim(progress, FileIdentity::of(&file).map_err(writing)?));
                let (written, moved, ended) = write::to_file(file, offset, hasher, intake).await.map_err(writing)?;
                hasher = moved;
                (written, Some(ended), None)
            }
            Sink::Stream { mut sink, most } => {
                let room = most.unwrap_or(u64::MAX);
                if room == 0 {
                    return Err(self.driver.nonsense("next", "a sink that takes nothing".to_owned()));
                }
                let moved = write::to_sink(&mut *sink, room, &mut hasher, intake).await;
                let (written, ended) = moved.map_err(|error| self.driver.fault("write", error))?;
                let answer = sink.finish().await.map_err(|error| self.driver.fault("finish", error))?;
                (written, ended, answer)
            }
        };
        let driver = self.driver.written(&progress.driver, written, answer).await?;
        let after = UploadProgress { offset: offset + written, algorithm: progress.algorithm, hash: hasher.save(), driver };
        if let Some(claim) = claim {
            self.traces.note(&claim, &after);
        }
        Ok((after, ended))
    }
}

fn writing(error: std::io::Error) -> StoreError {
    StoreError::Io { doing: "writing an upload's file", reason: error.to_string() }
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
        match self.open(key, range).await? {
            Source::File { file, offset, length } => {
                self.check_file(&file, offset, length, wanted)?;
                read::file(&self.buffers, file, offset, wanted)
            }
            Source::Bytes(bytes) => self.guest_bytes(key, digest, size, range, bytes).await,
            source @ Source::Stream(_) => self.guest_stream(key, digest, size, range, source).await,
        }
    }

    async fn begin(&self, upload: &UploadId, algorithm: Algorithm) -> Result<UploadProgress, StoreError> {
        let state = self.driver.driver.begin(upload).await.map_err(|error| self.driver.fault("begin", error))?;
        let driver = self.driver.check_state("begin", state)?;
        Ok(UploadProgress { offset: 0, algorithm, hash: Hasher::new(algorithm).save(), driver })
    }

    async fn append(
        &self,
        progress: &UploadProgress,
        body: Incoming,
        length: Option<u64>,
        most: u64,
    ) -> Result<Appended, StoreError> {
        let mut intake = Intake::new(&self.buffers, body, most);
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
        let empty;
        let progress = if progress.offset == 0 {
            // A driver is asked for a place for each upload, also for one of no bytes: otherwise nothing would be there to commit.
            let mut nothing = Intake::new(&self.buffers, Box::pin(futures_util::stream::empty()), 0);
            empty = self.append_once(progress, &mut nothing, Some(0)).await?.0;
            &empty
        } else {
            progress
        };
        let committed = self.driver.driver.commit(&progress.driver, key).await;
        committed.map_err(|error| self.driver.fault("commit", error))?;
        match self.driver.stat(key).await? {
            Some(info) if info.size == progress.offset => self.check_committed(progress, key).await,
            Some(info) => {
                let text = format!("{key} has {} bytes after a commit of {}", info.size, progress.offset);
                Err(self.driver.nonsense("commit", text))
            }
            None => Err(self.driver.nonsense("commit", format!("{key} is not there after its commit"))),
        }
    }

    async fn abort(&self, progress: &UploadProgress) -> Result<(), StoreError> {
        self.driver.driver.abort(&progress.driver).await.map_err(|error| self.driver.fault("abort", error))
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
    /// All bytes, unverified but for their number: whoever asks is about to hash them.
    async fn whole(&self, key: &ObjectKey, size: u64) -> Result<Outgoing, StoreError> {
        let body = match self.open(key, None).await? {
            Source::File { file, offset, length } => {
                self.check_file(&file, offset, length, size)?;
                read::file(&self.buffers, file, offset, size)?
            }
            Source::Bytes(bytes) if bytes.len() as u64 == size => ObjectBody::Bytes(bytes),
            Source::Bytes(bytes) => {
                return Err(self.driver.nonsense("open", format!("{} bytes, the object has {size}", bytes.len())));
            }
            Source::Stream(source) => {
                let plugin = Arc::clone(&self.driver.driver.label().name);
                let expected = Expected { digest: None, size, wanted: (0, size) };
                read::verified(source, expected, move |error| fault(&plugin, "read", error)).await?
            }
        };
        Ok(match body {
            ObjectBody::Bytes(bytes) => Box::pin(futures_util::stream::iter([Ok(bytes)])),
            ObjectBody::Stream(stream) => stream,
        })
    }
}

//! A storage with what it lies over. It follows a driver's answer down to where the bytes are: a file, an HTTP answer, or bytes that a guest
//! makes; a layer's answer leads to the layer below, and so on.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;

use bulkhead_core::ports::driver::{BelowSlice, ByteSource, LayerName, ObjectKey, Source, StorageDriver};
use bulkhead_core::ports::store::StoreError;
use bulkhead_oci::ByteRange;
use futures_util::future::BoxFuture;

use crate::dataplane::buffers::Buffers;
use crate::dataplane::source::{Decoding, FilePieces, GuestPieces, Resuming};
use crate::guard::GuardedDriver;
use crate::trace::Traces;

/// Whose hands a stream's bytes pass through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// A guest's: they are verified, a range of them too, whatever that costs.
    Guest,
    /// The host's alone (an HTTP answer): as good as the place that the guest named.
    Host,
}

/// Where an object's bytes are, found and opened.
pub(crate) enum Opened {
    /// So many bytes of a file are there.
    File { file: File, offset: u64, length: u64 },
    /// They come piece by piece.
    Stream { source: Box<dyn ByteSource>, passage: Passage },
}

/// The layer that is to get a copy of what is read.
pub(crate) struct CopyTo {
    pub(crate) layer: LayerName,
    pub(crate) stack: Arc<Stack>,
}

/// A guarded driver, and the storages that it lies over by the names that it gives them.
pub struct Stack {
    pub(crate) driver: GuardedDriver,
    pub(crate) below: BTreeMap<LayerName, Arc<Stack>>,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) traces: Traces,
}

impl Stack {
    /// Of this driver over these.
    pub fn new(driver: Arc<dyn StorageDriver>, below: BTreeMap<LayerName, Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { driver: GuardedDriver::new(driver), below, buffers: Arc::default(), traces: Traces::default() })
    }

    /// The driver of the top.
    pub fn driver(&self) -> &GuardedDriver {
        &self.driver
    }

    pub(crate) fn layer(&self, name: &LayerName) -> Result<&Arc<Self>, StoreError> {
        self.below.get(name).ok_or_else(|| self.driver.nonsense("open", format!("there is no layer {name}")))
    }

    /// The object, or a range of it; `length` is how many bytes that are, where it is known.
    pub(crate) fn open<'a>(
        self: &'a Arc<Self>,
        key: &'a ObjectKey,
        range: Option<ByteRange>,
        length: Option<u64>,
    ) -> BoxFuture<'a, Result<Opened, StoreError>> {
        Box::pin(async move { Ok(self.open_to_copy(key, range, length).await?.0) })
    }

    /// The same, and who is to get a copy of it.
    pub(crate) async fn open_to_copy(
        self: &Arc<Self>,
        key: &ObjectKey,
        range: Option<ByteRange>,
        length: Option<u64>,
    ) -> Result<(Opened, Option<CopyTo>), StoreError> {
        let source = self.driver.open(key, range).await?;
        let opened = match source {
            Source::File { file, offset, length: said } => self.file(file, offset, said, length)?,
            Source::Bytes(first) => {
                let length = self.known(key, length).await?;
                let source =
                    GuestPieces::new(self.driver.clone(), key.clone(), range.map_or(0, |range| range.offset), length, first);
                Opened::Stream { source: Box::new(source), passage: Passage::Guest }
            }
            Source::Http(source) => Opened::Stream { source: self.resuming(source, key, range, length), passage: Passage::Host },
            Source::Below(slice) => self.open_below(&slice, length).await?,
            Source::Decoded(decoded) => {
                let stored = self.stored_length(&decoded.from).await?;
                let from = self.open_below(&decoded.from, Some(stored)).await?.into_source(&self.buffers);
                // A whole that is longer than it should be is for whoever reads it to notice.
                let wanted = range.map(|range| range.length);
                Opened::Stream {
                    source: Box::new(Decoding::new(self.driver.clone(), from, decoded, wanted)),
                    passage: Passage::Guest,
                }
            }
            Source::Copied { from, to } => {
                let copy = CopyTo { stack: Arc::clone(self.layer(&to)?), layer: to };
                return Ok((self.open_below(&from, length).await?, Some(copy)));
            }
        };
        Ok((opened, None))
    }

    async fn open_below(&self, slice: &BelowSlice, length: Option<u64>) -> Result<Opened, StoreError> {
        let length = slice.range.map(|range| range.length).or(length);
        self.layer(&slice.layer)?.open(&slice.key, slice.range, length).await
    }

    async fn stored_length(&self, slice: &BelowSlice) -> Result<u64, StoreError> {
        match slice.range {
            Some(range) => Ok(range.length),
            None => self.layer(&slice.layer)?.known(&slice.key, None).await,
        }
    }

    /// `length`, or else the object's size as the driver has it.
    async fn known(&self, key: &ObjectKey, length: Option<u64>) -> Result<u64, StoreError> {
        match length {
            Some(length) => Ok(length),
            None => Ok(self.driver.stat(key).await?.ok_or(StoreError::NotFound)?.size),
        }
    }

    fn resuming(
        &self,
        source: Box<dyn ByteSource>,
        key: &ObjectKey,
        range: Option<ByteRange>,
        length: Option<u64>,
    ) -> Box<dyn ByteSource> {
        let Some(length) = length else { return source };
        Box::new(Resuming::new(self.driver.clone(), source, key.clone(), range.map_or(0, |range| range.offset), length))
    }

    /// How many of the bytes from the slice's beginning on are there, at least as far as can be seen.
    fn file(&self, file: File, offset: u64, said: Option<u64>, wanted: Option<u64>) -> Result<Opened, StoreError> {
        let metadata = file
            .metadata()
            .map_err(|error| StoreError::Io { doing: "looking at an object's file", reason: error.to_string() })?;
        let there = metadata.len().saturating_sub(offset);
        let length = said.map_or(there, |length| length.min(there));
        if wanted.is_some_and(|wanted| wanted != length) {
            let wanted = wanted.unwrap_or_default();
            return Err(self.driver.nonsense("open", format!("a file slice of {length} bytes, the object's is {wanted}")));
        }
        Ok(Opened::File { file, offset, length })
    }
}

impl Opened {
    /// As bytes that come piece by piece.
    pub(crate) fn into_source(self, buffers: &Arc<Buffers>) -> Box<dyn ByteSource> {
        match self {
            Self::File { file, offset, length } => Box::new(FilePieces::new(Arc::clone(buffers), file, offset, length)),
            Self::Stream { source, .. } => source,
        }
    }
}

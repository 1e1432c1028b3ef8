//! Sources that are made of other ones: a file in pieces, pieces of a guest, an answer that broke off and goes on, bytes that a guest decodes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::driver::{ByteSource, Decoded, ObjectKey, Source};
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_oci::ByteRange;
use bytes::{Bytes, BytesMut};
use tokio::task::spawn_blocking;

use super::PIECE;
use super::buffers::Buffers;
use crate::guard::GuardedDriver;

/// How often a read goes on after its answer broke off, without a MiB read in between.
const RESUMPTIONS: u32 = 3;
const PROGRESS: u64 = 1024 * 1024;

/// A part of a file.
pub struct FilePieces {
    buffers: Arc<Buffers>,
    file: Arc<File>,
    next: u64,
    end: u64,
}

impl FilePieces {
    /// So many bytes from there on.
    pub fn new(buffers: Arc<Buffers>, file: File, offset: u64, length: u64) -> Self {
        Self { buffers, file: Arc::new(file), next: offset, end: offset + length }
    }
}

#[async_trait]
impl ByteSource for FilePieces {
    async fn read(&mut self, most: u32) -> Result<Bytes, PluginError> {
        let length = (self.end - self.next).min(u64::from(most)).min(PIECE as u64);
        if length == 0 {
            return Ok(Bytes::new());
        }
        let (buffers, file, offset) = (Arc::clone(&self.buffers), Arc::clone(&self.file), self.next);
        let reading = spawn_blocking(move || buffers.fill(length as usize, |piece| file.read_exact_at(piece, offset)));
        let piece = reading.await.unwrap_or_else(|error| Err(super::lost(&error)));
        self.next += length;
        piece.map_err(|error| PluginError::Internal(format!("reading an object's file: {error}")))
    }
}

/// Bytes that a guest makes, a call for each piece.
pub struct GuestPieces {
    driver: GuardedDriver,
    key: ObjectKey,
    next: u64,
    end: u64,
    ready: Option<Bytes>,
}

impl GuestPieces {
    /// `length` bytes from `offset` on, of which `first` are the first.
    pub fn new(driver: GuardedDriver, key: ObjectKey, offset: u64, length: u64, first: Bytes) -> Self {
        Self { driver, key, next: offset, end: offset + length, ready: Some(first) }
    }
}

#[async_trait]
impl ByteSource for GuestPieces {
    async fn read(&mut self, most: u32) -> Result<Bytes, PluginError> {
        let left = self.end - self.next;
        let mut piece = match self.ready.take() {
            Some(piece) => piece,
            None if left == 0 => return Ok(Bytes::new()),
            None => match self.driver.reopen(&self.key, ByteRange { offset: self.next, length: left }).await? {
                Source::Bytes(piece) => piece,
                other => return nonsense(format!("{other:?} for the rest of bytes")),
            },
        };
        if piece.len() as u64 > left || (piece.is_empty() && left > 0) {
            return nonsense(format!("{} bytes where {left} follow", piece.len()));
        }
        if piece.len() > most as usize {
            self.ready = Some(piece.split_off(most as usize));
        }
        self.next += piece.len() as u64;
        Ok(piece)
    }
}

/// An HTTP answer; where it breaks off, the driver is asked for the rest.
pub struct Resuming {
    driver: GuardedDriver,
    source: Box<dyn ByteSource>,
    key: ObjectKey,
    next: u64,
    end: u64,
    left: u32,
    /// Bytes read since it last broke off.
    since: u64,
}

impl Resuming {
    /// `length` bytes from `offset` on.
    pub fn new(driver: GuardedDriver, source: Box<dyn ByteSource>, key: ObjectKey, offset: u64, length: u64) -> Self {
        Self { driver, source, key, next: offset, end: offset + length, left: RESUMPTIONS, since: 0 }
    }
}

#[async_trait]
impl ByteSource for Resuming {
    async fn read(&mut self, most: u32) -> Result<Bytes, PluginError> {
        loop {
            let broken = match self.source.read(most).await {
                Ok(piece) if piece.is_empty() && self.next < self.end => {
                    let reason = format!("the storage's answer ended {} bytes early", self.end - self.next);
                    PluginError::Unavailable { reason, retry_after: None }
                }
                Ok(piece) => {
                    self.next += piece.len() as u64;
                    self.since += piece.len() as u64;
                    if self.since >= PROGRESS {
                        self.left = RESUMPTIONS;
                    }
                    return Ok(piece);
                }
                Err(error) => error,
            };
            if self.left == 0 || self.next >= self.end || !matches!(broken, PluginError::Unavailable { .. }) {
                return Err(broken);
            }
            (self.left, self.since) = (self.left - 1, 0);
            tracing::debug!(plugin = %self.driver.name(), key = %self.key, at = self.next, %broken, "a read goes on after its answer broke off");
            let rest = ByteRange { offset: self.next, length: self.end - self.next };
            match self.driver.reopen(&self.key, rest).await? {
                Source::Http(source) => self.source = source,
                other => return nonsense(format!("{other:?} for the rest of an HTTP answer")),
            }
        }
    }
}

/// What a guest makes of stored bytes.
pub struct Decoding {
    driver: GuardedDriver,
    from: Box<dyn ByteSource>,
    what: Decoded,
    /// Where the next stored bytes begin.
    offset: u64,
    /// Bytes still to leave out.
    skip: u64,
    /// Bytes still to hand out, where a range was asked for.
    left: Option<u64>,
    ready: Bytes,
}

impl Decoding {
    /// All of it, or as many bytes as are wanted.
    pub fn new(driver: GuardedDriver, from: Box<dyn ByteSource>, what: Decoded, wanted: Option<u64>) -> Self {
        Self { driver, from, offset: 0, skip: what.skip, what, left: wanted, ready: Bytes::new() }
    }

    /// As many stored bytes as go into one call, fewer only at their end.
    async fn stored(&mut self) -> Result<Bytes, PluginError> {
        let goal = self.what.piece as usize;
        let first = self.from.read(self.what.piece).await?;
        if first.len() == goal || first.is_empty() {
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(goal);
        whole.extend_from_slice(&first);
        while whole.len() < goal {
            let piece = self.from.read((goal - whole.len()) as u32).await?;
            if piece.is_empty() {
                break;
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

#[async_trait]
impl ByteSource for Decoding {
    async fn read(&mut self, most: u32) -> Result<Bytes, PluginError> {
        while self.ready.is_empty() {
            if self.left == Some(0) {
                return Ok(Bytes::new());
            }
            let stored = self.stored().await?;
            if stored.is_empty() {
                return Ok(Bytes::new());
            }
            let mut made = self.driver.decode(&self.what.context, self.offset, &stored).await?;
            self.offset += stored.len() as u64;
            let skipped = self.skip.min(made.len() as u64);
            self.skip -= skipped;
            let _ = made.split_to(skipped as usize);
            if let Some(left) = &mut self.left {
                made.truncate((*left).min(made.len() as u64) as usize);
                *left -= made.len() as u64;
            }
            self.ready = made;
        }
        Ok(self.ready.split_to(self.ready.len().min(most.max(1) as usize)))
    }
}

fn nonsense<T>(text: String) -> Result<T, PluginError> {
    Err(PluginError::Nonsense(text))
}

//! Reads: a file in large pieces with one ahead, or a stream that is verified on its way.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::driver::ByteSource;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_core::ports::store::{ObjectBody, Outgoing, StoreError};
use bulkhead_oci::Digest;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use tokio::task::{JoinHandle, spawn_blocking};

use super::buffers::Buffers;
use super::{PIECE, SMALL_PIECE, lost};
use crate::hash::Hasher;

/// Up to here a file is read on the spot: a hop to the blocking pool costs more than a read from the page cache.
const INLINE: u64 = 64 * 1024;

/// Whoever takes longer than this for a piece is slow: it gets small ones, and none is read ahead, so that it holds little memory.
const SLOW: Duration = Duration::from_millis(50);

/// Exactly `length` bytes of a file from `offset` on. The caller has made sure that they are there.
pub fn file(buffers: &Arc<Buffers>, file: File, offset: u64, length: u64) -> Result<ObjectBody, StoreError> {
    if length <= INLINE {
        let mut piece = vec![0; length as usize];
        file.read_exact_at(&mut piece, offset).map_err(reading)?;
        return Ok(ObjectBody::Bytes(piece.into()));
    }
    let (buffers, file, end) = (Arc::clone(buffers), Arc::new(file), offset + length);
    let pieces =
        Pieces { buffers, file, next: offset, end, size: SMALL_PIECE as u64, asked: None, ahead: VecDeque::with_capacity(2) };
    Ok(ObjectBody::Stream(pieces.stream()))
}

struct Pieces {
    buffers: Arc<Buffers>,
    file: Arc<File>,
    next: u64,
    end: u64,
    /// The next piece's size.
    size: u64,
    /// When the piece before was asked for.
    asked: Option<Instant>,
    ahead: VecDeque<JoinHandle<io::Result<Bytes>>>,
}

impl Pieces {
    fn stream(self) -> Outgoing {
        Box::pin(stream::unfold(self, |mut state| async move {
            state.read_ahead();
            let piece = match state.ahead.pop_front()?.await {
                Ok(piece) => piece,
                Err(error) => Err(lost(&error)),
            };
            // Once one has failed nothing after it is of use: the connection ends there.
            if piece.is_err() {
                state.ahead.clear();
                state.next = state.end;
            }
            Some((piece.map_err(reading), state))
        }))
    }

    fn read_ahead(&mut self) {
        let fast = self.asked.replace(Instant::now()).is_some_and(|asked| asked.elapsed() < SLOW);
        self.size = if fast { (self.size * 2).min(PIECE as u64) } else { SMALL_PIECE as u64 };
        let most = if fast { 2 } else { 1 };
        while self.ahead.len() < most && self.next < self.end {
            let length = (self.end - self.next).min(self.size);
            let (buffers, file, offset) = (Arc::clone(&self.buffers), Arc::clone(&self.file), self.next);
            self.ahead
                .push_back(spawn_blocking(move || buffers.fill(length as usize, |piece| file.read_exact_at(piece, offset))));
            self.next += length;
        }
    }
}

fn reading(error: io::Error) -> StoreError {
    StoreError::Io { doing: "reading an object's file", reason: error.to_string() }
}

/// What a stream has to be.
pub struct Expected {
    /// Its digest; none: it cannot be verified, being a range.
    pub digest: Option<Digest>,
    /// Its size in bytes.
    pub size: u64,
    /// What of it is handed out: offset and length.
    pub wanted: (u64, u64),
}

/// Reads a stream that may lie: too short, too long, or other bytes are an error before the last piece is handed out.
///
/// `fault` says in the guard's words what is wrong.
pub async fn verified<F>(source: Box<dyn ByteSource>, expected: Expected, fault: F) -> Result<ObjectBody, StoreError>
where
    F: Fn(PluginError) -> StoreError + Send + 'static,
{
    let small = expected.size <= PIECE as u64;
    let hasher = expected.digest.as_ref().map(|digest| Hasher::new(digest.algorithm()));
    let mut checked = Checked { source, expected, hasher, seen: 0, held: Bytes::new(), fault };
    if !small {
        return Ok(ObjectBody::Stream(Box::pin(stream::try_unfold(Some(checked), |state| async move {
            let Some(mut checked) = state else { return Ok(None) };
            let (piece, more) = checked.advance().await?;
            Ok(Some((piece, more.then_some(checked))))
        }))));
    }
    let mut whole = BytesMut::with_capacity(checked.expected.wanted.1 as usize);
    loop {
        let (piece, more) = checked.advance().await?;
        whole.extend_from_slice(&piece);
        if !more {
            return Ok(ObjectBody::Bytes(whole.freeze()));
        }
    }
}

struct Checked<F> {
    source: Box<dyn ByteSource>,
    expected: Expected,
    hasher: Option<Hasher>,
    seen: u64,
    /// Handed out only when what follows it is known to be right.
    held: Bytes,
    fault: F,
}

impl<F: Fn(PluginError) -> StoreError> Checked<F> {
    /// The piece before this one, and whether more follows.
    async fn advance(&mut self) -> Result<(Bytes, bool), StoreError> {
        loop {
            let piece = self.source.read(PIECE as u32).await.map_err(&self.fault)?;
            if piece.is_empty() {
                self.check_end()?;
                return Ok((std::mem::take(&mut self.held), false));
            }
            let from = self.seen;
            self.seen += piece.len() as u64;
            if self.seen > self.expected.size {
                return Err(self.nonsense("more bytes than the object has"));
            }
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&piece);
            }
            let wanted = cut(&piece, from, self.expected.wanted);
            if !wanted.is_empty() {
                let ready = std::mem::replace(&mut self.held, wanted);
                if !ready.is_empty() {
                    return Ok((ready, true));
                }
            }
        }
    }

    fn check_end(&mut self) -> Result<(), StoreError> {
        if self.seen < self.expected.size {
            return Err(self.nonsense("fewer bytes than the object has"));
        }
        match (self.hasher.take(), &self.expected.digest) {
            (Some(hasher), Some(expected)) => {
                let found = hasher.digest();
                if found == *expected {
                    return Ok(());
                }
                Err(StoreError::DigestMismatch { expected: expected.clone(), found })
            }
            _ => Ok(()),
        }
    }

    fn nonsense(&self, what: &str) -> StoreError {
        let text = format!("{what}: {} of {}", self.seen, self.expected.size);
        (self.fault)(PluginError::Nonsense(text))
    }
}

/// What of a piece that begins at `from` lies within `wanted`.
fn cut(piece: &Bytes, from: u64, wanted: (u64, u64)) -> Bytes {
    let (start, end) = (wanted.0, wanted.0 + wanted.1);
    let low = start.clamp(from, from + piece.len() as u64) - from;
    let high = end.clamp(from, from + piece.len() as u64) - from;
    piece.slice(low as usize..high.max(low) as usize)
}

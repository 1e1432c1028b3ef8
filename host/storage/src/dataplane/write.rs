//! Writes: a client's body into a file, hashed on one thread while the disk takes it on another, or into a guest's sink.

use std::fs::File;
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::driver::ByteSink;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_core::ports::store::{Ended, Incoming};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{PIECE, lost};
use crate::hash::Hasher;

/// Frames below this are copied together: each one kept apart would hold its whole network buffer.
const SMALL_FRAME: usize = 16 * 1024;

/// The least that is worth moving before the body has ended.
const LEAST: u64 = 64 * 1024;
/// A client that takes longer than this for a piece is slow: what has come is moved on, so that it holds little memory.
const SLOW: Duration = Duration::from_millis(100);

/// The frames of one piece, in order, shared by the thread that hashes and the one that writes.
pub type Piece = Arc<Vec<Bytes>>;

/// A client's body, taken in pieces, up to a limit.
pub struct Intake {
    body: Incoming,
    left: u64,
    carry: Option<Bytes>,
}

/// What comes of an intake.
pub enum Taken {
    /// A full piece, and more may follow.
    Piece(Piece, u64),
    /// The last piece, perhaps empty, and how the body ended.
    Last(Piece, u64, Ended),
}

impl Intake {
    /// At most `most` bytes of this body.
    pub fn new(body: Incoming, most: u64) -> Self {
        Self { body, left: most, carry: None }
    }

    /// The next piece, of at most `room` bytes where the sink takes no more.
    pub async fn next(&mut self, room: u64) -> Taken {
        let goal = (PIECE as u64).min(room);
        let mut frames = Vec::new();
        let mut tail = BytesMut::new();
        let mut size: u64 = 0;
        let begun = Instant::now();
        let ended = loop {
            if size >= goal || (size >= LEAST && begun.elapsed() > SLOW) {
                break None;
            }
            let mut frame = match self.carry.take() {
                Some(frame) => frame,
                None => match self.body.next().await {
                    None => break Some(Ended::Complete),
                    Some(Err(error)) => break Some(Ended::Broken(error)),
                    Some(Ok(frame)) if frame.len() as u64 > self.left => break Some(Ended::TooLong),
                    Some(Ok(frame)) => {
                        self.left -= frame.len() as u64;
                        frame
                    }
                },
            };
            if frame.len() as u64 > room - size {
                self.carry = Some(frame.split_off((room - size) as usize));
            }
            size += frame.len() as u64;
            if frame.len() < SMALL_FRAME {
                tail.extend_from_slice(&frame);
            } else {
                if !tail.is_empty() {
                    frames.push(tail.split().freeze());
                }
                frames.push(frame);
            }
        };
        if !tail.is_empty() {
            frames.push(tail.freeze());
        }
        match ended {
            None => Taken::Piece(Arc::new(frames), size),
            Some(ended) => Taken::Last(Arc::new(frames), size, ended),
        }
    }
}

/// Something that is at hand, or on the blocking pool at this moment.
enum Job<T> {
    Ready(T),
    Running(JoinHandle<io::Result<T>>),
}

impl<T: Send + 'static> Job<T> {
    async fn take(self) -> io::Result<T> {
        match self {
            Self::Ready(value) => Ok(value),
            Self::Running(handle) => handle.await.unwrap_or_else(|error| Err(lost(&error))),
        }
    }

    fn run(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Self {
        Self::Running(spawn_blocking(work))
    }
}

/// A file that is written from one place on.
struct Target {
    file: File,
    /// Where it is to be cut before the first byte; none: that has been done.
    cut: Option<u64>,
}

/// Puts a whole body into a file from `offset` on, which is cut there first, and syncs it. Returns the bytes written, the hash over them
/// too, and how the body ended.
pub async fn to_file(file: File, offset: u64, hasher: Hasher, intake: &mut Intake) -> io::Result<(u64, Hasher, Ended)> {
    let mut hashing = Job::Ready(hasher);
    let mut writing = Job::Ready(Target { file, cut: Some(offset) });
    let mut written: u64 = 0;
    loop {
        match intake.next(u64::MAX).await {
            Taken::Piece(piece, size) => {
                written += size;
                let (hasher, target) = (hashing.take().await?, writing.take().await?);
                let shared = Arc::clone(&piece);
                hashing = Job::run(move || Ok(hash(hasher, &shared)));
                writing = Job::run(move || write(target, &piece));
            }
            Taken::Last(piece, size, ended) => {
                written += size;
                let (hasher, target) = (hashing.take().await?, writing.take().await?);
                let hasher = finish(hasher, target, piece).await?;
                return Ok((written, hasher, ended));
            }
        }
    }
}

/// The last piece: hashed and written on one thread, since the sync is what takes its time.
async fn finish(hasher: Hasher, target: Target, piece: Piece) -> io::Result<Hasher> {
    let last = Job::run(move || {
        let target = write(target, &piece)?;
        target.file.sync_data()?;
        Ok(hash(hasher, &piece))
    });
    last.take().await
}

fn hash(mut hasher: Hasher, piece: &[Bytes]) -> Hasher {
    for frame in piece {
        hasher.update(frame);
    }
    hasher
}

fn write(mut target: Target, piece: &[Bytes]) -> io::Result<Target> {
    if let Some(offset) = target.cut.take() {
        cut(&mut target.file, offset)?;
    }
    let mut slices: Vec<IoSlice<'_>> = piece.iter().map(|frame| IoSlice::new(frame)).collect();
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        match target.file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => IoSlice::advance_slices(&mut rest, count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(target)
}

/// Bytes past `offset` are of a chunk that was never acknowledged; bytes missing before it were, and are lost.
fn cut(file: &mut File, offset: u64) -> io::Result<()> {
    let there = file.metadata()?.len();
    if there < offset {
        let text = format!("{there} bytes of the upload are there, {offset} were acknowledged");
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
    }
    if there > offset {
        file.set_len(offset)?;
    }
    file.seek(SeekFrom::Start(offset))?;
    Ok(())
}

/// Hands at most `room` bytes of a body to a guest's or an HTTP sink. Returns the bytes written, and how the body ended if it did.
pub async fn to_sink(
    sink: &mut dyn ByteSink,
    room: u64,
    hasher: &mut Hasher,
    intake: &mut Intake,
) -> Result<(u64, Option<Ended>), PluginError> {
    let mut written: u64 = 0;
    loop {
        let (piece, size, ended) = match intake.next(room - written).await {
            Taken::Piece(piece, size) => (piece, size, None),
            Taken::Last(piece, size, ended) => (piece, size, Some(ended)),
        };
        for frame in &*piece {
            hasher.update(frame);
            sink.write(frame.clone()).await?;
        }
        written += size;
        if ended.is_some() || written == room {
            return Ok((written, ended));
        }
    }
}

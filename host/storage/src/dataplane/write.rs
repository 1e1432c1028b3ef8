//! Writes: a client's body into a file, hashed on one thread while the disk takes it on another, or into a guest's sink.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::driver::ByteSink;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_core::ports::store::{Ended, Incoming};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::task::{JoinHandle, spawn_blocking};

use super::buffers::Buffers;
use super::{PIECE, lost};
use crate::hash::Hasher;

/// The least that is worth moving before the body has ended.
const LEAST: usize = super::SMALL_PIECE;
/// A client that takes longer than this for a piece is slow: what has come is moved on, so that it holds little memory.
const SLOW: Duration = Duration::from_millis(100);

/// Bytes that are written before the disk is made to begin with them.
const EARLY: u64 = 32 * 1024 * 1024;

/// A client's body, taken in pieces, up to a limit.
pub struct Intake {
    body: Incoming,
    left: u64,
    /// What is left of the last frame.
    frame: Bytes,
    buffers: Arc<Buffers>,
}

/// What comes of an intake.
pub enum Taken {
    /// A piece, and more may follow.
    Piece(Bytes),
    /// The last piece, perhaps empty, and how the body ended.
    Last(Bytes, Ended),
}

impl Intake {
    /// At most `most` bytes of this body.
    pub fn new(buffers: &Arc<Buffers>, body: Incoming, most: u64) -> Self {
        Self { body, left: most, frame: Bytes::new(), buffers: Arc::clone(buffers) }
    }

    /// The next piece, of at most `room` bytes. Frames are copied together: one that was kept would keep its whole network buffer, and
    /// the next would need a fresh one.
    pub async fn next(&mut self, room: u64) -> Taken {
        let goal = usize::try_from(room).map_or(PIECE, |room| room.min(PIECE));
        let mut piece = self.buffers.piece();
        let begun = Instant::now();
        while piece.len() < goal && (piece.len() < LEAST || begun.elapsed() < SLOW) {
            if self.frame.is_empty()
                && let Err(ended) = self.receive().await
            {
                return Taken::Last(piece.freeze(), ended);
            }
            let part = self.frame.split_to(self.frame.len().min(goal - piece.len()));
            piece.extend(&part);
        }
        Taken::Piece(piece.freeze())
    }

    async fn receive(&mut self) -> Result<(), Ended> {
        match self.body.next().await {
            None => Err(Ended::Complete),
            Some(Err(error)) => Err(Ended::Broken(error)),
            Some(Ok(frame)) if frame.len() as u64 > self.left => Err(Ended::TooLong),
            Some(Ok(frame)) => {
                self.left -= frame.len() as u64;
                self.frame = frame;
                Ok(())
            }
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
    let mut early = EarlySync { file: Arc::new(file.try_clone()?), from: 0, running: None };
    let mut hashing = Job::Ready(hasher);
    let mut writing = Job::Ready(Target { file, cut: Some(offset) });
    let mut written: u64 = 0;
    loop {
        match intake.next(u64::MAX).await {
            Taken::Piece(piece) => {
                written += piece.len() as u64;
                let (hasher, target) = (hashing.take().await?, writing.take().await?);
                let shared = piece.clone();
                hashing = Job::run(move || Ok(hash(hasher, &shared)));
                early.step(written).await?;
                writing = Job::run(move || write(target, &piece));
            }
            Taken::Last(piece, ended) => {
                written += piece.len() as u64;
                let (hasher, target) = (hashing.take().await?, writing.take().await?);
                early.end().await?;
                let hasher = finish(hasher, target, piece).await?;
                return Ok((written, hasher, ended));
            }
        }
    }
}

/// Has the disk begin long before the end: otherwise all of a large body waits in memory for the last sync.
struct EarlySync {
    file: Arc<File>,
    /// What was written when the last one began.
    from: u64,
    running: Option<JoinHandle<io::Result<()>>>,
}

impl EarlySync {
    /// Begins one if enough was written since the last, and that one has ended. The system tells a failure once, so it is passed on.
    async fn step(&mut self, written: u64) -> io::Result<()> {
        if written - self.from < EARLY || self.running.as_ref().is_some_and(|running| !running.is_finished()) {
            return Ok(());
        }
        self.end().await?;
        self.from = written;
        let file = Arc::clone(&self.file);
        self.running = Some(spawn_blocking(move || file.sync_data()));
        Ok(())
    }

    async fn end(&mut self) -> io::Result<()> {
        match self.running.take() {
            Some(running) => running.await.unwrap_or_else(|error| Err(lost(&error))),
            None => Ok(()),
        }
    }
}

/// The last piece: hashed and written on one thread, since the sync is what takes its time.
async fn finish(hasher: Hasher, target: Target, piece: Bytes) -> io::Result<Hasher> {
    let last = Job::run(move || {
        let target = write(target, &piece)?;
        target.file.sync_data()?;
        Ok(hash(hasher, &piece))
    });
    last.take().await
}

fn hash(mut hasher: Hasher, piece: &[u8]) -> Hasher {
    hasher.update(piece);
    hasher
}

fn write(mut target: Target, piece: &[u8]) -> io::Result<Target> {
    if let Some(offset) = target.cut.take() {
        cut(&mut target.file, offset)?;
    }
    target.file.write_all(piece)?;
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
        let (piece, ended) = match intake.next(room - written).await {
            Taken::Piece(piece) => (piece, None),
            Taken::Last(piece, ended) => (piece, Some(ended)),
        };
        written += piece.len() as u64;
        hasher.update(&piece);
        if !piece.is_empty() {
            sink.write(piece).await?;
        }
        if ended.is_some() || written == room {
            return Ok((written, ended));
        }
    }
}

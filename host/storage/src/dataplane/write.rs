//! Writes: a client's body into a file, hashed on one thread while the disk takes it on another, or into a guest's sink.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::store::{Ended, Incoming};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::task::{JoinHandle, spawn_blocking};

use super::buffers::{Buffers, Piece};
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
    /// A piece that is being made.
    building: Option<Piece>,
    /// Pieces that were taken while something else went on.
    ahead: VecDeque<Bytes>,
    /// How the body ended, once that is known and not told yet.
    ended: Option<Ended>,
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
        Self {
            body,
            left: most,
            frame: Bytes::new(),
            building: None,
            ahead: VecDeque::new(),
            ended: None,
            buffers: Arc::clone(buffers),
        }
    }

    /// The next piece, of at most `room` bytes. Frames are copied together: one that was kept would keep its whole network buffer, and
    /// the next would need a fresh one.
    pub async fn next(&mut self, room: u64) -> Taken {
        if self.ahead.is_empty() && self.building.as_ref().is_some_and(|piece| piece.len() as u64 > room) {
            self.ahead.extend(self.building.take().map(Piece::freeze));
        }
        if let Some(piece) = self.ahead.front_mut() {
            let whole = piece.len() as u64 <= room;
            let taken = if whole { self.ahead.pop_front().unwrap_or_default() } else { piece.split_to(room as usize) };
            return Taken::Piece(taken);
        }
        if let Some(ended) = self.ended.take() {
            return Taken::Last(Bytes::new(), ended);
        }
        self.fresh(room).await
    }

    /// What is built stays in `self`, so that nothing is lost where a caller gives up waiting.
    async fn fresh(&mut self, room: u64) -> Taken {
        let goal = usize::try_from(room).map_or(PIECE, |room| room.min(PIECE));
        let begun = Instant::now();
        loop {
            let piece = self.building.get_or_insert_with(|| self.buffers.piece());
            let part = self.frame.split_to(self.frame.len().min(goal.saturating_sub(piece.len())));
            piece.extend(&part);
            // More than that is there where a caller that wanted more gave up.
            if piece.len() >= goal || (piece.len() >= LEAST && begun.elapsed() >= SLOW) {
                return Taken::Piece(self.built());
            }
            if let Err(ended) = self.receive().await {
                return Taken::Last(self.built(), ended);
            }
        }
    }

    fn built(&mut self) -> Bytes {
        self.building.take().map(Piece::freeze).unwrap_or_default()
    }

    /// Takes up to `room` bytes that the next calls hand out, while their caller waits for something else.
    pub async fn prefetch(&mut self, room: u64) {
        let building = self.building.as_ref().map_or(0, |piece| piece.len() as u64);
        let mut waiting: u64 = self.ahead.iter().map(|piece| piece.len() as u64).sum();
        if waiting + building >= room {
            return;
        }
        while waiting < room && self.ended.is_none() {
            let (piece, ended) = match self.fresh(room - waiting).await {
                Taken::Piece(piece) => (piece, None),
                Taken::Last(piece, ended) => (piece, Some(ended)),
            };
            self.ended = ended;
            waiting += piece.len() as u64;
            if !piece.is_empty() {
                self.ahead.push_back(piece);
            }
        }
    }

    /// Exactly `length` bytes, fewer only at the body's end.
    pub async fn exactly(&mut self, length: usize) -> (Bytes, Option<Ended>) {
        let (mut whole, mut ended) = (BytesMut::new(), None);
        while whole.len() < length && ended.is_none() {
            let piece = match self.next((length - whole.len()) as u64).await {
                Taken::Piece(piece) => piece,
                Taken::Last(piece, how) => {
                    ended = Some(how);
                    piece
                }
            };
            if whole.is_empty() && (piece.len() == length || ended.is_some()) {
                return (piece, ended);
            }
            whole.extend_from_slice(&piece);
        }
        (whole.freeze(), ended)
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

/// The hash of an upload's bytes, made beside their way to where they are kept; or none, where they are hashed on another level.
pub struct Hashing(Job<Option<Hasher>>);

impl Hashing {
    /// Goes on with this one.
    pub fn with(hasher: Hasher) -> Self {
        Self(Job::Ready(Some(hasher)))
    }

    /// Hashes nothing.
    pub const fn none() -> Self {
        Self(Job::Ready(None))
    }

    /// Waits for what was begun, and begins with this piece.
    pub async fn feed(&mut self, piece: &Bytes) -> io::Result<()> {
        if let Some(mut hasher) = self.take().await? {
            if piece.len() < LEAST {
                hasher.update(piece);
                self.0 = Job::Ready(Some(hasher));
            } else {
                let piece = piece.clone();
                self.0 = Job::run(move || Ok(Some(hash(hasher, &piece))));
            }
        }
        Ok(())
    }

    /// The hasher, once all is hashed that was fed to it.
    pub async fn take(&mut self) -> io::Result<Option<Hasher>> {
        std::mem::replace(&mut self.0, Job::Ready(None)).take().await
    }

    fn put(&mut self, hasher: Option<Hasher>) {
        self.0 = Job::Ready(hasher);
    }
}

/// Puts at most `room` bytes of a body into a file from `offset` on, which is cut there first, and syncs it. Returns the bytes written, and how
/// the body ended if it did.
pub async fn to_file(
    file: File,
    offset: u64,
    room: u64,
    hashing: &mut Hashing,
    intake: &mut Intake,
) -> io::Result<(u64, Option<Ended>)> {
    let mut early = EarlySync { file: Arc::new(file.try_clone()?), from: 0, running: None };
    let mut writing = Job::Ready(Target { file, cut: Some(offset) });
    let mut written: u64 = 0;
    loop {
        let (piece, ended) = match intake.next(room - written).await {
            Taken::Piece(piece) => (piece, None),
            Taken::Last(piece, ended) => (piece, Some(ended)),
        };
        written += piece.len() as u64;
        if ended.is_some() || written == room {
            let (hasher, target) = (hashing.take().await?, writing.take().await?);
            early.end().await?;
            hashing.put(finish(hasher, target, piece).await?);
            return Ok((written, ended));
        }
        hashing.feed(&piece).await?;
        let target = writing.take().await?;
        early.step(written).await?;
        writing = Job::run(move || write(target, &piece));
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
async fn finish(hasher: Option<Hasher>, target: Target, piece: Bytes) -> io::Result<Option<Hasher>> {
    let last = Job::run(move || {
        let target = write(target, &piece)?;
        target.file.sync_data()?;
        Ok(hasher.map(|hasher| hash(hasher, &piece)))
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

/// Gathers at most `room` bytes of a body. Returns them, and how the body ended if it did.
pub async fn gather(room: u64, hashing: &mut Hashing, intake: &mut Intake) -> io::Result<(Vec<Bytes>, Option<Ended>)> {
    let (mut pieces, mut gathered) = (Vec::new(), 0);
    loop {
        let (piece, ended) = match intake.next(room - gathered).await {
            Taken::Piece(piece) => (piece, None),
            Taken::Last(piece, ended) => (piece, Some(ended)),
        };
        gathered += piece.len() as u64;
        hashing.feed(&piece).await?;
        if !piece.is_empty() {
            pieces.push(piece);
        }
        if ended.is_some() || gathered == room {
            return Ok((pieces, ended));
        }
    }
}

//! The audit log: a line for each decision that changes or refuses something, in files that only grow, chained by hash.
//!
//! Each line has the SHA-256 of the line before it, across files too, so that a line that was changed, moved or taken out shows
//! ([`verify`](verify::verify)); only whoever rewrites everything after it could hide that, which is why the last hash is worth keeping elsewhere. The core
//! decides what is an entry (`core::ports::audit`), and keeps secrets out of it; nothing here looks into one. `app` opens the log at the start and closes it
//! at the end; `cli::audit` checks it.

mod files;
mod line;
mod recover;
pub mod verify;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::ports::audit::{Audit, AuditEntry};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::time::timeout;

use crate::data::{self, DataError, DirectoryLock};
pub use files::list;
use writer::{Message, Writer};

/// The most bytes of a line, without its newline. What is longer loses its targets and steps, and says so.
const MAX_LINE: usize = 256 * 1024;

/// So many times `keep` there are files at most, however young they are.
const MOST_FILES: usize = 4;

/// How an audit log is kept.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// Where its files lie. Nobody else writes there.
    pub directory: PathBuf,
    /// How many files are kept; when there are more, the oldest goes, unless it is young. At least 2.
    pub keep: usize,
    /// A file to which a line was added within so long is young. It stays even if there are more than `keep`, so that whoever can make the log
    /// grow cannot push out what they did lately. But there is an end to that: at [`MOST_FILES`] times `keep` the oldest goes, since a full disk
    /// would end the log altogether, and the registry with it.
    pub young: Duration,
    /// From how many bytes on a new file is begun.
    pub file_bytes: u64,
    /// How many entries may be on their way; further ones wait.
    pub queue: usize,
    /// How long one waits. Where the disk has not taken any in that time, it is lost.
    pub patience: Duration,
    /// After which time a line that was written is synced at the latest.
    pub sync_every: Duration,
}

impl AuditOptions {
    /// 16 files of 64 MiB in this directory, a week of them young, synced each second, 4,096 entries on their way, of which each waits 10 s at
    /// most.
    pub fn new(directory: PathBuf) -> Self {
        let (sync_every, patience, young) = (Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(7 * 24 * 3600));
        Self { directory, keep: 16, young, file_bytes: 64 << 20, queue: 4096, patience, sync_every }
    }
}

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The directory, or a file in it, cannot be used.
    #[error("the audit log cannot be kept: {0}")]
    Data(#[from] DataError),
    /// Another server writes to it.
    #[error(
        "the audit log in {0} is in use by another bulkhead: stop that one, or give each server a `directory` of its own in [server.audit]"
    )]
    InUse(PathBuf),
    /// Its end is no line of an audit log.
    #[error(
        "the audit log's last line in {0} is damaged: keep that file elsewhere as evidence, take it away from here, and start again"
    )]
    Damaged(PathBuf),
    /// No thread.
    #[error("the audit log's thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// How far the writer is, counted from the start of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Lines that are in a file.
    pub written: u64,
    /// Of these, lines that a crash of the machine does not take.
    pub synced: u64,
    /// Entries that could not be written.
    pub lost: u64,
}

/// An audit log that is being written.
pub struct AuditLog {
    messages: mpsc::Sender<Message>,
    /// One for each entry that may be on its way; the writer gives them back.
    slots: Arc<Semaphore>,
    patience: Duration,
    /// Entries that waited in vain and the writer has not heard of.
    missed: Arc<AtomicU64>,
    progress: watch::Receiver<Progress>,
}

impl AuditLog {
    /// Goes on with the log in this directory, or begins one, on a thread of its own.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(options: AuditOptions) -> Result<Self, AuditError> {
        data::make_directory(&options.directory)?;
        let lock = lock(&options.directory)?;
        let end = recover::end(&options.directory)?;
        let slots = Arc::new(Semaphore::new(options.queue.clamp(1, Semaphore::MAX_PERMITS)));
        let (messages, receiver) = mpsc::channel();
        let (sender, progress) = watch::channel(Progress::default());
        let (patience, missed) = (options.patience, Arc::default());
        let writer = Writer::new(options, lock, end, receiver, (Arc::clone(&slots), Arc::clone(&missed)), sender)?;
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run()).map_err(AuditError::Thread)?;
        Ok(Self { messages, slots, patience, missed, progress })
    }

    /// Writes and syncs everything that was taken before, and ends the thread. What comes later is lost, and counted.
    pub async fn close(&self) {
        let (done, ended) = oneshot::channel();
        if self.messages.send(Message::End(done)).is_ok() {
            // An error is a thread that has gone: nothing is left to wait for.
            ended.await.ok();
        }
        let lost = self.progress.borrow().lost;
        if lost > 0 {
            tracing::error!(lost, "entries that this server never got into the audit log");
        }
    }

    /// How far it is.
    #[cfg(test)]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }
}

#[async_trait]
impl Audit for AuditLog {
    async fn record(&self, entry: AuditEntry) {
        // A disk that hangs must not hold up every request, and with it all that the requests hold. The semaphore is never closed.
        let Ok(Ok(slot)) = timeout(self.patience, self.slots.acquire()).await else {
            self.missed.fetch_add(1, Ordering::Relaxed);
            return tracing::error!(action = ?entry.action, outcome = ?entry.outcome, "not in the audit log, whose disk takes nothing");
        };
        slot.forget();
        if let Err(mpsc::SendError(Message::Entry(entry))) = self.messages.send(Message::Entry(Box::new(entry))) {
            self.slots.add_permits(1);
            tracing::error!(action = ?entry.action, outcome = ?entry.outcome, "not in the audit log, which is closed");
        }
    }
}

/// The directory is this process's until the value is dropped.
fn lock(directory: &Path) -> Result<DirectoryLock, AuditError> {
    DirectoryLock::take(directory).map_err(|error| match error {
        DataError::InUse(path) => AuditError::InUse(path),
        other => AuditError::Data(other),
    })
}

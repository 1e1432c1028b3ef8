//! The thread that writes the audit log: one entry after the other, synced each second and at the end.
//!
//! Nobody waits for the disk here but the thread itself. Where a line cannot be written (the disk is full), it is lost: that is logged once, counted, and
//! said in the next line that can be written (`lost`), while the chain stays whole.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use bulkhead_core::ports::audit::AuditEntry;
use bulkhead_core::ports::clock::Timestamp;
use tokio::sync::{Semaphore, oneshot, watch};

use super::line::ChainEnd;
use super::recover::End;
use super::{AuditError, AuditOptions, MOST_FILES, Progress, files};
use crate::data::{DataError, DirectoryLock};

/// What the writer is told.
pub enum Message {
    /// To write this.
    Entry(Box<AuditEntry>),
    /// To end; it says when it has.
    End(oneshot::Sender<()>),
}

/// The writer's state.
pub struct Writer {
    options: AuditOptions,
    _lock: DirectoryLock,
    messages: mpsc::Receiver<Message>,
    slots: Arc<Semaphore>,
    /// Entries that never came here, since too many were on their way for too long.
    missed: Arc<AtomicU64>,
    progress: watch::Sender<Progress>,
    file: File,
    number: u64,
    /// How many bytes of whole lines the file has.
    length: u64,
    chain: ChainEnd,
    /// Since when something is written and not synced.
    unsynced: Option<Instant>,
    /// How many entries were lost since the last line that was written.
    lost: u64,
}

impl Writer {
    /// Goes on from this end.
    ///
    /// # Errors
    /// [`AuditError::Data`].
    pub fn new(
        options: AuditOptions,
        lock: DirectoryLock,
        end: End,
        messages: mpsc::Receiver<Message>,
        (slots, missed): (Arc<Semaphore>, Arc<AtomicU64>),
        progress: watch::Sender<Progress>,
    ) -> Result<Self, AuditError> {
        let End { number, length, chain } = end;
        let path = files::path_of(&options.directory, number);
        let file = files::open(&path).map_err(|error| DataError::Unusable { path, error })?;
        let (unsynced, lost) = (None, 0);
        Ok(Self { options, _lock: lock, messages, slots, missed, progress, file, number, length, chain, unsynced, lost })
    }

    /// Writes until it is told to end.
    pub fn run(mut self) {
        loop {
            let message = match self.unsynced {
                None => self.messages.recv().map_err(|_| mpsc::RecvTimeoutError::Disconnected),
                Some(since) => self.messages.recv_timeout(self.options.sync_every.saturating_sub(since.elapsed())),
            };
            match message {
                Ok(Message::Entry(entry)) => {
                    self.take(&entry);
                    self.slots.add_permits(1);
                }
                Ok(Message::End(done)) => {
                    self.sync();
                    // Another server may have the directory from here on.
                    drop(self);
                    done.send(()).ok();
                    return;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.sync(),
            }
            if self.unsynced.is_some_and(|since| since.elapsed() >= self.options.sync_every) {
                self.sync();
            }
        }
    }

    fn take(&mut self, entry: &AuditEntry) {
        let missed = self.missed.swap(0, Ordering::Relaxed);
        if missed > 0 {
            self.lost += missed;
            self.progress.send_modify(|progress| progress.lost += missed);
        }
        let written = match self.chain.next(entry, self.lost) {
            Ok((line, end)) => self.write(line, entry.at).map(|()| end),
            Err(error) => Err(io::Error::other(error)),
        };
        match written {
            Ok(end) => {
                if self.lost > 0 {
                    tracing::warn!(lost = self.lost, "the audit log is written again; what was lost is counted in its next line");
                }
                (self.chain, self.lost) = (end, 0);
                self.unsynced.get_or_insert_with(Instant::now);
                self.progress.send_modify(|progress| progress.written += 1);
            }
            Err(error) => {
                if self.lost == 0 {
                    let path = files::path_of(&self.options.directory, self.number);
                    tracing::error!("the audit log {} cannot be written: {error}; entries are lost until it can", path.display());
                }
                self.lost += 1;
                self.progress.send_modify(|progress| progress.lost += 1);
            }
        }
    }

    /// Writes a whole line, or leaves the file as if nothing had been written.
    fn write(&mut self, mut line: String, now: Timestamp) -> io::Result<()> {
        line.push('\n');
        if self.length > 0 && self.length + line.len() as u64 > self.options.file_bytes {
            self.rotate(now)?;
        }
        // Whatever a failed write left behind goes first.
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(line.as_bytes())?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Goes on in a new file, and takes the oldest away where there are too many.
    fn rotate(&mut self, now: Timestamp) -> io::Result<()> {
        self.file.set_len(self.length)?;
        self.file.sync_all()?;
        let number = self.number + 1;
        let file = files::open(&files::path_of(&self.options.directory, number))?;
        self.unsynced = None;
        self.progress.send_modify(|progress| progress.synced = progress.written);
        (self.file, self.number, self.length) = (file, number, 0);
        self.drop_oldest(now);
        Ok(())
    }

    /// Those that are too many go, but for young ones as long as these are not far too many.
    fn drop_oldest(&self, now: Timestamp) {
        let all = match files::list(&self.options.directory) {
            Ok(all) => all,
            Err(error) => return tracing::warn!("old files of the audit log stay: {error}"),
        };
        let keep = self.options.keep.max(2);
        let extra = all.len().saturating_sub(keep);
        let far_too_many = all.len().saturating_sub(keep.saturating_mul(MOST_FILES));
        for (index, old) in all[..extra].iter().enumerate() {
            let is_young = files::is_younger(&old.path, self.options.young, now);
            if is_young && index >= far_too_many {
                return;
            }
            let path = old.path.display();
            match std::fs::remove_file(&old.path) {
                Ok(()) if is_young => tracing::warn!(
                    "{path}, the oldest file of the audit log, was deleted though it is young: there are {} files, and `keep` is {}; keep copies elsewhere, or set `keep` higher",
                    all.len(),
                    self.options.keep
                ),
                Ok(()) => {
                    tracing::info!("{path}, the oldest file of the audit log, was deleted: `keep` is {}", self.options.keep)
                }
                Err(error) => tracing::warn!("{path}, an old file of the audit log, cannot be deleted: {error}"),
            }
        }
    }

    fn sync(&mut self) {
        if self.unsynced.is_none() {
            return;
        }
        match self.file.sync_data() {
            Ok(()) => {
                self.unsynced = None;
                self.progress.send_modify(|progress| progress.synced = progress.written);
            }
            Err(error) => {
                self.unsynced = Some(Instant::now());
                let path = files::path_of(&self.options.directory, self.number);
                tracing::error!("the audit log {} cannot be synced: {error}", path.display());
            }
        }
    }
}

//! The keys that sign the host's tokens: files in the data directory for their owner alone, of which the newest signs.
//!
//! A key signs until it is old enough for another one to take over, and stays until nothing that it signed can be valid. Whoever reads one can make
//! tokens for everybody; whoever deletes one makes the tokens that it signed worthless. `app` opens them at the start and lets [`TokenKeys::run`] look after
//! them; an operator can have the current one replaced at any time.

mod files;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::auth::{KeyRing, TokenKey};
use bulkhead_core::ports::audit::{Audit, AuditAction, AuditEntry, AuditOutcome};
use bulkhead_core::ports::clock::{Clock, Timestamp};
use bulkhead_core::ports::context::Identity;
use bulkhead_http::{KeyRotation, RotatedKeys};

use crate::data::{self, DataError};
use files::KeyFile;

/// How often somebody looks whether the current key is too old, and whether an earlier one can go.
const LOOK: Duration = Duration::from_secs(3600);

/// The most keys at the same time: each of them is in the public list, and an operator may rotate as often as they like.
const MOST: usize = 64;

/// When keys come and go.
#[derive(Clone, Copy, Debug)]
pub struct KeySchedule {
    /// How old the key that signs may become.
    pub every: Duration,
    /// How long a key stays after another one has taken over: as long as the longest life of a token.
    pub keep: Duration,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum TokenKeyError {
    /// It cannot be kept.
    #[error(transparent)]
    Unwritable(#[from] DataError),
    /// It cannot be read.
    #[error("the token key {path} cannot be read: {error}")]
    Unreadable {
        /// The file, or the folder of all of them.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// It is none.
    #[error(
        "the token key {path} is {error}; put back the copy that was there, or delete the file: the tokens that it signed are then worthless, and a new key is made where none is left"
    )]
    Useless {
        /// The file.
        path: PathBuf,
        /// What it is.
        error: bulkhead_core::auth::KeyError,
    },
    /// There is no room for another one.
    #[error(
        "there are {MOST} token keys already, and each may have signed tokens that are valid still: rotate again when the oldest of them has gone"
    )]
    TooMany,
}

/// The keys of a data directory.
pub struct TokenKeys {
    folder: PathBuf,
    schedule: KeySchedule,
    clock: Arc<dyn Clock>,
    ring: Arc<KeyRing>,
    /// In the order of their making: the last one signs. Never empty.
    files: Mutex<Vec<KeyFile>>,
    /// The key that was made since the one before was too old, until the audit log has heard of it.
    untold: Mutex<Option<RotatedKeys>>,
}

impl TokenKeys {
    /// Reads them, makes one where there is none, and looks after them a first time.
    ///
    /// # Errors
    /// [`TokenKeyError`].
    pub fn open(data: &Path, schedule: KeySchedule, clock: Arc<dyn Clock>) -> Result<Self, TokenKeyError> {
        let folder = data.join("keys");
        data::make_directory(&folder)?;
        let mut found = files::read(&folder)?;
        if found.is_empty() {
            found.push(files::make(&folder, clock.now())?);
        }
        let (mut files, mut keys): (Vec<KeyFile>, Vec<TokenKey>) = found.into_iter().unzip();
        files.shrink_to_fit();
        let current = keys.pop().expect("one was made where there was none");
        let ring = Arc::new(KeyRing::new(current, keys));
        let all = Self { folder, schedule, clock, ring, files: Mutex::new(files), untold: Mutex::default() };
        all.tend()?;
        Ok(all)
    }

    /// What signs and checks tokens.
    pub fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// Makes another key, which signs from now on; its id, and how many there are. Blocks for the disk.
    ///
    /// # Errors
    /// [`TokenKeyError`]: the current key goes on signing.
    pub fn rotate(&self) -> Result<RotatedKeys, TokenKeyError> {
        self.rotate_locked(&mut locked(&self.files))
    }

    fn rotate_locked(&self, files: &mut Vec<KeyFile>) -> Result<RotatedKeys, TokenKeyError> {
        if files.len() >= MOST {
            return Err(TokenKeyError::TooMany);
        }
        // Later than the one before even if the clock was put back.
        let least = files.last().map_or(Timestamp(0), |last| last.created.after(Duration::from_secs(1)));
        let (file, key) = files::make(&self.folder, self.clock.now().max(least))?;
        let kid = file.kid.clone();
        self.ring.rotate(key);
        files.push(file);
        Ok(RotatedKeys { kid, keys: files.len() })
    }

    /// Has a new key sign where the current one is too old, and takes away those that nothing valid is signed with. Blocks for the disk.
    ///
    /// # Errors
    /// [`TokenKeyError`]: what there was before goes on.
    pub fn tend(&self) -> Result<(), TokenKeyError> {
        let mut files = locked(&self.files);
        let now = self.clock.now();
        let old = |made: Timestamp, age: Duration| made.after(age) <= now;
        if files.last().is_some_and(|current| old(current.created, self.schedule.every)) {
            let new = self.rotate_locked(&mut files)?;
            tracing::info!(kid = new.kid, keys = new.keys, "tokens are signed with a new key");
            *locked(&self.untold) = Some(new);
        }
        // A key has retired when the next one was made.
        while files.get(1).is_some_and(|next| old(next.created, self.schedule.keep)) {
            let retired = files.remove(0);
            self.ring.forget(&retired.kid);
            std::fs::remove_file(&retired.path).map_err(|error| DataError::Unusable { path: retired.path.clone(), error })?;
            tracing::info!(kid = retired.kid, "a token key is gone: nothing that it signed is valid any more");
        }
        Ok(())
    }

    /// Looks after them once an hour, for ever, and tells the audit log of each new key.
    pub async fn run(self: Arc<Self>, audit: Arc<dyn Audit>) {
        loop {
            let rotated = locked(&self.untold).take();
            if let Some(rotated) = rotated {
                audit.record(entry(&*self.clock, rotated, None)).await;
            }
            self.clock.sleep(LOOK).await;
            let keys = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || keys.tend()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!("the token keys stay as they are: {error}"),
                Err(error) => tracing::error!("the token keys stay as they are: {error}"),
            }
        }
    }
}

/// A panic on the way leaves behind it what is right.
fn locked<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the audit log is told of a new key; `by` whom, where somebody asked for it.
fn entry(clock: &dyn Clock, rotated: RotatedKeys, by: Option<&Identity>) -> AuditEntry {
    let why = if by.is_some() { "" } else { "the key before was as old as `key-rotation` lets one become" };
    let entry = AuditEntry::of_host(clock.now(), AuditAction::RotateKeys, AuditOutcome::Done).by(by);
    AuditEntry { targets: vec![rotated.kid], reason: why.to_owned(), ..entry }
}

/// Rotates on behalf of the operator.
pub struct Rotation {
    /// The keys.
    pub keys: Arc<TokenKeys>,
    /// Who hears of it.
    pub audit: Arc<dyn Audit>,
}

#[async_trait]
impl KeyRotation for Rotation {
    async fn rotate(&self) -> Result<RotatedKeys, String> {
        let (keys, audit) = (Arc::clone(&self.keys), Arc::clone(&self.audit));
        // A client that goes away in the middle keeps no new key out of the audit log.
        let done = tokio::spawn(async move {
            let rotating = Arc::clone(&keys);
            let done = tokio::task::spawn_blocking(move || rotating.rotate()).await.map_err(|error| error.to_string())?;
            let rotated = done.map_err(|error| error.to_string())?;
            tracing::info!(kid = rotated.kid, keys = rotated.keys, "tokens are signed with a new key, as the operator asked");
            audit.record(entry(&*keys.clock, rotated.clone(), Some(&bulkhead_http::operator()))).await;
            Ok(rotated)
        });
        done.await.map_err(|error| error.to_string())?
    }
}

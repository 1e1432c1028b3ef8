//! Which file an upload's bytes went to: by that, a commit is known to have published the very file that was hashed on its way in.
//!
//! What is not known here (after a restart, or where the driver changed files in between) has to be hashed again. So it is known, too, whether an
//! upload has exactly the bytes that were acknowledged: after a restart, or an append that was not acknowledged, it may have more.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

use bulkhead_core::ports::store::UploadProgress;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

/// Uploads that are remembered; one that is forgotten is hashed again.
const REMEMBERED: usize = 4096;

/// A file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// Of an open file.
    pub fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

/// Where an upload's bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bottom {
    /// To a file, unchanged.
    File,
    /// To a service, or through a guest, which are verified in other ways.
    Elsewhere,
}

/// The files of the uploads under way.
pub struct Traces {
    /// Uploads that have the acknowledged bytes and no other.
    exact: Cache<[u8; 32], Bottom>,
    files: Cache<[u8; 32], FileIdentity>,
    /// Which upload wrote to a file last: a driver that gives one file to two uploads must not have one stand for the other.
    writers: Cache<FileIdentity, [u8; 32]>,
}

/// An upload that is about to write to a file.
pub struct Claim {
    file: FileIdentity,
    /// Whether everything before is in the same file.
    whole: bool,
}

impl Default for Traces {
    fn default() -> Self {
        Self { exact: Cache::new(REMEMBERED), files: Cache::new(REMEMBERED), writers: Cache::new(REMEMBERED) }
    }
}

impl Traces {
    /// Something is about to be appended.
    pub fn begin(&self, before: &UploadProgress) {
        self.exact.remove(&id(before));
    }

    /// It was, and that is acknowledged.
    pub fn end(&self, after: &UploadProgress, bottom: Bottom) {
        self.exact.insert(id(after), bottom);
    }

    /// Where the bytes are, if they are known to be exactly the acknowledged ones.
    pub fn exact(&self, progress: &UploadProgress) -> Option<Bottom> {
        self.exact.get(&id(progress))
    }

    /// The upload is about to write to `file`, whose bytes are known to be nobody's until that is noted.
    pub fn claim(&self, before: &UploadProgress, file: FileIdentity) -> Claim {
        let whole = before.offset == 0 || self.of(before) == Some(file);
        self.writers.remove(&file);
        Claim { file, whole }
    }

    /// It has written, and stands at `after`.
    pub fn note(&self, claim: &Claim, after: &UploadProgress) {
        if claim.whole {
            self.files.insert(id(after), claim.file);
            self.writers.insert(claim.file, id(after));
        }
    }

    /// The file that all bytes of this upload are in, and nothing else, if that is known.
    pub fn of(&self, progress: &UploadProgress) -> Option<FileIdentity> {
        let id = id(progress);
        self.files.get(&id).filter(|file| self.writers.get(file) == Some(id))
    }
}

/// The hash's state tells one content from another, the driver's one upload from another.
fn id(progress: &UploadProgress) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update((progress.hash.len() as u64).to_le_bytes());
    hasher.update(&progress.hash);
    hasher.update(&progress.driver);
    hasher.finalize().into()
}

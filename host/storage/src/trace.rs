//! Which file an upload's bytes went to: by that, a commit is known to have published the very file that was hashed on its way in.
//!
//! What is not known here (after a restart, or where the driver changed files in between) has to be hashed again.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

use bulkhead_core::ports::store::UploadProgress;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

/// Uploads that are remembered; one that is forgotten is hashed again.
const REMEMBERED: usize = 4096;

/// A file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// The files of the uploads under way.
pub struct Traces(Cache<[u8; 32], FileIdentity>);

impl Default for Traces {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Traces {
    /// All bytes of `after` are in `file`, if those of `before` were.
    pub fn note(&self, before: &UploadProgress, after: &UploadProgress, file: FileIdentity) {
        if before.offset == 0 || self.of(before) == Some(file) {
            self.0.insert(id(after), file);
        }
    }

    /// The file that all bytes of this upload are in, if that is known.
    pub fn of(&self, progress: &UploadProgress) -> Option<FileIdentity> {
        self.0.get(&id(progress))
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

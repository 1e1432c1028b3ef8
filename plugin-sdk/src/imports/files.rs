//! Control of files below granted directories, and of single granted files: what moves no bodies. Paths are as the operator named the grant
//! to the plugin, such as `/blobs/a/b` below the grant `/blobs`. What is not granted is `denied`.

use super::host;
use crate::{Error, Result};

pub use crate::bindings::imports::bulkhead::plugin::files::Entry;

/// The whole file. `not-found` if there is none, `invalid` if it is longer than `most` bytes.
pub fn read(path: &str, most: u32) -> Result<Vec<u8>> {
    host::files::read(path, most)
}

/// None if there is no regular file of that path.
pub fn stat(path: &str) -> Result<Option<Entry>> {
    host::files::stat(path)
}

/// Syncs the file, moves it, syncs the directory: visible at once and after a crash. Makes missing directories above `to`. If anything is at
/// `to` already, `conflict`; if `from` is not there, `not-found`.
pub fn publish(from: &str, to: &str) -> Result<()> {
    host::files::publish(from, to)
}

/// Removes one file; `not-found` if there is none.
pub fn remove(path: &str) -> Result<()> {
    host::files::remove(path)
}

/// Removes one file if it is there.
pub fn remove_if_there(path: &str) -> Result<()> {
    match remove(path) {
        Err(Error::NotFound) => Ok(()),
        other => other,
    }
}

/// The files and directories right in `directory`, in byte order of their paths, strictly after the path `after`; at most `limit` of them,
/// and at most 1,000.
pub fn list(directory: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>> {
    host::files::list(directory, after, limit)
}

impl Entry {
    /// Whether this is a directory, whose path ends with `/`.
    pub fn is_directory(&self) -> bool {
        self.path.ends_with('/')
    }

    /// The last part of the path, with the `/` of a directory.
    pub fn name(&self) -> &str {
        let end = self.path.trim_end_matches('/').len();
        let start = self.path[..end].rfind('/').map_or(0, |slash| slash + 1);
        &self.path[start..]
    }
}

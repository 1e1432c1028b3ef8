//! Names that survive a crash: when a directory has to be synced so that a file's name in it does.
//!
//! ext4 and XFS journal names in order: once anything later was synced, every earlier change of a name is durable too, so that only the last
//! change needs a sync. Elsewhere each directory whose names changed is synced by itself.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags};

/// Directories that are remembered at most; beyond it all are forgotten, which costs no more than syncing them again.
const MAX_KNOWN: usize = 16 * 1024;

/// From `statfs(2)`.
const EXT4: u64 = 0xEF53;
const XFS: u64 = 0x5846_5342;
/// Nothing there survives a crash anyway.
const TMPFS: u64 = 0x0102_1994;

/// How names become durable in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// With whatever is synced next in the same file system.
    Journaled,
    /// With a sync of the directory itself.
    EachSynced,
}

/// How names become durable in the directory that `handle` is, or lies in.
pub(super) fn names(handle: impl AsFd) -> Names {
    let kind = rustix::fs::fstatfs(handle).ok().and_then(|found| u64::try_from(found.f_type).ok());
    match kind {
        Some(EXT4 | XFS | TMPFS) => Names::Journaled,
        _ => Names::EachSynced,
    }
}

/// Syncs a directory's names.
pub(super) fn sync_directory(directory: &Dir) -> io::Result<()> {
    // A `Dir` may be open for looking up only, which cannot be synced.
    let readable = rustix::fs::openat(directory, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::fs::fsync(readable)?;
    Ok(())
}

/// Syncs a file's bytes and size; its times may be lost. Costs next to nothing where the data plane has just done the same.
pub(super) fn sync_file(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// Directories below one grant that are there and whose names are durable.
#[derive(Default)]
pub(super) struct KnownNames(Mutex<HashSet<Box<str>>>);

impl KnownNames {
    /// Makes the directory `path` (empty: the granted one) and those above it, where they are missing, durably.
    pub(super) fn ensure(&self, root: &Dir, path: &str) -> io::Result<()> {
        if path.is_empty() || self.lock().contains(path) {
            return Ok(());
        }
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let journaled = names(root) == Names::Journaled;
        let mut above = "";
        for end in ends {
            let directory = &path[..end];
            match root.create_dir(directory) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            if !journaled {
                sync_directory(&open_directory(root, above)?)?;
            }
            above = directory;
        }
        let mut known = self.lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(path.into());
        Ok(())
    }

    /// The directory turned out not to be there.
    pub(super) fn forget(&self, path: &str) {
        self.lock().remove(path);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Box<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The directory `path` below `root`; empty: `root` itself.
pub(super) fn open_directory(root: &Dir, path: &str) -> io::Result<Dir> {
    if path.is_empty() { root.try_clone() } else { root.open_dir(path) }
}

//! The `files` import: reading, looking, publishing, removing and listing, as `plugin-sdk/wit/host.wit` has them.

use std::collections::BinaryHeap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::FileError;
use super::durable::{Names, names, open_directory, sync_directory, sync_file};
use super::granted::{Granted, Place, Spot};

/// The longest file that is read whole, in bytes, whatever the plugin asks for.
const MAX_READ_BYTES: u64 = 16 * 1024 * 1024;
/// The most entries of one listing.
const MAX_ENTRIES: usize = 1000;
/// Entries that are kept beyond the limit, in case some are gone by the time that they are looked at.
const SPARE_ENTRIES: usize = 64;

/// A file or directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// In full; a directory's ends with `/`.
    pub(crate) path: String,
    /// In bytes; 0 for a directory.
    pub(crate) size: u64,
    /// In milliseconds since 1970.
    pub(crate) modified: u64,
}

impl Granted {
    /// A whole file of at most `most` bytes.
    pub(crate) fn read(&self, path: &str, most: u32) -> Result<Vec<u8>, FileError> {
        let file = self.open_to_read(path)?;
        let most = u64::from(most).min(MAX_READ_BYTES);
        let mut bytes = Vec::new();
        (&file).take(most + 1).read_to_end(&mut bytes).map_err(|error| FileError::of(path, error))?;
        if bytes.len() as u64 > most {
            return Err(FileError::Invalid(format!("{path} is longer than {most} bytes")));
        }
        Ok(bytes)
    }

    /// A regular file's size and time; none if there is none. A symbolic link is none.
    pub(crate) fn stat(&self, path: &str) -> Result<Option<Entry>, FileError> {
        let found = match self.place(path)? {
            Place::File(file) => std::fs::metadata(file).map(|found| (found.is_file(), found.len(), modified(&found))),
            Place::Below(spot) if spot.rest.is_empty() => return Ok(None),
            Place::Below(spot) => spot
                .directory
                .root
                .symlink_metadata(spot.rest)
                .map(|found| (found.is_file(), found.len(), found.modified().map_or(0, |time| millis(time.into_std())))),
        };
        match found.map_err(|error| FileError::of(path, error)) {
            Ok((true, size, modified)) => Ok(Some(Entry { path: path.to_owned(), size, modified })),
            Ok(_) | Err(FileError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes one file, or a link itself.
    pub(crate) fn remove(&self, path: &str) -> Result<(), FileError> {
        let spot = self.writable(path)?;
        spot.directory.root.remove_file(spot.rest).map_err(|error| FileError::of(path, error))
    }

    /// Syncs `from`, moves it to `to` where nothing is yet, and makes both names durable.
    pub(crate) fn publish(&self, from: &str, to: &str) -> Result<(), FileError> {
        let (source, target) = (self.writable(from)?, self.writable(to)?);
        let (source_path, source_name) = source.split();
        let source_directory = open_directory(&source.directory.root, source_path).map_err(|error| FileError::of(from, error))?;
        let file = open_here(&source_directory, source_name).map_err(|error| FileError::of(from, error))?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(FileError::not_regular(from));
        }
        sync_file(&file).map_err(|error| FileError::of(from, error))?;
        let target_directory = made_directory(to, target)?;
        let moved = move_without_replacing(&source_directory, source_name, &target_directory, target.split().1);
        if moved.is_ok() || moved == Err(Errno::EXIST) {
            // Also where the name is there already: whoever made it may not have come to its own sync, and whoever is told `conflict` goes on
            // as if the object were durable.
            sync_directory(&target_directory).map_err(|error| FileError::of(to, error))?;
        }
        moved.map_err(|error| FileError::of(to, error.into()))?;
        if names(&source_directory) == Names::EachSynced {
            sync_directory(&source_directory).map_err(|error| FileError::of(from, error))?;
        }
        Ok(())
    }

    /// What is right in `directory`, in byte order of the full paths, strictly after `after`.
    pub(crate) fn list(&self, directory: &str, after: Option<&str>, limit: u32) -> Result<Vec<Entry>, FileError> {
        let directory = directory.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(directory);
        let spot = self.below(directory)?;
        let limit = usize::try_from(limit).unwrap_or(MAX_ENTRIES).min(MAX_ENTRIES);
        let listed = open_directory(&spot.directory.root, spot.rest)
            .and_then(|opened| Ok((smallest(&opened, directory, after, limit)?, opened)));
        let (paths, opened) = match listed.map_err(|error| FileError::of(directory, error)) {
            Err(FileError::NotFound) => return Ok(Vec::new()),
            other => other?,
        };
        let mut entries = Vec::with_capacity(paths.len().min(limit));
        for path in paths {
            if entries.len() == limit {
                break;
            }
            entries.extend(look_at(&opened, path));
        }
        Ok(entries)
    }
}

/// The directory of `target`, made where it is missing.
fn made_directory(to: &str, target: Spot<'_>) -> Result<Dir, FileError> {
    let (above, _) = target.split();
    let (root, known) = (&target.directory.root, &target.directory.known);
    let opened = known.ensure(root, above).and_then(|()| match open_directory(root, above) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            known.forget(above);
            known.ensure(root, above)?;
            open_directory(root, above)
        }
        other => other,
    });
    opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotADirectory => FileError::Invalid(format!("{to} lies below a file")),
        _ => FileError::of(to, error),
    })
}

/// A name right in `directory`, which is no link.
fn open_here(directory: &Dir, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(directory, name, flags, Mode::empty())?))
}

fn move_without_replacing(from: &Dir, name: &str, to: &Dir, new: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        // File systems that cannot: a second name, which also fails where there is one, then the first goes.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            rustix::fs::linkat(from, name, to, new, AtFlags::empty())?;
            rustix::fs::unlinkat(from, name, AtFlags::empty())
        }
        other => other,
    }
}

/// The smallest paths after `after`, a few more than `limit`, in order. Memory does not grow with the directory.
fn smallest(opened: &Dir, directory: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
    let keep = limit + SPARE_ENTRIES;
    let mut heap = BinaryHeap::with_capacity(keep + 1);
    let base = if directory == "/" { "" } else { directory };
    for entry in opened.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let path = match entry.file_type() {
            Ok(kind) if kind.is_dir() => format!("{base}/{name}/"),
            Ok(kind) if kind.is_file() => format!("{base}/{name}"),
            _ => continue,
        };
        if after.is_some_and(|after| path.as_str() <= after) {
            continue;
        }
        heap.push(path);
        if heap.len() > keep {
            heap.pop();
        }
    }
    Ok(heap.into_sorted_vec())
}

/// None where it has gone, or has become something else, since it was listed.
fn look_at(opened: &Dir, path: String) -> Option<Entry> {
    let is_directory = path.ends_with('/');
    let name = path.trim_end_matches('/').rsplit('/').next()?;
    let found = opened.symlink_metadata(name).ok()?;
    let modified = found.modified().map_or(0, |time| millis(time.into_std()));
    if is_directory && found.is_dir() {
        return Some(Entry { path, size: 0, modified });
    }
    (!is_directory && found.is_file()).then(|| Entry { path, size: found.len(), modified })
}

fn modified(found: &Metadata) -> u64 {
    found.modified().map_or(0, millis)
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

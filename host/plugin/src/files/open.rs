//! Opens what a storage plugin names as a source or a sink. Only regular files: nothing here waits for a pipe, a device or a peer.

use std::fs::File;
use std::io;
use std::path::Path;

use cap_std::fs::{OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::FileError;
use super::durable::{Names, names, open_directory, sync_directory};
use super::granted::{Granted, Place, Spot};

impl Granted {
    /// A regular file for reading.
    pub(crate) fn open_to_read(&self, path: &str) -> Result<File, FileError> {
        let opened = match self.place(path)? {
            Place::File(file) => open_host_file(file),
            Place::Below(spot) if spot.rest.is_empty() => return Err(FileError::not_regular(path)),
            Place::Below(spot) => {
                let mut options = OpenOptions::new();
                options.read(true).custom_flags(nonblocking());
                spot.directory.root.open_with(spot.rest, &options).map(cap_std::fs::File::into_std)
            }
        };
        regular(path, opened)
    }

    /// A regular file for reading and writing, made where it is missing, as are the directories above it. It is not cut.
    pub(crate) fn open_to_write(&self, path: &str) -> Result<File, FileError> {
        let spot = self.writable(path)?;
        let (above, _) = spot.split();
        let known = &spot.directory.known;
        let opened = known.ensure(&spot.directory.root, above).and_then(|()| match open_or_make(spot) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Somebody has removed a directory that was known to be there.
                known.forget(above);
                known.ensure(&spot.directory.root, above)?;
                open_or_make(spot)
            }
            other => other,
        });
        match opened {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotADirectory) => {
                Err(FileError::Invalid(format!("{path} lies below a file")))
            }
            other => regular(path, other),
        }
    }
}

fn open_or_make(spot: Spot<'_>) -> io::Result<File> {
    let root = &spot.directory.root;
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(nonblocking());
    match root.open_with(spot.rest, &options) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other.map(cap_std::fs::File::into_std),
    }
    let made = root.open_with(spot.rest, options.create(true))?.into_std();
    if names(&made) == Names::EachSynced {
        sync_directory(&open_directory(root, spot.split().0)?)?;
    }
    Ok(made)
}

/// A file that the operator granted by itself: links on its way are the operator's own.
pub(super) fn open_host_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().read(true).custom_flags(nonblocking()).open(path)
}

/// Opening a pipe without a writer must not wait. A regular file is not changed by the flag.
fn nonblocking() -> i32 {
    // The flag is far below 2^31.
    OFlags::NONBLOCK.bits().cast_signed()
}

fn regular(path: &str, opened: io::Result<File>) -> Result<File, FileError> {
    let file = opened.map_err(|error| FileError::of(path, error))?;
    let found = file.metadata().map_err(|error| FileError::of(path, error))?;
    // A directory is no object: for a storage plugin it is where objects with longer keys lie.
    if found.is_dir() {
        return Err(FileError::NotFound);
    }
    if found.is_file() { Ok(file) } else { Err(FileError::not_regular(path)) }
}

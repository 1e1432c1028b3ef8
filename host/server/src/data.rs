//! The data directory: made for its owner alone, and locked, so that two servers never share one.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// It, or what is to lie in it, cannot be made or written to.
    #[error("{path} cannot be used: {error}")]
    Unusable {
        /// The directory, or what is in it.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// Another server has it.
    #[error("the data directory {0} is in use by another bulkhead: stop that one, or name another directory with --data")]
    InUse(PathBuf),
}

/// A directory of ours while the value lives, so that two servers never share one.
#[derive(Debug)]
pub struct DirectoryLock {
    /// The lock goes with the file, however the process ends.
    _file: File,
}

impl DirectoryLock {
    /// Locks a directory that is there, by its file `lock`.
    ///
    /// # Errors
    /// [`DataError`].
    pub fn take(directory: &Path) -> Result<Self, DataError> {
        let path = directory.join("lock");
        let unusable = |error| DataError::Unusable { path: path.clone(), error };
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse(directory.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }
}

/// A data directory of ours while the value lives.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: DirectoryLock,
}

impl DataDirectory {
    /// Makes it where it is missing, and locks it.
    ///
    /// # Errors
    /// [`DataError`].
    pub fn open(path: &Path) -> Result<Self, DataError> {
        make_directory(path)?;
        // From here on the path holds whatever becomes of the working directory.
        let path = path.canonicalize().map_err(|error| DataError::Unusable { path: path.to_owned(), error })?;
        let lock = DirectoryLock::take(&path)?;
        Ok(Self { path, _lock: lock })
    }

    /// Where it lies, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A directory for temporary files of ours, removed with everything in it when the value is dropped.
#[derive(Debug)]
pub struct ScratchDirectory(PathBuf);

impl ScratchDirectory {
    /// Makes it, for its owner alone.
    ///
    /// # Errors
    /// [`DataError::Unusable`].
    pub fn new() -> Result<Self, DataError> {
        let path = std::env::temp_dir().join(format!("bulkhead-{}", hex::encode(rand::random::<[u8; 16]>())));
        // Not one that somebody else has made.
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| DataError::Unusable { path: path.clone(), error })?;
        Ok(Self(path))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for ScratchDirectory {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!("{} is left behind: {error}", self.0.display());
        }
    }
}

/// Makes a directory, and those above it, for their owner alone; one that is there stays as it is.
///
/// # Errors
/// [`DataError::Unusable`].
pub fn make_directory(path: &Path) -> Result<(), DataError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| DataError::Unusable { path: path.to_owned(), error })
}

/// Writes a file for its owner alone. After a crash it is whole or not there.
///
/// # Errors
/// [`DataError::Unusable`].
pub fn write_private(file: &Path, content: &[u8]) -> Result<(), DataError> {
    let write = || {
        let mut name = file.as_os_str().to_owned();
        name.push(".new");
        let temporary = PathBuf::from(name);
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        out.write_all(content)?;
        out.sync_all()?;
        std::fs::rename(&temporary, file)?;
        match file.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|error| DataError::Unusable { path: file.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_data_directory_is_made_for_its_owner_alone() {
        let scratch = ScratchDirectory::new().unwrap();
        let data = DataDirectory::open(&scratch.path().join("a/data")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(mode(&data.path().join("lock")), 0o600);
    }

    #[test]
    fn two_servers_do_not_share_a_data_directory() {
        let scratch = ScratchDirectory::new().unwrap();
        let first = DataDirectory::open(scratch.path()).unwrap();
        assert!(matches!(DataDirectory::open(scratch.path()), Err(DataError::InUse(_))));
        drop(first);
        assert!(DataDirectory::open(scratch.path()).is_ok());
    }
}

//! Files that plugins name: below granted directories, and single granted files. No path leaves its grant.
//!
//! Everything here blocks; callers run it off the async threads. The imports use it for control, the storage driver to open what is read
//! and written; nothing else in the crate touches a path that a plugin named.

mod control;
mod durable;
mod granted;
mod open;

pub(crate) use control::Entry;
pub(crate) use granted::Granted;

use std::io;

use bulkhead_core::ports::plugin::PluginError;
use bulkhead_plugin_bindings::bulkhead::plugin::types;
use rustix::io::Errno;

/// Why a file was not had.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileError {
    /// It is not there.
    #[error("not found")]
    NotFound,
    /// Something else is there.
    #[error("conflict")]
    Conflict,
    /// Not granted, or leads out of its grant.
    #[error("{0}")]
    Denied(String),
    /// Cannot be done with this path, whoever asks.
    #[error("{0}")]
    Invalid(String),
    /// The system failed.
    #[error("{0}")]
    System(String),
}

impl FileError {
    /// From what the system said at `path`, which is the plugin's name for it.
    fn of(path: &str, error: io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR) => Self::NotFound,
            Some(Errno::EXIST) => Self::Conflict,
            Some(Errno::ISDIR | Errno::NXIO) => Self::not_regular(path),
            Some(Errno::LOOP) => Self::Denied(format!("{path} is or passes through a symbolic link that is not followed")),
            Some(Errno::NAMETOOLONG | Errno::ILSEQ | Errno::INVAL) => Self::Invalid(format!("{path}: {error}")),
            // cap-std's own error, without the system's number.
            None if error.kind() == io::ErrorKind::PermissionDenied => {
                Self::Denied(format!("{path} leads out of what is granted"))
            }
            _ => Self::System(format!("{path}: {error}")),
        }
    }

    fn not_regular(path: &str) -> Self {
        Self::Invalid(format!("{path} is not a regular file"))
    }
}

impl From<FileError> for types::Error {
    fn from(error: FileError) -> Self {
        match error {
            FileError::NotFound => Self::NotFound,
            FileError::Conflict => Self::Conflict,
            FileError::Denied(text) => Self::Denied(text),
            FileError::Invalid(text) => Self::Invalid(text),
            FileError::System(reason) => Self::Unavailable(types::Unavailable { reason, retry_after: None }),
        }
    }
}

impl From<FileError> for PluginError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::NotFound => Self::NotFound,
            FileError::Conflict => Self::Conflict,
            FileError::Denied(text) => Self::NotGranted(text),
            FileError::Invalid(text) => Self::Nonsense(text),
            FileError::System(reason) => Self::Unavailable { reason, retry_after: None },
        }
    }
}

#[cfg(test)]
mod tests;

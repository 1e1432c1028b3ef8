//! The socket through which whoever may open it administers the server: `admin.sock` in the data directory, for its owner alone.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// The most bytes of a socket's path (`sun_path` of Linux, without the NUL at its end).
const MAX_PATH: usize = 107;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[error("the socket {path} cannot be opened: {error}; if something else lies there, take it away")]
pub struct SocketError {
    path: PathBuf,
    error: io::Error,
}

/// Where the socket of this data directory lies.
pub fn path(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Whether a socket can have this path.
pub fn fits(path: &Path) -> bool {
    path.as_os_str().as_bytes().len() <= MAX_PATH
}

/// Removes the socket's file in the end.
pub struct AdminSocket(PathBuf);

impl Drop for AdminSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::warn!("the socket {} is left behind: {error}", self.0.display());
        }
    }
}

/// Listens at the socket of this data directory, which this process has locked. None, with a warning: its path is too long for a socket.
///
/// # Errors
/// [`SocketError`].
pub fn open(data: &Path) -> Result<Option<(UnixListener, AdminSocket)>, SocketError> {
    let path = path(data);
    if !fits(&path) {
        tracing::warn!(
            "no socket for the administration: the path {} is longer than the {MAX_PATH} bytes that a socket's can have; choose a shorter --data, or use the commands with --server",
            path.display()
        );
        return Ok(None);
    }
    match bulkhead_http::bind_admin(&path) {
        Ok(listener) => Ok(Some((listener, AdminSocket(path)))),
        Err(error) => Err(SocketError { path, error }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::data::ScratchDirectory;

    #[tokio::test]
    async fn the_socket_is_its_owners_alone_and_goes_in_the_end() {
        let scratch = ScratchDirectory::new().unwrap();
        let (_listener, socket) = open(scratch.path()).unwrap().unwrap();
        let file = path(scratch.path());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(tokio::net::UnixStream::connect(&file).await.is_ok());
        drop(socket);
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn the_socket_of_a_server_that_was_killed_is_replaced() {
        let scratch = ScratchDirectory::new().unwrap();
        let (listener, socket) = open(scratch.path()).unwrap().unwrap();
        std::mem::forget(socket);
        drop(listener);
        assert!(tokio::net::UnixStream::connect(path(scratch.path())).await.is_err());
        let again = open(scratch.path()).unwrap();
        assert!(again.is_some() && tokio::net::UnixStream::connect(path(scratch.path())).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_no_socket_stays_and_is_told() {
        let scratch = ScratchDirectory::new().unwrap();
        std::fs::write(path(scratch.path()), "precious").unwrap();
        let error = open(scratch.path()).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("take it away"), "{error}");
        assert_eq!(std::fs::read_to_string(path(scratch.path())).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_path_that_is_too_long_for_a_socket_leaves_the_server_without_one() {
        let scratch = ScratchDirectory::new().unwrap();
        let deep = scratch.path().join("d".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        assert!(open(&deep).unwrap().is_none());
    }
}

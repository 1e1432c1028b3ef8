//! Why a command that asks a server did not do what it was told, in one sentence.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::AppError;
use crate::config::ConfigError;

/// Why there is no answer, or none that is good.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The configuration, or the process's threads.
    #[error(transparent)]
    App(#[from] AppError),
    /// Nobody listens at the socket.
    #[error(
        "no server is running on the data directory {0}: start one with `bulkhead serve --data {0}` (or with the --config of the server), name another directory with --data, or talk to a server elsewhere with --server URL --user NAME"
    )]
    NotRunning(String),
    /// The socket is somebody else's.
    #[error(
        "the socket {0} may not be opened by this user: run the command as the user that the server runs as, or talk to it with --server URL --user NAME"
    )]
    NotAllowed(PathBuf),
    /// The socket cannot be opened.
    #[error("the socket {path} cannot be opened: {error}")]
    Socket {
        /// Where it lies.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// There is no password.
    #[error("the user's password is missing: set BULKHEAD_PASSWORD, or use --password-stdin and write it to the standard input")]
    NoPassword,
    /// The password cannot be read.
    #[error("the password cannot be read from the standard input: {0}")]
    Password(io::Error),
    /// There is no client.
    #[error("requests cannot be sent: {0}")]
    Client(String),
    /// The server does not answer.
    #[error("{server} does not answer: {reason}")]
    Away {
        /// Which one.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server has nothing there.
    #[error("{0}")]
    Missing(String),
    /// The server says no, and why.
    #[error("{0}")]
    Refused(String),
    /// The server answers what no registry would.
    #[error(
        "{server} answered what this version of bulkhead does not understand ({reason}): is it a Bulkhead registry, and of this version?"
    )]
    Strange {
        /// Which one.
        server: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The output is closed.
    #[error("the standard output cannot be written to: {0}")]
    Output(io::Error),
    /// What was asked for is not possible.
    #[error("{0}")]
    Impossible(String),
}

impl From<ConfigError> for AdminError {
    fn from(error: ConfigError) -> Self {
        Self::App(AppError::Config(error))
    }
}

impl AdminError {
    /// Says it on the error output, and with which code to end.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::App(error) => super::super::fail(error),
            _ => {
                eprintln!("bulkhead: {self}");
                ExitCode::FAILURE
            }
        }
    }
}

//! Why a command that asks a server did not do what it was told, in one sentence.

use std::fmt;
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
        "no server is running on the data directory {data}: start one with `bulkhead serve --data {data}` (or with the --config of the server), or name another directory with --data{elsewhere}"
    )]
    NotRunning {
        /// The directory.
        data: String,
        /// What else can be done.
        elsewhere: Elsewhere,
    },
    /// The socket is somebody else's.
    #[error("the socket {path} may not be opened by this user: run the command as the user that the server runs as{elsewhere}")]
    NotAllowed {
        /// Where it lies.
        path: PathBuf,
        /// What else can be done.
        elsewhere: Elsewhere,
    },
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
    /// The arguments do not go together, which shows only when all of them are read: exit code 2.
    #[error("{0}")]
    Usage(String),
}

/// Whether a command can talk to a server over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// It can.
    Possible,
    /// What it does is done at the socket alone.
    Never,
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Possible => "; or talk to a server by its address, with --server URL --user NAME",
            Self::Never => "",
        })
    }
}

impl From<ConfigError> for AdminError {
    fn from(error: ConfigError) -> Self {
        Self::App(AppError::Config(error))
    }
}

impl AdminError {
    /// The same in a command's own words, where something is not there.
    #[must_use]
    pub fn in_words(self, words: &str) -> Self {
        match self {
            Self::Missing(_) => Self::Missing(words.to_owned()),
            other => other,
        }
    }

    /// Says it on the error output, and with which code to end.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::App(error) => super::super::fail(error),
            _ => {
                eprintln!("bulkhead: {self}");
                self.code()
            }
        }
    }

    /// 2 where the command line is at fault.
    fn code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::NoPassword => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

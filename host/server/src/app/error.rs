//! Why the server did not start, in words for the operator.

use std::io;
use std::net::SocketAddr;

use bulkhead_core::accounts::ManageError;
use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::registry::HostError;
use bulkhead_plugin::RuntimeError;

use crate::audit::AuditError;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::keys::TokenKeyError;
use crate::socket::SocketError;

/// Why it did not start, or did not end in order.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration is wrong: exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The first login cannot be made.
    #[error("the first login cannot be made: {0}")]
    Login(#[from] ManageError),
    /// The audit log cannot be written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The socket of the administration cannot be opened.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// There is no key for tokens.
    #[error(transparent)]
    Key(#[from] TokenKeyError),
    /// The catalog does not open, answer or close.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// There is no plugin runtime.
    #[error(transparent)]
    Plugins(#[from] RuntimeError),
    /// The registries cannot stand beside each other.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {}", explain(error))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The system's words.
        error: io::Error,
    },
    /// The standard output is closed.
    #[error("the standard output cannot be written to: {0}")]
    Output(io::Error),
    /// No signals.
    #[error("signals cannot be received: {0}")]
    Signals(io::Error),
    /// No threads.
    #[error("the threads of the server cannot be started: {0}")]
    Runtime(io::Error),
}

fn explain(error: &io::Error) -> String {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "; stop the program that uses it, or choose another address with --listen",
        io::ErrorKind::AddrNotAvailable => "; choose an address of this machine with --listen",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege: choose a higher one with --listen",
        _ => "",
    };
    format!("{error}{advice}")
}

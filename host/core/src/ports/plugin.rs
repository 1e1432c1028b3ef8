//! What all kinds of plugin have in common, seen from the core.

use std::sync::Arc;
use std::time::Duration;

/// Which plugin, exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginLabel {
    /// As the configuration names it.
    pub name: Arc<str>,
    /// SHA-256 of the component, `sha256:...`.
    pub digest: Arc<str>,
}

/// Why a plugin did not answer. Whoever gets one fails closed: auth denies, storage gives a 5xx (or what the case says) and keeps
/// what was stored, a webhook is tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// The guest said: not there.
    #[error("not found")]
    NotFound,
    /// The guest said: it exists already, or changed meanwhile.
    #[error("conflict")]
    Conflict,
    /// The guest's own counterpart refused.
    #[error("denied: {0}")]
    Denied(String),
    /// The guest said: the question makes no sense.
    #[error("invalid: {0}")]
    Invalid(String),
    /// The guest's counterpart is away, or the host has no free instance.
    #[error("unavailable: {reason}")]
    Unavailable {
        /// For the log.
        reason: String,
        /// When to try again.
        retry_after: Option<Duration>,
    },
    /// The guest said: a fault of mine. For the log alone.
    #[error("internal: {0}")]
    Internal(String),
    /// The guest trapped: a panic, a memory or stack limit, a wild access.
    #[error("trapped: {0}")]
    Trapped(String),
    /// The guest ran over its time.
    #[error("ran over its time of {0:?}")]
    TimedOut(Duration),
    /// What the guest answered breaks the contract of the interface.
    #[error("broke its contract: {0}")]
    Nonsense(String),
    /// What the guest answered was not granted to it.
    #[error("reached for what is not granted: {0}")]
    NotGranted(String),
}

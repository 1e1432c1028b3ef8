//! What can go wrong before a plugin serves: starting the runtime, and loading a component.
//!
//! What goes wrong while it serves is [`PluginError`](bulkhead_core::ports::plugin::PluginError). The texts name neither the plugin nor
//! the line of the configuration: the server knows both and puts them in front.

use std::path::PathBuf;
use std::time::Duration;

/// Why a plugin cannot be loaded. Nothing of it stays behind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The component's file cannot be read.
    #[error("cannot read {path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// Not a WebAssembly component, or one that this host cannot run.
    #[error("this is no WebAssembly component that can be run here: {0}")]
    NotAComponent(String),
    /// It asks for something that this host does not offer to anybody.
    #[error("the component imports `{name}`, which this host does not offer: {reason}")]
    UnknownImport {
        /// The interface.
        name: String,
        /// What is offered instead, or what differs.
        reason: String,
    },
    /// An interface that every plugin must export is missing, or has another shape.
    #[error("the component does not export `{name}` as this host knows it: {reason}")]
    MissingExport {
        /// The interface.
        name: String,
        /// What is missing or differs.
        reason: String,
    },
    /// It exports no kind of plugin.
    #[error(
        "the component exports no kind of plugin (authenticator, authorizer, admission, storage or webhook of bulkhead:plugin@0.1.0); it exports {found}"
    )]
    NoKind {
        /// What it does export.
        found: String,
    },
    /// The plugin does not take its settings.
    #[error("the plugin rejects its settings: {0}")]
    Settings(String),
    /// A grant cannot be given.
    #[error("the grant {what}: {why}")]
    Grant {
        /// Which one, such as `directories."/blobs"`.
        what: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// A limit that cannot be kept.
    #[error("the limit {what}: {why}")]
    Limit {
        /// Which one, such as `memory`.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// It was not ready in time.
    #[error("the plugin was not ready within {0:?}: raise limits.time if it needs longer")]
    TimedOut(Duration),
    /// It trapped while it started.
    #[error("the plugin trapped while it started: {0}")]
    Trapped(String),
    /// The host itself failed.
    #[error("the plugin cannot be started: {0}")]
    Host(String),
}

/// Why there is no runtime.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuntimeError {
    /// wasmtime refused its settings, or the system its memory.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The directory for compiled code cannot be used.
    #[error("the directory for compiled plugins, {path}: {reason}", path = path.display())]
    Cache {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client does not start.
    #[error("the HTTP client for plugins does not start: {0}")]
    Client(String),
    /// The threads that check credentials cannot be started.
    #[error("the threads that check credentials do not start: {0}")]
    Threads(String),
    /// The ticker's thread cannot be started.
    #[error("the thread that interrupts plugins does not start: {0}")]
    Ticker(String),
}

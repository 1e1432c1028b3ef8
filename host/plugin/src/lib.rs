//! Runs plugins: WebAssembly components that decide who may come in, what may change, where bytes lie and who hears of it.
//!
//! The only crate of the host with wasmtime, and the only one with an HTTP client. [`Runtime`] loads components, [`Plugin`] hands them out
//! as the core's ports. A guest gets typed values and answers typed values; it reaches what [`Grants`] say and nothing else, uses no more
//! than [`Limits`] say, and whatever it does (trap, loop, lie, flood), the call ends with a [`PluginError`] and the next one works. Nothing
//! here decides what a refusal means: that is the core's.
//!
//! [`PluginError`]: bulkhead_core::ports::plugin::PluginError

mod call;
mod checks;
mod compiled;
mod engine;
mod error;
mod files;
mod imports;
mod kinds;
mod net;
mod output;
mod plugin;
mod pool;
mod runtime;
mod spec;
mod state;
mod wasi;

pub use compiled::{Inspection, Kind};
pub use error::{LoadError, RuntimeError};
pub use net::{Origin, OriginError, client_tls};
pub use plugin::Plugin;
pub use runtime::{Runtime, RuntimeOptions};
pub use spec::{ComponentSource, DirectoryAccess, DirectoryGrant, Grants, HttpGrant, Limits, PluginSpec, SecretSource};
pub use state::Layers;

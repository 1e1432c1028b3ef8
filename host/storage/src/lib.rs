//! The object store of a registry: a guard in front of a storage driver, and the data plane that moves the bytes where the driver says.
//!
//! The guard holds the driver to its contract (sizes, order, state, digests); the data plane reads, writes, hashes and syncs. Neither knows
//! which plugin it is, what a repository is, or HTTP. `server` wires it; `core::registry` calls it through `core::ports::store`.

mod dataplane;
mod guard;
mod hash;
mod trace;

pub use guard::{GuardedDriver, Store};

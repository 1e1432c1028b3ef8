//! The object store of a registry: drivers behind their guards, one over another where they are layers, and the data plane that moves the
//! bytes where they say.
//!
//! `guard` holds a driver to its contract (order, state, keys); `stack` and `append` follow its answers to where the bytes are, through the layers
//! below; `store` verifies and `copy` fills caches; the data plane reads, writes, hashes and syncs. None of them knows which plugin it is, what a
//! repository is, or HTTP. `server` wires it; `core::registry` calls it through `core::ports::store`, plugins through `core::ports::driver::Layer`.

mod append;
mod copy;
mod dataplane;
mod guard;
mod hash;
mod layer;
mod stack;
mod store;
#[cfg(test)]
mod tests;
mod trace;

pub use guard::GuardedDriver;
pub use layer::Below;
pub use stack::Stack;
pub use store::Store;

//! Bundled storage: each object is one file below a granted directory.
//!
//! Settings: `root`, the directory's path as the operator granted it, `/blobs` unless said otherwise.
//!
//! The plugin moves no bytes: it says in which file they lie, and the host reads, writes, syncs and verifies.

mod disk;
mod listing;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::export;

use disk::Disk;

export!(Disk: Storage);

//! Bundled storage for tests: objects lie in the plugin's own memory.
//!
//! **Nothing is kept.** All objects and uploads are gone when the instance is: when the server stops, when a call traps or runs over its
//! time, when the host replaces the instance. Each instance has objects of its own, so `limits.instances` must be 1: the plugin cannot see
//! whether it is, and with two of them a registry finds an object at one call and not at the next.
//!
//! Settings: `max-bytes`, what objects and uploads may have together, 32 MiB unless said otherwise. Each of them counts 512 bytes more than
//! it has. `limits.memory` has to be at least half as much again, for the bytes of a call on their way.

mod body;
mod memory;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::export;

use memory::Memory;

export!(Memory: Storage);

//! Bundled storage layer: small objects in one storage, large ones in another, and a bounded cache of the large ones in a third.
//!
//! `over` names the storages: `large` always, and `small`, `cache` or both besides:
//! `over = { small = "disk", large = "s3", cache = "nvme" }`. Without `small` every object is a large one. A cache holds nothing else than
//! copies, so give it a storage of its own, which may be lost at any time.
//!
//! Settings: `small-bytes`, up to which size an object is a small one (64 KiB); `cache-bytes`, what the cache may hold (10 GiB);
//! `cache-largest`, up to which size objects are cached (a tenth of `cache-bytes`).
//!
//! No byte passes through the plugin: it says in which storage they are.
//!
//! - **Reading.** The cache is looked into first, then `small`, then `large`. A large object that is read as a whole is copied to the cache on
//!   its way. What fails in the cache is logged, and never fails a read; what one storage holds is served while another is away.
//! - **Cache.** When it holds more than `cache-bytes`, what was copied first goes first, until it is at nine tenths. Each node may have its
//!   own: what is deleted at one may stay in the cache of another until it is pushed out there, which no client can see.
//! - **Writing.** See [`state`]: an upload whose length nobody told begins as a small one, and moves when it has grown out of that.
//! - **Changing `small-bytes`** is possible at any time: an object is looked for in both storages.

mod cache;
mod listing;
mod settings;
mod state;
#[cfg(test)]
mod tests;
mod tier;

use bulkhead_plugin_sdk::export;

use tier::Tier;

/// What the host calls the storage of the small objects.
const SMALL: &str = "small";
/// What the host calls the storage of the large ones.
const LARGE: &str = "large";
/// What the host calls the cache.
const CACHE: &str = "cache";

export!(Tier: Storage);

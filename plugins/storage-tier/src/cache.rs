//! The bound on the cache.
//!
//! Nobody but the cache itself knows what it holds: there may be many instances of this plugin, on many nodes, each node with a cache of its
//! own. So it is listed, though not after each copy: an instance counts what was copied through it, and lists again when that is a part
//! of the room there was, small enough that as many instances as there are together do not fill it unseen.

use std::collections::BinaryHeap;

use bulkhead_plugin_sdk::prelude::*;

use crate::CACHE;

/// What part of the room one instance may fill before it looks again. There are 32 of a plugin, unless `limits.instances` says otherwise.
const PART: u64 = 64;
/// How many objects go at once at most: what is remembered of them has a bound.
const MOST_EVICTED: usize = 10_000;
/// The most of one list or deletion.
const PAGE: usize = 1000;

/// The bounds, and what is known of the cache.
pub struct Cache {
    most: u64,
    /// Up to which size an object is cached.
    pub largest: u64,
    /// How many more bytes may be copied before the cache is listed again.
    unseen: u64,
}

impl Cache {
    /// Nothing is known of it yet.
    pub fn new(most: u64, largest: u64) -> Self {
        Self { most, largest, unseen: 0 }
    }

    /// Whether it has the object, as far as can be seen.
    pub fn has(key: &str) -> bool {
        match below::stat(CACHE, key) {
            Ok(found) => found.is_some(),
            Err(error) => {
                log::warn!("the cache cannot be asked for `{key}`, and is passed by: {error:?}");
                false
            }
        }
    }

    /// So many bytes more are there.
    pub fn grown(&mut self, size: u64) {
        match self.unseen.checked_sub(size) {
            Some(left) => self.unseen = left,
            None => match self.trim() {
                Ok(has) => self.unseen = self.most.saturating_sub(has) / PART,
                Err(error) => log::warn!("the cache cannot be kept within `cache-bytes`: {error:?}"),
            },
        }
    }

    /// Lists the cache, and makes room where it has too much; returns what it has.
    fn trim(&self) -> Result<u64> {
        let mut has = 0;
        // The oldest, the youngest of them on top.
        let mut oldest = BinaryHeap::new();
        let mut after: Option<String> = None;
        loop {
            let page = below::list(CACHE, "", after.as_deref(), PAGE as u32)?;
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            for object in page {
                has += object.size;
                oldest.push((object.modified, object.key, object.size));
                if oldest.len() > MOST_EVICTED {
                    oldest.pop();
                }
            }
        }
        if has <= self.most {
            return Ok(has);
        }
        let enough = self.most / 10 * 9;
        let mut keys = Vec::new();
        for (_, key, size) in oldest.into_sorted_vec() {
            if has <= enough {
                break;
            }
            has -= size;
            keys.push(key);
        }
        keys.chunks(PAGE).try_for_each(|keys| below::delete(CACHE, keys))?;
        Ok(has)
    }
}

//! The plugin's `config` table, and what it is checked for beside what `over` names. Errors name the setting.

use std::ops::RangeInclusive;

use bulkhead_plugin_sdk::prelude::*;

use crate::cache::Cache;
use crate::{CACHE, LARGE, SMALL};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// What is small may have to be read and written in one call.
const SMALL_BYTES: RangeInclusive<u64> = KIB..=MIB;
const CACHE_BYTES: RangeInclusive<u64> = MIB..=1024 * 1024 * GIB;

/// The whole table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    small_bytes: Option<u64>,
    cache_bytes: Option<u64>,
    cache_largest: Option<u64>,
}

impl Settings {
    /// The size up to which an object is a small one, if there are any, and the cache, if there is one.
    pub fn checked(self) -> Result<(Option<u64>, Option<Cache>)> {
        let (has_small, has_cache) = (is_over(SMALL), is_over(CACHE));
        if !is_over(LARGE) || !(has_small || has_cache) {
            return Err(Error::invalid("over: name the storage `large`, and `small`, `cache` or both besides"));
        }
        let needed = [
            ("small-bytes", self.small_bytes, SMALL, has_small),
            ("cache-bytes", self.cache_bytes, CACHE, has_cache),
            ("cache-largest", self.cache_largest, CACHE, has_cache),
        ];
        if let Some((setting, _, layer, _)) = needed.iter().find(|(_, value, _, is_there)| value.is_some() && !is_there) {
            return Err(Error::invalid(format!(
                "{setting}: `over` names no storage `{layer}`: name it there, or leave this out"
            )));
        }
        let small = within("small-bytes", self.small_bytes.unwrap_or(64 * KIB), SMALL_BYTES)?;
        let most = within("cache-bytes", self.cache_bytes.unwrap_or(10 * GIB), CACHE_BYTES)?;
        let largest = within("cache-largest", self.cache_largest.unwrap_or(most / 10), 1..=most)?;
        Ok((has_small.then_some(small), has_cache.then(|| Cache::new(most, largest))))
    }
}

/// Whether `over` names this storage. Deleting nothing asks the host and not the storage, which may be away at the moment.
fn is_over(layer: &str) -> bool {
    !matches!(below::delete(layer, &[]), Err(Error::Denied(_)))
}

fn within(setting: &str, value: u64, bounds: RangeInclusive<u64>) -> Result<u64> {
    if !bounds.contains(&value) {
        let (least, most) = (bounds.start(), bounds.end());
        return Err(Error::invalid(format!("{setting}: {value} must be from {least} to {most}")));
    }
    Ok(value)
}

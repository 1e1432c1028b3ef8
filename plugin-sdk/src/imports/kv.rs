//! The plugin's own small state, apart for each registry and plugin, shared by all its instances: keys up to 256 bytes, values up to 64 KiB.

use super::host;
use crate::Result;

/// The value, if there is one that still lives.
pub fn get(key: &str) -> Result<Option<Vec<u8>>> {
    host::kv::get(key)
}

/// Keeps a value for good.
pub fn set(key: &str, value: &[u8]) -> Result<()> {
    host::kv::set(key, value, None)
}

/// Keeps a value for so many seconds.
pub fn set_for(key: &str, value: &[u8], seconds: u32) -> Result<()> {
    host::kv::set(key, value, Some(seconds))
}

/// Drops a value; no error if there is none.
pub fn delete(key: &str) -> Result<()> {
    host::kv::delete(key)
}

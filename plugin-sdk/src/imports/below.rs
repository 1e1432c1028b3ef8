//! The storage that this plugin lies over, by the names of the operator's `over`. For control and for small objects: large bodies go through
//! [`Source`](crate::storage::Source) and [`Sink`](crate::storage::Sink), and never enter the plugin unless it changes them. `denied` where
//! `over` has no such layer.

use super::host;
use crate::Result;
use crate::storage::{ByteRange, ObjectInfo};

/// The most bytes of one [`read`] or [`append`].
pub const MOST: usize = 1024 * 1024;

/// None if it is not there.
pub fn stat(layer: &str, key: &str) -> Result<Option<ObjectInfo>> {
    host::below::stat(layer, key)
}

/// Gone when it returns, all of 1 to 1,000; deleting what is not there is no error.
pub fn delete(layer: &str, keys: &[String]) -> Result<()> {
    host::below::delete(layer, keys)
}

/// In byte order of the key, strictly after `after`, at most `limit`.
pub fn list(layer: &str, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
    host::below::list(layer, prefix, after, limit)
}

/// A URL under which the client itself can read the object for so many seconds, or none.
pub fn link(layer: &str, key: &str, seconds: u32) -> Result<Option<String>> {
    host::below::link(layer, key, seconds)
}

/// At most [`MOST`] bytes of an object.
pub fn read(layer: &str, key: &str, range: ByteRange) -> Result<Vec<u8>> {
    host::below::read(layer, key, range)
}

/// Begins an upload; returns its state.
pub fn begin(layer: &str, upload: &str) -> Result<Vec<u8>> {
    host::below::begin(layer, upload)
}

/// Puts at most [`MOST`] bytes at `offset` of an upload, durably; returns its new state.
pub fn append(layer: &str, state: &[u8], offset: u64, bytes: &[u8]) -> Result<Vec<u8>> {
    host::below::append(layer, state, offset, bytes)
}

/// Makes an upload the object `key`.
pub fn commit(layer: &str, state: &[u8], key: &str) -> Result<()> {
    host::below::commit(layer, state, key)
}

/// Drops an upload. No error if there is nothing left to drop.
pub fn abort(layer: &str, state: &[u8]) -> Result<()> {
    host::below::abort(layer, state)
}

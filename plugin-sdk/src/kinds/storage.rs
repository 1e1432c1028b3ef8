//! Says where bytes lie.

use crate::bindings::storage::exports::bulkhead::plugin::storage as generated;
use crate::export::{Adapter, Held, with};
use crate::{Error, Plugin, Result};

pub use crate::bindings::imports::bulkhead::plugin::objects::{ByteRange, ObjectInfo, Progress};
pub use generated::{
    BelowReceipt, BelowSlice, BelowUpload, Copying, Decoded, Encoded, Encoding, FileSlice, Head, HttpAnswer, Part, Receipt, Sink,
    Source,
};

/// A plugin that says where bytes lie. The host moves, hashes, syncs and verifies them.
///
/// A key is 1 to 512 of `a-z 0-9 . _ - /`, with no empty, `.` or `..` segment. Objects are written once; a key is never overwritten with
/// other bytes. An upload's state is bytes that the host keeps, at most 64 KiB: any instance goes on from it, so keep nothing about uploads
/// in the plugin itself. `wit/storage.wit` has the contract of each function.
pub trait Storage: Plugin {
    /// Where the object, or a range of it, is to be read. `not-found` if it is not there, as far as the plugin knows.
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source>;
    /// The next bytes of a [`Source::Decoded`], which begin at `offset` of the range that it named.
    fn decode(&mut self, _context: &[u8], _offset: u64, _bytes: Vec<u8>) -> Result<Vec<u8>> {
        Err(Error::internal("this plugin decodes nothing"))
    }
    /// A copy that a [`Source::Copied`] asked for is there.
    fn copied(&mut self, _key: &str, _layer: &str, _size: u64) -> Result<()> {
        Ok(())
    }
    /// None if it is not there. Sees an object as soon as its `commit` has returned.
    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>>;
    /// Gone when it returns, all of 1 to 1,000; deleting what is not there is no error.
    fn delete(&mut self, keys: &[String]) -> Result<()>;
    /// In byte order of the key, strictly after `after`, at most `limit`.
    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>>;
    /// A URL under which the client itself can read the object for so many seconds, or none.
    fn link(&mut self, _key: &str, _seconds: u32) -> Result<Option<String>> {
        Ok(None)
    }

    /// Begins an upload; returns its state.
    fn begin(&mut self, upload: &str) -> Result<Vec<u8>>;
    /// Where the bytes from `offset` on go; `length` where it is known.
    fn next(&mut self, state: &[u8], offset: u64, length: Option<u64>) -> Result<Sink>;
    /// The next bytes of a [`Sink::Bytes`], durably; returns the new state.
    fn write(&mut self, _state: Vec<u8>, _offset: u64, _bytes: Vec<u8>) -> Result<Vec<u8>> {
        Err(Error::internal("this plugin takes no bytes itself"))
    }
    /// The next bytes of a [`Sink::Encoded`], which begin at `offset` of the upload; `carry` is what lies before them.
    fn encode(&mut self, _context: &[u8], _offset: u64, _carry: Vec<u8>, _bytes: Vec<u8>) -> Result<Encoding> {
        Err(Error::internal("this plugin encodes nothing"))
    }
    /// So many bytes went to the sink, durably; returns the new state.
    fn written(&mut self, state: Vec<u8>, _length: u64, _receipt: Receipt) -> Result<Vec<u8>> {
        Ok(state)
    }
    /// Makes the whole upload visible under `key`, at once and durably. If the key is there already, drops the upload and succeeds; also when
    /// asked again for what it has done.
    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress>;
    /// Drops it. No error if there is nothing left to drop.
    fn abort(&mut self, state: &[u8]) -> Result<()>;
}

impl ByteRange {
    /// The byte behind the last one.
    pub const fn end(&self) -> u64 {
        self.offset + self.length
    }
}

impl FileSlice {
    /// From `offset` to the end of the file.
    pub fn from(path: impl Into<String>, offset: u64) -> Self {
        Self { path: path.into(), offset, length: None }
    }

    /// The whole file, or a range of it.
    pub fn of(path: impl Into<String>, range: Option<ByteRange>) -> Self {
        let path = path.into();
        match range {
            None => Self { path, offset: 0, length: None },
            Some(range) => Self { path, offset: range.offset, length: Some(range.length) },
        }
    }
}

impl BelowSlice {
    /// An object of that layer, or a range of it.
    pub fn of(layer: impl Into<String>, key: impl Into<String>, range: Option<ByteRange>) -> Self {
        Self { layer: layer.into(), key: key.into(), range }
    }
}

impl HttpAnswer {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        crate::http::find(&self.headers, name)
    }
}

impl<P: Held + Storage> generated::Guest for Adapter<P> {
    fn open(key: String, range: Option<ByteRange>) -> Result<Source> {
        with(|plugin: &mut P| plugin.open(&key, range))
    }

    fn decode(context: Vec<u8>, offset: u64, bytes: Vec<u8>) -> Result<Vec<u8>> {
        with(|plugin: &mut P| plugin.decode(&context, offset, bytes))
    }

    fn copied(key: String, layer: String, size: u64) -> Result<()> {
        with(|plugin: &mut P| plugin.copied(&key, &layer, size))
    }

    fn stat(key: String) -> Result<Option<ObjectInfo>> {
        with(|plugin: &mut P| plugin.stat(&key))
    }

    fn delete(keys: Vec<String>) -> Result<()> {
        with(|plugin: &mut P| plugin.delete(&keys))
    }

    fn list(prefix: String, after: Option<String>, limit: u32) -> Result<Vec<ObjectInfo>> {
        with(|plugin: &mut P| plugin.list(&prefix, after.as_deref(), limit))
    }

    fn link(key: String, seconds: u32) -> Result<Option<String>> {
        with(|plugin: &mut P| plugin.link(&key, seconds))
    }

    fn begin(upload: String) -> Result<Vec<u8>> {
        with(|plugin: &mut P| plugin.begin(&upload))
    }

    fn next(state: Vec<u8>, offset: u64, length: Option<u64>) -> Result<Sink> {
        with(|plugin: &mut P| plugin.next(&state, offset, length))
    }

    fn write(state: Vec<u8>, offset: u64, bytes: Vec<u8>) -> Result<Vec<u8>> {
        with(|plugin: &mut P| plugin.write(state, offset, bytes))
    }

    fn encode(context: Vec<u8>, offset: u64, carry: Vec<u8>, bytes: Vec<u8>) -> Result<Encoding> {
        with(|plugin: &mut P| plugin.encode(&context, offset, carry, bytes))
    }

    fn written(state: Vec<u8>, length: u64, receipt: Receipt) -> Result<Vec<u8>> {
        with(|plugin: &mut P| plugin.written(state, length, receipt))
    }

    fn commit(state: Vec<u8>, key: String) -> Result<Progress> {
        with(|plugin: &mut P| plugin.commit(&state, &key))
    }

    fn abort(state: Vec<u8>) -> Result<()> {
        with(|plugin: &mut P| plugin.abort(&state))
    }
}

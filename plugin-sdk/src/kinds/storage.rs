//! Says where bytes lie.

use core::cell::RefCell;

use crate::bindings::storage::exports::bulkhead::plugin::storage as generated;
use crate::export::{Adapter, Held, with};
use crate::{HttpRequest, Plugin, Result};

pub use generated::{ByteRange, FileSlice, HttpAnswer, ObjectInfo, Part};

/// A plugin that says where bytes lie. The host moves, hashes, syncs and verifies them.
///
/// A key is 1 to 512 of `a-z 0-9 . _ - /`, with no empty, `.` or `..` segment. Objects are written once; a key is never overwritten with
/// other bytes. An upload's state is bytes that the host keeps, at most 64 KiB: any instance goes on from it, so keep nothing about uploads
/// in the plugin itself.
pub trait Storage: Plugin {
    /// Where the object, or a range of it, is to be read. `not-found` if it is not there, as far as the plugin knows.
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source>;
    /// None if it is not there. Sees an object as soon as its `commit` has returned.
    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>>;
    /// Gone when it returns; deleting what is not there is no error.
    fn delete(&mut self, key: &str) -> Result<()>;
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
    /// So many bytes went to the sink, durably; returns the new state.
    fn written(&mut self, state: Vec<u8>, _length: u64, _answer: Option<HttpAnswer>) -> Result<Vec<u8>> {
        Ok(state)
    }
    /// Makes the whole upload visible under `key`, at once and durably. If the key is there already, drops the upload and succeeds; also when
    /// asked again for what it has done.
    fn commit(&mut self, state: &[u8], key: &str) -> Result<()>;
    /// Drops it. No error if there is nothing left to drop.
    fn abort(&mut self, state: &[u8]) -> Result<()>;
}

/// Where the bytes of a read come from.
pub enum Source {
    /// A file below a granted directory, which the host opens.
    File(FileSlice),
    /// A request whose answer's body is the bytes.
    Http(HttpRequest),
    /// Small objects that the plugin holds itself.
    Bytes(Vec<u8>),
    /// The plugin makes the bytes.
    Reader(Box<dyn Reader>),
    /// As this key of the layer below, unchanged.
    Below(String),
}

/// Where the next bytes of an upload go.
pub enum Sink {
    /// At this offset of a file below a granted directory, which the host makes and syncs.
    File(FileSlice),
    /// As the body of this request, at most so many bytes; `written` gets its answer.
    Http(Part),
    /// To the plugin.
    Writer(Box<dyn Writer>),
    /// To this upload of the layer below.
    Below(String),
}

/// Bytes that a plugin makes.
pub trait Reader {
    /// At most `most` bytes; none is the end.
    fn read(&mut self, most: u32) -> Result<Vec<u8>>;
}

/// A plugin that takes bytes.
pub trait Writer {
    /// Takes the next bytes.
    fn write(&mut self, bytes: Vec<u8>) -> Result<()>;
    /// No more follow. What was written will be there after a crash, once `written` has answered.
    fn finish(&mut self) -> Result<()>;
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

/// A plugin's reader as a resource of the component.
pub struct HeldReader(RefCell<Box<dyn Reader>>);

impl generated::GuestReader for HeldReader {
    fn read(&self, most: u32) -> Result<Vec<u8>> {
        self.0.borrow_mut().read(most)
    }
}

/// A plugin's writer as a resource of the component.
pub struct HeldWriter(RefCell<Box<dyn Writer>>);

impl generated::GuestWriter for HeldWriter {
    fn write(&self, bytes: Vec<u8>) -> Result<()> {
        self.0.borrow_mut().write(bytes)
    }

    fn finish(&self) -> Result<()> {
        self.0.borrow_mut().finish()
    }
}

impl From<Source> for generated::Source {
    fn from(source: Source) -> Self {
        match source {
            Source::File(slice) => Self::File(slice),
            Source::Http(request) => Self::Http(request),
            Source::Bytes(bytes) => Self::Bytes(bytes),
            Source::Reader(reader) => Self::Reader(generated::Reader::new(HeldReader(RefCell::new(reader)))),
            Source::Below(key) => Self::Below(key),
        }
    }
}

impl From<Sink> for generated::Sink {
    fn from(sink: Sink) -> Self {
        match sink {
            Sink::File(slice) => Self::File(slice),
            Sink::Http(part) => Self::Http(part),
            Sink::Writer(writer) => Self::Writer(generated::Writer::new(HeldWriter(RefCell::new(writer)))),
            Sink::Below(upload) => Self::Below(upload),
        }
    }
}

impl<P: Held + Storage> generated::Guest for Adapter<P> {
    type Reader = HeldReader;
    type Writer = HeldWriter;

    fn open(key: String, range: Option<ByteRange>) -> Result<generated::Source> {
        with(|plugin: &mut P| plugin.open(&key, range)).map(Into::into)
    }

    fn stat(key: String) -> Result<Option<ObjectInfo>> {
        with(|plugin: &mut P| plugin.stat(&key))
    }

    fn delete(key: String) -> Result<()> {
        with(|plugin: &mut P| plugin.delete(&key))
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

    fn next(state: Vec<u8>, offset: u64, length: Option<u64>) -> Result<generated::Sink> {
        with(|plugin: &mut P| plugin.next(&state, offset, length)).map(Into::into)
    }

    fn written(state: Vec<u8>, length: u64, answer: Option<HttpAnswer>) -> Result<Vec<u8>> {
        with(|plugin: &mut P| plugin.written(state, length, answer))
    }

    fn commit(state: Vec<u8>, key: String) -> Result<()> {
        with(|plugin: &mut P| plugin.commit(&state, &key))
    }

    fn abort(state: Vec<u8>) -> Result<()> {
        with(|plugin: &mut P| plugin.abort(&state))
    }
}

//! The objects and uploads of one instance. An upload's state is its name: where another instance is asked to go on, the upload is not
//! found, and the client begins again.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};

use bulkhead_plugin_sdk::prelude::*;

use crate::body::Body;

/// The most bytes of one call in or out.
const PIECE: u32 = 1024 * 1024;
/// What an object or an upload counts besides its bytes: its name and its place, also where it has no bytes.
const OVERHEAD: u64 = 512;
/// The least and the most of `max-bytes`. An instance has at most 256 MiB.
const BOUNDS: RangeInclusive<u64> = 64 * 1024..=160 * 1024 * 1024;

/// What this instance holds.
pub struct Memory {
    most: u64,
    /// What objects and uploads count together.
    used: u64,
    objects: BTreeMap<String, Object>,
    uploads: BTreeMap<Vec<u8>, Body>,
}

struct Object {
    body: Body,
    modified: u64,
}

/// The plugin's `config` table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    #[serde(default = "default_most")]
    max_bytes: u64,
}

fn default_most() -> u64 {
    32 * 1024 * 1024
}

fn cost(body: &Body) -> u64 {
    body.len() + OVERHEAD
}

impl Object {
    fn info(&self, key: &str) -> ObjectInfo {
        ObjectInfo { key: key.to_owned(), size: self.body.len(), modified: self.modified }
    }
}

impl Memory {
    fn check_room(&self, more: u64) -> Result<()> {
        if self.used + more > self.most {
            return Err(Error::unavailable(format!(
                "the memory is full: {} of {} bytes are used, {more} more are needed; delete something, or raise `max-bytes`",
                self.used, self.most
            )));
        }
        Ok(())
    }

    fn drop_upload(&mut self, state: &[u8]) {
        if let Some(body) = self.uploads.remove(state) {
            self.used -= cost(&body);
        }
    }
}

impl Plugin for Memory {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        if !BOUNDS.contains(&settings.max_bytes) {
            return Err(Error::invalid(format!(
                "max-bytes: {} must be from {} to {}; what needs more needs another storage",
                settings.max_bytes,
                BOUNDS.start(),
                BOUNDS.end()
            )));
        }
        Ok(Self { most: settings.max_bytes, used: 0, objects: BTreeMap::new(), uploads: BTreeMap::new() })
    }
}

impl Storage for Memory {
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let body = &self.objects.get(key).ok_or(Error::NotFound)?.body;
        let size = body.len();
        let range = range.unwrap_or(ByteRange { offset: 0, length: size });
        if range.offset.checked_add(range.length).is_none_or(|end| end > size) {
            let ByteRange { offset, length } = range;
            return Err(Error::invalid(format!("{length} bytes from {offset} on: the object has {size}")));
        }
        Ok(Source::Bytes(body.read(range, PIECE as usize)))
    }

    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>> {
        Ok(self.objects.get(key).map(|object| object.info(key)))
    }

    fn delete(&mut self, keys: &[String]) -> Result<()> {
        for object in keys.iter().filter_map(|key| self.objects.remove(key)) {
            self.used -= cost(&object.body);
        }
        Ok(())
    }

    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        let start = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let wanted = self.objects.range::<str, _>((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        Ok(wanted.take(limit as usize).map(|(key, object)| object.info(key)).collect())
    }

    fn begin(&mut self, upload: &str) -> Result<Vec<u8>> {
        let state = upload.as_bytes().to_vec();
        self.drop_upload(&state);
        self.check_room(OVERHEAD)?;
        self.used += OVERHEAD;
        self.uploads.insert(state.clone(), Body::default());
        Ok(state)
    }

    fn next(&mut self, state: &[u8], offset: u64, _length: Option<u64>) -> Result<Sink> {
        let body = self.uploads.get(state).ok_or(Error::NotFound)?;
        if offset > body.len() {
            return Err(Error::invalid(format!("the bytes from {offset} on: the upload has {}", body.len())));
        }
        Ok(Sink::Bytes(PIECE))
    }

    fn write(&mut self, state: Vec<u8>, offset: u64, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let body = self.uploads.get_mut(&state).ok_or(Error::NotFound)?;
        let before = body.len();
        if offset > before {
            return Err(Error::invalid(format!("the bytes from {offset} on: the upload has {before}")));
        }
        // What came after `offset` was never acknowledged.
        body.truncate(offset);
        self.used -= before - offset;
        self.check_room(bytes.len() as u64)?;
        self.used += bytes.len() as u64;
        if let Some(body) = self.uploads.get_mut(&state) {
            body.push(bytes);
        }
        Ok(state)
    }

    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress> {
        if self.objects.contains_key(key) {
            self.drop_upload(state);
            return Ok(Progress::Done);
        }
        let body = self.uploads.remove(state).ok_or(Error::NotFound)?;
        self.objects.insert(key.to_owned(), Object { body, modified: clock::now() });
        Ok(Progress::Done)
    }

    fn abort(&mut self, state: &[u8]) -> Result<()> {
        self.drop_upload(state);
        Ok(())
    }
}

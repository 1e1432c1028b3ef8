//! The layers below a storage plugin, as the fake host has them: objects and uploads in memory. An upload's state is its name.

use std::collections::BTreeMap;

use super::fake::state;
use crate::storage::{ByteRange, ObjectInfo};
use crate::{Error, Result, Timestamp};

/// A layer of the fake host.
#[derive(Debug, Default)]
pub(super) struct FakeLayer {
    pub(super) objects: BTreeMap<String, (Vec<u8>, Timestamp)>,
    pub(super) uploads: BTreeMap<String, Vec<u8>>,
}

fn layer<T>(name: &str, look: impl FnOnce(&mut FakeLayer, Timestamp) -> Result<T>) -> Result<T> {
    state(|state| {
        let now = state.now;
        let layer = state.layers.get_mut(name);
        look(layer.ok_or_else(|| Error::denied(format!("there is no layer `{name}`: name it in `over`")))?, now)
    })
}

fn info(key: &str, object: &(Vec<u8>, Timestamp)) -> ObjectInfo {
    ObjectInfo { key: key.to_owned(), size: object.0.len() as u64, modified: object.1 }
}

pub(crate) fn stat(name: &str, key: &str) -> Result<Option<ObjectInfo>> {
    layer(name, |layer, _| Ok(layer.objects.get(key).map(|object| info(key, object))))
}

pub(crate) fn delete(name: &str, keys: &[String]) -> Result<()> {
    layer(name, |layer, _| {
        keys.iter().for_each(|key| drop(layer.objects.remove(key)));
        Ok(())
    })
}

pub(crate) fn list(name: &str, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
    layer(name, |layer, _| {
        let wanted =
            layer.objects.iter().filter(|(key, _)| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after));
        Ok(wanted.take(limit as usize).map(|(key, object)| info(key, object)).collect())
    })
}

pub(crate) fn link(name: &str, key: &str, seconds: u32) -> Result<Option<String>> {
    layer(name, |_, _| Ok(Some(format!("https://{name}.example/{key}?seconds={seconds}"))))
}

pub(crate) fn read(name: &str, key: &str, range: ByteRange) -> Result<Vec<u8>> {
    layer(name, |layer, _| {
        let (bytes, _) = layer.objects.get(key).ok_or(Error::NotFound)?;
        if range.length > crate::below::MOST as u64 {
            return Err(Error::invalid("at most 1 MiB"));
        }
        let slice = bytes.get(range.offset as usize..range.end() as usize);
        slice.map(<[u8]>::to_vec).ok_or_else(|| Error::invalid("a range past the end"))
    })
}

pub(crate) fn begin(name: &str, upload: &str) -> Result<Vec<u8>> {
    layer(name, |layer, _| {
        layer.uploads.insert(upload.to_owned(), Vec::new());
        Ok(upload.as_bytes().to_vec())
    })
}

pub(crate) fn append(name: &str, state: &[u8], offset: u64, bytes: &[u8]) -> Result<Vec<u8>> {
    layer(name, |layer, _| {
        let upload = layer.uploads.get_mut(&*String::from_utf8_lossy(state)).ok_or(Error::NotFound)?;
        if bytes.len() > crate::below::MOST || upload.len() < offset as usize {
            return Err(Error::invalid("at most 1 MiB, where the upload ends or before"));
        }
        upload.truncate(offset as usize);
        upload.extend_from_slice(bytes);
        Ok(state.to_vec())
    })
}

pub(crate) fn commit(name: &str, state: &[u8], key: &str) -> Result<()> {
    layer(name, |layer, now| match layer.uploads.remove(&*String::from_utf8_lossy(state)) {
        Some(bytes) => {
            layer.objects.entry(key.to_owned()).or_insert((bytes, now));
            Ok(())
        }
        None if layer.objects.contains_key(key) => Ok(()),
        None => Err(Error::NotFound),
    })
}

pub(crate) fn abort(name: &str, state: &[u8]) -> Result<()> {
    layer(name, |layer, _| {
        layer.uploads.remove(&*String::from_utf8_lossy(state));
        Ok(())
    })
}

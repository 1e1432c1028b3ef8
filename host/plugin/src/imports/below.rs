//! `below`: the storages that a layer lies over, for control and for small objects. They are reached through their own guards, so that a layer
//! learns no more and does no more than the host itself could.

use std::sync::Arc;

use bulkhead_core::ports::driver::{Layer, MAX_KEYS, MAX_PIECE_BYTES, MAX_STATE_BYTES, ObjectInfo, ObjectKey};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_oci::ByteRange;
use bulkhead_plugin_bindings::bulkhead::plugin::{below, objects, types};

use super::unavailable;
use crate::state::State;

type Answer<T> = Result<T, types::Error>;

impl below::Host for State {
    async fn stat(&mut self, layer: String, key: String) -> Answer<Option<objects::ObjectInfo>> {
        let found = self.layer(&layer)?.stat(&parse(&key)?).await.map_err(told)?;
        Ok(found.map(wit_info))
    }

    async fn delete(&mut self, layer: String, keys: Vec<String>) -> Answer<()> {
        if keys.len() > MAX_KEYS {
            return Err(types::Error::Invalid(format!("{} keys: at most {MAX_KEYS}", keys.len())));
        }
        let keys: Vec<ObjectKey> = keys.iter().map(|key| parse(key)).collect::<Answer<_>>()?;
        self.layer(&layer)?.delete(&keys).await.map_err(told)
    }

    async fn list(
        &mut self,
        layer: String,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Answer<Vec<objects::ObjectInfo>> {
        let after = after.as_deref().map(parse).transpose()?;
        let limit = limit.min(u32::try_from(MAX_KEYS).unwrap_or(u32::MAX));
        let listed = self.layer(&layer)?.list(&prefix, after.as_ref(), limit).await.map_err(told)?;
        Ok(listed.into_iter().map(wit_info).collect())
    }

    async fn link(&mut self, layer: String, key: String, seconds: u32) -> Answer<Option<String>> {
        self.layer(&layer)?.link(&parse(&key)?, seconds).await.map_err(told)
    }

    async fn read(&mut self, layer: String, key: String, range: objects::ByteRange) -> Answer<Vec<u8>> {
        if range.length > u64::from(MAX_PIECE_BYTES) {
            return Err(types::Error::Invalid(format!("{} bytes: at most {MAX_PIECE_BYTES}", range.length)));
        }
        let range = ByteRange { offset: range.offset, length: range.length };
        let bytes = self.layer(&layer)?.read(&parse(&key)?, range).await.map_err(told)?;
        Ok(bytes.into())
    }

    async fn begin(&mut self, layer: String, upload: String) -> Answer<Vec<u8>> {
        let upload: UploadId =
            upload.parse().map_err(|_| types::Error::Invalid("an upload has the name that the host gave it".to_owned()))?;
        self.layer(&layer)?.begin(&upload).await.map_err(told)
    }

    async fn append(&mut self, layer: String, state: Vec<u8>, offset: u64, bytes: Vec<u8>) -> Answer<Vec<u8>> {
        if bytes.len() > MAX_PIECE_BYTES as usize {
            return Err(types::Error::Invalid(format!("{} bytes: at most {MAX_PIECE_BYTES}", bytes.len())));
        }
        self.layer(&layer)?.append(&checked(state)?, offset, bytes.into()).await.map_err(told)
    }

    async fn commit(&mut self, layer: String, state: Vec<u8>, key: String) -> Answer<()> {
        self.layer(&layer)?.commit(&checked(state)?, &parse(&key)?).await.map_err(told)
    }

    async fn abort(&mut self, layer: String, state: Vec<u8>) -> Answer<()> {
        self.layer(&layer)?.abort(&checked(state)?).await.map_err(told)
    }
}

impl State {
    fn layer(&self, name: &str) -> Answer<Arc<dyn Layer>> {
        match self.layers.get(name) {
            Some(layer) => Ok(Arc::clone(layer)),
            None if self.reach.over.iter().any(|known| **known == *name) => {
                Err(unavailable("no registry is served yet: what it lies over is there from the first call on"))
            }
            None => Err(types::Error::Denied(format!("there is no layer {name:?}: name it in the plugin's `over`"))),
        }
    }
}

fn parse(key: &str) -> Answer<ObjectKey> {
    key.parse().map_err(|error| types::Error::Invalid(format!("the key {key:?}: {error}")))
}

fn checked(state: Vec<u8>) -> Answer<Vec<u8>> {
    if state.len() > MAX_STATE_BYTES {
        return Err(types::Error::Invalid(format!("a state of {} bytes: at most {MAX_STATE_BYTES}", state.len())));
    }
    Ok(state)
}

fn wit_info(info: ObjectInfo) -> objects::ObjectInfo {
    objects::ObjectInfo { key: info.key.as_str().to_owned(), size: info.size, modified: info.modified.0 }
}

/// What a layer's failure is for the plugin above it. The layer's own words are in the log, under its own name.
fn told(error: PluginError) -> types::Error {
    match error {
        PluginError::NotFound => types::Error::NotFound,
        PluginError::Conflict => types::Error::Conflict,
        PluginError::Denied(text) => types::Error::Denied(text),
        PluginError::Invalid(text) => types::Error::Invalid(text),
        PluginError::Unavailable { reason, retry_after } => types::Error::Unavailable(types::Unavailable {
            reason,
            retry_after: retry_after.map(|wait| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)),
        }),
        PluginError::TimedOut(_) => types::Error::Unavailable(types::Unavailable {
            reason: "the layer below ran over its time".to_owned(),
            retry_after: None,
        }),
        error => types::Error::Internal(format!("the layer below failed: {error}")),
    }
}

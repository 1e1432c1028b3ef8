//! A storage as the plugin above it reaches it by calls of its own: control operations and small objects.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::driver::{Layer, MAX_PIECE_BYTES, ObjectInfo, ObjectKey};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_core::ports::store::StoreError;
use bulkhead_oci::ByteRange;
use bytes::{Bytes, BytesMut};

use crate::stack::Stack;

/// A [`Stack`] as a layer.
pub struct Below(pub Arc<Stack>);

/// What the plugin above is told.
fn told(error: StoreError) -> PluginError {
    match error {
        StoreError::NotFound => PluginError::NotFound,
        StoreError::Unavailable { error, .. } | StoreError::Driver { error, .. } => error,
        error @ (StoreError::DigestMismatch { .. } | StoreError::Io { .. }) => PluginError::Internal(error.to_string()),
    }
}

#[async_trait]
impl Layer for Below {
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError> {
        self.0.driver.stat(key).await.map_err(told)
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), PluginError> {
        self.0.driver.delete(keys).await.map_err(told)
    }

    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: u32) -> Result<Vec<ObjectInfo>, PluginError> {
        self.0.driver.list(prefix, after, limit).await.map_err(told)
    }

    async fn link(&self, key: &ObjectKey, seconds: u32) -> Result<Option<String>, PluginError> {
        self.0.driver.link(key, seconds).await.map_err(told)
    }

    async fn read(&self, key: &ObjectKey, range: ByteRange) -> Result<Bytes, PluginError> {
        let opened = self.0.open(key, Some(range), Some(range.length)).await.map_err(told)?;
        let mut source = opened.into_source(&self.0.buffers);
        let mut all = BytesMut::new();
        while (all.len() as u64) < range.length {
            let piece = source.read(MAX_PIECE_BYTES).await?;
            if piece.is_empty() {
                return Err(PluginError::Nonsense(format!("{} bytes of a range of {}", all.len(), range.length)));
            }
            all.extend_from_slice(&piece);
        }
        if all.len() as u64 > range.length {
            return Err(PluginError::Nonsense(format!("{} bytes of a range of {}", all.len(), range.length)));
        }
        Ok(all.freeze())
    }

    async fn begin(&self, upload: &UploadId) -> Result<Vec<u8>, PluginError> {
        self.0.driver.begin(upload).await.map_err(told)
    }

    async fn append(&self, state: &[u8], offset: u64, bytes: Bytes) -> Result<Vec<u8>, PluginError> {
        self.0.append_bytes(state, offset, bytes).await.map_err(told)
    }

    async fn commit(&self, state: &[u8], key: &ObjectKey) -> Result<(), PluginError> {
        self.0.driver.commit(state, key).await.map_err(told)
    }

    async fn abort(&self, state: &[u8]) -> Result<(), PluginError> {
        self.0.driver.abort(state).await.map_err(told)
    }
}

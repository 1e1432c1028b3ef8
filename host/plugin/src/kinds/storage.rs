//! Storage driver: asks the guest where bytes lie, and opens what it names.

use std::fs::File;
use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::driver::{
    Encoding, MAX_KEYS, MAX_STATE_BYTES, ObjectInfo, ObjectKey, Progress, Receipt, Sink, Source, StorageDriver,
};
use bulkhead_core::ports::ids::{RegistryName, UploadId};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_oci::ByteRange;
use bulkhead_plugin_bindings::bulkhead::plugin::objects;
use bulkhead_plugin_bindings::exports::bulkhead::plugin::storage;
use bytes::Bytes;

use super::layered::{Over, object_info, piece};
use super::values::http_request;
use super::web::{Head, HttpPart, HttpSource, Sender};
use super::{answered, nonsense};
use crate::call::{Call, invoke};
use crate::files::{FileError, Granted};
use crate::plugin::Plugin;
use crate::state::Layers;

/// The longest link, in bytes.
const MAX_LINK_BYTES: usize = 8 * 1024;

/// A plugin as the storage driver of one registry.
pub(crate) struct StoragePlugin {
    plugin: Arc<Plugin>,
    registry: RegistryName,
    layers: Layers,
}

impl StoragePlugin {
    /// Of a plugin that exports the interface, over these.
    pub(crate) fn new(plugin: Arc<Plugin>, registry: RegistryName, layers: Layers) -> Self {
        Self { plugin, registry, layers }
    }

    async fn begin_call(&self, function: &'static str) -> Result<Call, PluginError> {
        Ok(self.plugin.begin(&self.registry, None, function).await?.over(&self.layers))
    }

    fn sender(&self) -> Sender {
        let reach = self.plugin.reach();
        Sender { client: reach.client.clone(), grant: reach.http.clone(), idle: reach.limits.exchange }
    }

    const fn over(&self) -> Over<'_> {
        Over(&self.layers)
    }

    /// Opens a file off the async threads, within the time of a call.
    async fn open_file(&self, path: String, open: fn(&Granted, &str) -> Result<File, FileError>) -> Result<File, PluginError> {
        let (files, limit) = (self.plugin.reach().files.clone(), self.plugin.time());
        let opening = tokio::task::spawn_blocking(move || open(&files, &path));
        match tokio::time::timeout(limit, opening).await {
            Ok(Ok(opened)) => Ok(opened?),
            Ok(Err(error)) => unavailable(format!("the host's own work was interrupted: {error}")),
            Err(_) => unavailable("the file system did not open a file in time".to_owned()),
        }
    }

    fn part(&self, part: storage::Part) -> Result<HttpPart, PluginError> {
        HttpPart {
            sender: self.sender(),
            request: http_request(part.request),
            short: part.short.map(http_request),
            head: part.head.map(|head| Head { request: http_request(head.request), length: head.length }),
            most: part.most,
        }
        .checked()
    }
}

fn unavailable<T>(reason: String) -> Result<T, PluginError> {
    Err(PluginError::Unavailable { reason, retry_after: None })
}

#[async_trait]
impl StorageDriver for StoragePlugin {
    fn label(&self) -> &PluginLabel {
        self.plugin.label()
    }

    async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Source, PluginError> {
        let wanted = range.map(|range| objects::ByteRange { offset: range.offset, length: range.length });
        let mut call = self.begin_call("open").await?;
        let answer = invoke!(call, storage, call_open(key.as_str(), wanted));
        call.release();
        match answered(answer)? {
            storage::Source::File(storage::FileSlice { path, offset, length }) => {
                Ok(Source::File { file: self.open_file(path, Granted::open_to_read).await?, offset, length })
            }
            storage::Source::Http(request) => {
                Ok(Source::Http(Box::new(HttpSource::open(&self.sender(), http_request(request)).await?)))
            }
            storage::Source::Bytes(bytes) => Ok(Source::Bytes(piece(bytes)?)),
            storage::Source::Below(slice) => Ok(Source::Below(self.over().slice(slice)?)),
            storage::Source::Decoded(decoded) => Ok(Source::Decoded(self.over().decoded(decoded)?)),
            storage::Source::Copied(copying) => self.over().copied(copying, range),
        }
    }

    async fn decode(&self, context: &[u8], offset: u64, bytes: &[u8]) -> Result<Bytes, PluginError> {
        let mut call = self.begin_call("decode").await?;
        let answer = invoke!(call, storage, call_decode(context, offset, bytes));
        call.release();
        piece(answered(answer)?)
    }

    async fn copied(&self, key: &ObjectKey, layer: &str, size: u64) -> Result<(), PluginError> {
        let mut call = self.begin_call("copied").await?;
        let answer = invoke!(call, storage, call_copied(key.as_str(), layer, size));
        call.release();
        answered(answer)
    }

    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError> {
        let mut call = self.begin_call("stat").await?;
        let answer = invoke!(call, storage, call_stat(key.as_str()));
        call.release();
        answered(answer)?.map(object_info).transpose()
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), PluginError> {
        for keys in keys.chunks(MAX_KEYS) {
            let keys: Vec<&str> = keys.iter().map(ObjectKey::as_str).collect();
            let mut call = self.begin_call("delete").await?;
            let answer = invoke!(call, storage, call_delete(&keys));
            call.release();
            answered(answer)?;
        }
        Ok(())
    }

    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: u32) -> Result<Vec<ObjectInfo>, PluginError> {
        let mut call = self.begin_call("list").await?;
        let answer = invoke!(call, storage, call_list(prefix, after.map(ObjectKey::as_str), limit));
        call.release();
        let listed = answered(answer)?;
        if listed.len() > usize::try_from(limit).unwrap_or(usize::MAX) {
            return nonsense(format!("{} keys listed where at most {limit} were asked for", listed.len()));
        }
        listed.into_iter().map(object_info).collect()
    }

    async fn link(&self, key: &ObjectKey, seconds: u32) -> Result<Option<String>, PluginError> {
        let mut call = self.begin_call("link").await?;
        let answer = invoke!(call, storage, call_link(key.as_str(), seconds));
        call.release();
        let link = answered(answer)?;
        if link.as_ref().is_some_and(|link| link.len() > MAX_LINK_BYTES || !link.bytes().all(|byte| byte.is_ascii_graphic())) {
            return nonsense(format!("a link is a URL of at most {MAX_LINK_BYTES} bytes"));
        }
        Ok(link)
    }

    async fn begin(&self, upload: &UploadId) -> Result<Vec<u8>, PluginError> {
        let mut call = self.begin_call("begin").await?;
        let answer = invoke!(call, storage, call_begin(upload.as_str()));
        call.release();
        state(answered(answer)?)
    }

    async fn next(&self, state: &[u8], offset: u64, length: Option<u64>) -> Result<Sink, PluginError> {
        let mut call = self.begin_call("next").await?;
        let answer = invoke!(call, storage, call_next(state, offset, length));
        call.release();
        match answered(answer)? {
            storage::Sink::File(slice) => {
                let file = self.open_file(slice.path, Granted::open_to_write).await?;
                Ok(Sink::File { file, offset: slice.offset })
            }
            storage::Sink::Http(part) => Ok(Sink::Part(Box::new(self.part(part)?))),
            storage::Sink::Bytes(most) => self.over().bytes(most),
            storage::Sink::Below(upload) => Ok(Sink::Below(self.over().upload(upload)?)),
            storage::Sink::Encoded(encoded) => Ok(Sink::Encoded(self.over().encoded(encoded)?)),
        }
    }

    async fn write(&self, old: &[u8], offset: u64, bytes: &[u8]) -> Result<Vec<u8>, PluginError> {
        let mut call = self.begin_call("write").await?;
        let answer = invoke!(call, storage, call_write(old, offset, bytes));
        call.release();
        state(answered(answer)?)
    }

    async fn encode(&self, context: &[u8], offset: u64, carry: &[u8], bytes: &[u8]) -> Result<Encoding, PluginError> {
        let mut call = self.begin_call("encode").await?;
        let answer = invoke!(call, storage, call_encode(context, offset, carry, bytes));
        call.release();
        super::layered::encoding(answered(answer)?)
    }

    async fn written(&self, old: &[u8], length: u64, receipt: Receipt) -> Result<Vec<u8>, PluginError> {
        let receipt = super::layered::OwnReceipt::new(receipt);
        let mut call = self.begin_call("written").await?;
        let answer = {
            let headers = receipt.headers();
            invoke!(call, storage, call_written(old, length, receipt.lend(&headers)))
        };
        call.release();
        state(answered(answer)?)
    }

    async fn commit(&self, old: &[u8], key: &ObjectKey) -> Result<Progress, PluginError> {
        let mut call = self.begin_call("commit").await?;
        let answer = invoke!(call, storage, call_commit(old, key.as_str()));
        call.release();
        match answered(answer)? {
            objects::Progress::Done => Ok(Progress::Done),
            objects::Progress::More(more) => Ok(Progress::More(state(more)?)),
        }
    }

    async fn abort(&self, state: &[u8]) -> Result<(), PluginError> {
        let mut call = self.begin_call("abort").await?;
        let answer = invoke!(call, storage, call_abort(state));
        call.release();
        answered(answer)
    }
}

fn state(state: Vec<u8>) -> Result<Vec<u8>, PluginError> {
    if state.len() > MAX_STATE_BYTES {
        return nonsense(format!("an upload's state of {} bytes: at most {MAX_STATE_BYTES}", state.len()));
    }
    Ok(state)
}

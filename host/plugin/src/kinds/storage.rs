//! Storage driver: asks the guest where bytes lie, and opens what it names.

use std::fs::File;
use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::driver::{HttpAnswer, MAX_STATE_BYTES, ObjectInfo, ObjectKey, Sink, Source, StorageDriver};
use bulkhead_core::ports::ids::{RegistryName, UploadId};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_oci::ByteRange;
use bulkhead_plugin_bindings::bulkhead::plugin::types;
use bulkhead_plugin_bindings::exports::bulkhead::plugin::storage;

use super::stream::{GuestReader, GuestWriter};
use super::values::{http_request, wit_headers};
use super::web::{HttpSink, HttpSource, Sender};
use super::{answered, nonsense};
use crate::call::{Call, invoke};
use crate::files::{FileError, Granted};
use crate::plugin::Plugin;

/// The longest link, in bytes.
const MAX_LINK_BYTES: usize = 8 * 1024;

/// A plugin as the storage driver of one registry.
pub(crate) struct StoragePlugin {
    plugin: Arc<Plugin>,
    registry: RegistryName,
}

impl StoragePlugin {
    /// Of a plugin that exports the interface.
    pub(crate) fn new(plugin: Arc<Plugin>, registry: RegistryName) -> Self {
        Self { plugin, registry }
    }

    async fn begin_call(&self, function: &'static str) -> Result<Call, PluginError> {
        self.plugin.begin(&self.registry, None, function).await
    }

    fn sender(&self) -> Sender<'_> {
        let reach = self.plugin.reach();
        Sender { client: &reach.client, grant: &reach.http, idle: reach.limits.exchange }
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
        let range = range.map(|range| storage::ByteRange { offset: range.offset, length: range.length });
        let mut call = self.begin_call("open").await?;
        let answer = invoke!(call, storage, call_open(key.as_str(), range));
        if let Ok(Ok(storage::Source::Reader(reader))) = answer {
            return Ok(Source::Stream(Box::new(GuestReader::new(call, reader))));
        }
        call.release();
        match answered(answer)? {
            storage::Source::File(storage::FileSlice { path, offset, length }) => {
                Ok(Source::File { file: self.open_file(path, Granted::open_to_read).await?, offset, length })
            }
            storage::Source::Http(request) => {
                Ok(Source::Stream(Box::new(HttpSource::open(self.sender(), http_request(request)).await?)))
            }
            storage::Source::Bytes(bytes) => Ok(Source::Bytes(bytes.into())),
            storage::Source::Below(_) => nonsense("no layer below is configured"),
            storage::Source::Reader(_) => nonsense("a reader of a call that has ended"),
        }
    }

    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError> {
        let mut call = self.begin_call("stat").await?;
        let answer = invoke!(call, storage, call_stat(key.as_str()));
        call.release();
        answered(answer)?.map(object_info).transpose()
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), PluginError> {
        let mut call = self.begin_call("delete").await?;
        let answer = invoke!(call, storage, call_delete(key.as_str()));
        call.release();
        answered(answer)
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
        if let Ok(Ok(storage::Sink::Writer(writer))) = answer {
            return Ok(Sink::Stream { sink: Box::new(GuestWriter::new(call, writer)), most: None });
        }
        call.release();
        match answered(answer)? {
            storage::Sink::File(slice) => {
                let file = self.open_file(slice.path, Granted::open_to_write).await?;
                Ok(Sink::File { file, offset: slice.offset })
            }
            storage::Sink::Http(part) => {
                let request = http_request(part.request);
                let sink = HttpSink::open(self.sender(), request, length.map(|length| length.min(part.most)))?;
                Ok(Sink::Stream { sink: Box::new(sink), most: Some(part.most) })
            }
            storage::Sink::Below(_) => nonsense("no layer below is configured"),
            storage::Sink::Writer(_) => nonsense("a writer of a call that has ended"),
        }
    }

    async fn written(&self, old: &[u8], length: u64, answer: Option<HttpAnswer>) -> Result<Vec<u8>, PluginError> {
        let answer = answer.map(|answer| (answer.status, wit_headers(answer.headers)));
        let headers: Vec<&types::Header> = answer.iter().flat_map(|(_, headers)| headers).collect();
        let http = answer.as_ref().map(|(status, _)| storage::HttpAnswer { status: *status, headers: &headers });
        let mut call = self.begin_call("written").await?;
        let answer = invoke!(call, storage, call_written(old, length, http));
        call.release();
        state(answered(answer)?)
    }

    async fn commit(&self, state: &[u8], key: &ObjectKey) -> Result<(), PluginError> {
        let mut call = self.begin_call("commit").await?;
        let answer = invoke!(call, storage, call_commit(state, key.as_str()));
        call.release();
        answered(answer)
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

fn object_info(info: storage::ObjectInfo) -> Result<ObjectInfo, PluginError> {
    match info.key.parse::<ObjectKey>() {
        Ok(key) => Ok(ObjectInfo { key, size: info.size, modified: Timestamp(info.modified) }),
        Err(error) => nonsense(format!("the key {:?}: {error}", crate::output::bounded(&info.key))),
    }
}

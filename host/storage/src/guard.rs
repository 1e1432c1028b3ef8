//! Holds a storage driver to its contract, so that one that lies, fails or dawdles harms nobody but itself.
//!
//! Every answer is checked before it is used: lists for their order, states for their bound, objects for their key. What a driver says when it
//! fails is for the log; what the core gets is a [`StoreError`]. Where bytes come from is [`Stack`](crate::Stack)'s affair.

use std::sync::Arc;

use bulkhead_core::ports::driver::{
    Encoding, MAX_KEYS, MAX_STATE_BYTES, ObjectInfo, ObjectKey, Progress, Receipt, Sink, Source, StorageDriver,
};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_core::ports::store::StoreError;
use bulkhead_oci::ByteRange;
use bytes::Bytes;

/// The most calls that one commit takes: a copy of 5 TiB in pieces of 512 MiB, one a call.
const MAX_COMMIT_CALLS: usize = 10_240;

/// A driver whose answers are checked. Cheap to clone.
#[derive(Clone)]
pub struct GuardedDriver {
    driver: Arc<dyn StorageDriver>,
}

type Guarded<T> = Result<T, StoreError>;

impl GuardedDriver {
    /// Guards this driver.
    pub fn new(driver: Arc<dyn StorageDriver>) -> Self {
        Self { driver }
    }

    /// The plugin's name.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.driver.label().name
    }

    /// What a failure of the driver is for the core.
    pub(crate) fn fault(&self, doing: &'static str, error: PluginError) -> StoreError {
        fault(self.name(), doing, error)
    }

    /// The driver broke its contract.
    pub(crate) fn nonsense(&self, doing: &'static str, text: String) -> StoreError {
        self.fault(doing, PluginError::Nonsense(text))
    }

    fn checked(&self, doing: &'static str, state: Vec<u8>) -> Guarded<Vec<u8>> {
        if state.len() > MAX_STATE_BYTES {
            return Err(self.nonsense(doing, format!("an upload state of {} bytes", state.len())));
        }
        Ok(state)
    }

    /// What the driver knows of an object.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn stat(&self, key: &ObjectKey) -> Guarded<Option<ObjectInfo>> {
        let info = self.driver.stat(key).await.map_err(|error| self.fault("stat", error))?;
        match info {
            Some(info) if info.key != *key => Err(self.nonsense("stat", format!("told of {}, asked of {key}", info.key))),
            info => Ok(info),
        }
    }

    /// Deletes objects; no error for those that are not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delete(&self, keys: &[ObjectKey]) -> Guarded<()> {
        for keys in keys.chunks(MAX_KEYS) {
            self.driver.delete(keys).await.map_err(|error| self.fault("delete", error))?;
        }
        Ok(())
    }

    /// Objects in byte order, strictly after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`], also where the driver's list is out of order, too long, or has what was not asked for.
    pub async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: u32) -> Guarded<Vec<ObjectInfo>> {
        let list = self.driver.list(prefix, after, limit).await.map_err(|error| self.fault("list", error))?;
        if list.len() > limit as usize {
            return Err(self.nonsense("list", format!("{} objects, {limit} were asked for", list.len())));
        }
        let mut last = after;
        for info in &list {
            if last.is_some_and(|last| info.key <= *last) || !info.key.as_str().starts_with(prefix) {
                return Err(self.nonsense("list", format!("{} is out of order or not below {prefix:?}", info.key)));
            }
            last = Some(&info.key);
        }
        Ok(list)
    }

    pub(crate) async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Guarded<Source> {
        self.driver.open(key, range).await.map_err(|error| self.fault("open", error))
    }

    /// The same, as a source that is read tells it.
    pub(crate) async fn reopen(&self, key: &ObjectKey, range: ByteRange) -> Result<Source, PluginError> {
        self.driver.open(key, Some(range)).await
    }

    pub(crate) async fn decode(&self, context: &[u8], offset: u64, bytes: &[u8]) -> Result<Bytes, PluginError> {
        self.driver.decode(context, offset, bytes).await
    }

    pub(crate) async fn copied(&self, key: &ObjectKey, layer: &str, size: u64) -> Guarded<()> {
        self.driver.copied(key, layer, size).await.map_err(|error| self.fault("copied", error))
    }

    pub(crate) async fn link(&self, key: &ObjectKey, seconds: u32) -> Guarded<Option<String>> {
        self.driver.link(key, seconds).await.map_err(|error| self.fault("link", error))
    }

    pub(crate) async fn begin(&self, upload: &UploadId) -> Guarded<Vec<u8>> {
        let state = self.driver.begin(upload).await.map_err(|error| self.fault("begin", error))?;
        self.checked("begin", state)
    }

    pub(crate) async fn next(&self, state: &[u8], offset: u64, length: Option<u64>) -> Guarded<Sink> {
        self.driver.next(state, offset, length).await.map_err(|error| self.fault("next", error))
    }

    pub(crate) async fn write(&self, state: &[u8], offset: u64, bytes: &[u8]) -> Guarded<Vec<u8>> {
        let state = self.driver.write(state, offset, bytes).await.map_err(|error| self.fault("write", error))?;
        self.checked("write", state)
    }

    pub(crate) async fn encode(&self, context: &[u8], offset: u64, carry: &[u8], bytes: &[u8]) -> Guarded<Encoding> {
        self.driver.encode(context, offset, carry, bytes).await.map_err(|error| self.fault("encode", error))
    }

    pub(crate) async fn written(&self, state: &[u8], length: u64, receipt: Receipt) -> Guarded<Vec<u8>> {
        let state = self.driver.written(state, length, receipt).await.map_err(|error| self.fault("written", error))?;
        self.checked("written", state)
    }

    /// Until it is done.
    pub(crate) async fn commit(&self, state: &[u8], key: &ObjectKey) -> Guarded<()> {
        let mut state = state.to_vec();
        for _ in 0..MAX_COMMIT_CALLS {
            match self.driver.commit(&state, key).await.map_err(|error| self.fault("commit", error))? {
                Progress::Done => return Ok(()),
                Progress::More(more) => state = self.checked("commit", more)?,
            }
        }
        Err(self.nonsense("commit", format!("not done after {MAX_COMMIT_CALLS} calls")))
    }

    pub(crate) async fn abort(&self, state: &[u8]) -> Guarded<()> {
        self.driver.abort(state).await.map_err(|error| self.fault("abort", error))
    }
}

/// What a failure of a plugin is for the core.
pub(crate) fn fault(plugin: &str, doing: &'static str, error: PluginError) -> StoreError {
    let plugin = plugin.to_owned();
    match error {
        PluginError::NotFound => StoreError::NotFound,
        error @ (PluginError::Unavailable { .. } | PluginError::TimedOut(_)) => StoreError::Unavailable { plugin, error },
        error => StoreError::Driver { plugin, doing, error },
    }
}

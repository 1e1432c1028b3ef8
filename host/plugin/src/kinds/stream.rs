//! Bytes that a guest makes or takes itself. The instance stays on loan until the stream has ended or is dropped: then the guest's resource is
//! dropped, and the instance waits for other calls.

use async_trait::async_trait;
use bulkhead_core::ports::driver::{ByteSink, ByteSource, HttpAnswer, Passage};
use bulkhead_core::ports::plugin::PluginError;
use bytes::Bytes;
use wasmtime::component::ResourceAny;

use super::{guest_error, nonsense};
use crate::call::{Call, not_exported, within};
use crate::plugin::STORAGE_ANSWER_BYTES;

/// The longest piece that is asked of a guest, and the longest that it is given, in bytes.
const MAX_PIECE_BYTES: usize = 1024 * 1024;
const _: () = assert!(MAX_PIECE_BYTES < STORAGE_ANSWER_BYTES);

/// A guest's resource and the instance that it lives in; nothing once the stream has ended.
struct Held(Option<(Call, ResourceAny)>);

impl Held {
    /// Calls a function of the resource with a time of its own.
    fn call(&mut self, function: &'static str) -> Result<(&mut Call, ResourceAny), PluginError> {
        match &mut self.0 {
            Some((call, resource)) => {
                call.again(function);
                Ok((call, *resource))
            }
            None => Err(PluginError::Internal("the stream has ended before".to_owned())),
        }
    }

    fn has_ended(&self) -> bool {
        self.0.is_none()
    }

    /// Drops the resource in the guest and gives the instance back.
    async fn end(&mut self) {
        if let Some((call, resource)) = self.0.take() {
            Self::give_back(call, resource).await;
        }
    }

    async fn give_back(mut call: Call, resource: ResourceAny) {
        call.again("drop");
        let outcome = match call.parts() {
            Ok((store, _, deadline)) => within(deadline, resource.resource_drop_async(store)).await,
            Err(_) => return,
        };
        // A fault is logged, and the instance is gone.
        if call.check(outcome).is_ok() {
            call.release();
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (Some((call, resource)), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) else { return };
        runtime.spawn(Self::give_back(call, resource));
    }
}

/// A `reader`.
pub(super) struct GuestReader(Held);

impl GuestReader {
    pub(super) fn new(call: Call, reader: ResourceAny) -> Self {
        Self(Held(Some((call, reader))))
    }
}

#[async_trait]
impl ByteSource for GuestReader {
    fn passage(&self) -> Passage {
        Passage::Guest
    }

    async fn read(&mut self, most: u32) -> Result<Bytes, PluginError> {
        if self.0.has_ended() {
            return Ok(Bytes::new());
        }
        let most = most.clamp(1, u32::try_from(MAX_PIECE_BYTES).unwrap_or(u32::MAX));
        let (call, reader) = self.0.call("read")?;
        let outcome = {
            let (store, exports, deadline) = call.parts()?;
            let guest = exports.storage.as_ref().ok_or_else(not_exported)?;
            within(deadline, guest.reader().call_read(store, reader, most)).await
        };
        let bytes = call.check(outcome)?.map_err(guest_error)?;
        if bytes.len() > most as usize {
            return nonsense(format!("{} bytes read where at most {most} were asked for", bytes.len()));
        }
        if bytes.is_empty() {
            self.0.end().await;
        }
        Ok(bytes.into())
    }
}

/// A `writer`.
pub(super) struct GuestWriter(Held);

impl GuestWriter {
    pub(super) fn new(call: Call, writer: ResourceAny) -> Self {
        Self(Held(Some((call, writer))))
    }
}

#[async_trait]
impl ByteSink for GuestWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), PluginError> {
        for piece in bytes.chunks(MAX_PIECE_BYTES) {
            let (call, writer) = self.0.call("write")?;
            let outcome = {
                let (store, exports, deadline) = call.parts()?;
                let guest = exports.storage.as_ref().ok_or_else(not_exported)?;
                within(deadline, guest.writer().call_write(store, writer, piece)).await
            };
            call.check(outcome)?.map_err(guest_error)?;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<Option<HttpAnswer>, PluginError> {
        let (call, writer) = self.0.call("finish")?;
        let outcome = {
            let (store, exports, deadline) = call.parts()?;
            let guest = exports.storage.as_ref().ok_or_else(not_exported)?;
            within(deadline, guest.writer().call_finish(store, writer)).await
        };
        call.check(outcome)?.map_err(guest_error)?;
        self.0.end().await;
        Ok(None)
    }
}

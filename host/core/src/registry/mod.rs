//! What a registry does: blobs, uploads, manifests, listings. Every change is durable when its function returns, and its events are in the outbox.
//!
//! Callers have passed the gate before they come here: nothing in this module asks who may. `http` calls it.

mod blobs;
mod error;
mod host;
mod listing;
mod manifests;
mod uploads;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_oci::Digest;
use tokio::sync::Notify;

pub use error::RegistryError;
pub use host::{Host, HostError};
pub use listing::{Listed, Page};
pub use manifests::PushedManifest;
pub use uploads::Chunk;

use crate::auth::{Caller, Gate};
use crate::events::Subscription;
use crate::ports::catalog::{Catalog, NewDelivery};
use crate::ports::clock::Clock;
use crate::ports::context::RequestContext;
use crate::ports::driver::ObjectKey;
use crate::ports::event::{Event, EventAction, EventTarget};
use crate::ports::ids::{RegistryId, RegistryName, UploadId};
use crate::ports::store::ObjectStore;

/// The largest blob by default: 200 GiB, as Azure Container Registry has it for a layer.
pub const DEFAULT_MAX_BLOB_BYTES: u64 = 200 * 1024 * 1024 * 1024;

/// What a registry is made of.
pub struct RegistryParts {
    /// Its name.
    pub name: RegistryName,
    /// Its row in the catalog.
    pub id: RegistryId,
    /// Who may do what.
    pub gate: Gate,
    /// What is where.
    pub catalog: Arc<dyn Catalog>,
    /// The bytes.
    pub store: Arc<dyn ObjectStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Which webhooks want which events.
    pub subscriptions: Vec<Subscription>,
    /// Rung when the outbox has something new.
    pub outbox: Arc<Notify>,
    /// The largest blob that is taken, in bytes.
    pub max_blob_bytes: u64,
}

/// One registry.
pub struct Registry {
    parts: RegistryParts,
    /// Uploads that a request is going on with at this moment.
    busy: Mutex<HashSet<UploadId>>,
}

/// Who does what, by which request: for events.
#[derive(Clone, Copy)]
pub struct Act<'a> {
    /// The request.
    pub context: &'a RequestContext,
    /// Who.
    pub caller: &'a Caller,
}

impl Registry {
    /// A registry of these parts.
    pub fn new(parts: RegistryParts) -> Self {
        Self { parts, busy: Mutex::default() }
    }

    /// Its name.
    pub fn name(&self) -> &RegistryName {
        &self.parts.name
    }

    /// Its gate.
    pub fn gate(&self) -> &Gate {
        &self.parts.gate
    }

    /// Where a blob's bytes lie.
    fn blob_key(&self, digest: &Digest) -> ObjectKey {
        let hex = digest.hex();
        format!("{}/blobs/{}/{}/{hex}", self.parts.name, digest.algorithm().as_str(), &hex[..2])
            .parse()
            .expect("a registry's name and a digest are made of characters that a key takes")
    }

    /// The deliveries that an event means, one for each webhook that wants it.
    fn deliveries(&self, act: Act<'_>, action: EventAction, target: EventTarget) -> Vec<NewDelivery> {
        let wanted = |subscription: &&Subscription| subscription.wants(action, &target);
        let webhooks: Vec<&Subscription> = self.parts.subscriptions.iter().filter(wanted).collect();
        if webhooks.is_empty() {
            return Vec::new();
        }
        let context = act.context;
        let event = Event {
            id: hex::encode(rand::random::<[u8; 16]>()),
            action,
            registry: self.parts.name.to_string(),
            host: context.host.to_string(),
            at: self.parts.clock.now().0,
            target: Some(target),
            actor: act.caller.actor(),
            request_id: context.request_id.to_string(),
            method: context.method.to_string(),
            user_agent: context.user_agent.as_deref().map(str::to_owned),
            address: context.address.to_string(),
        };
        let delivery = |webhook: &Subscription| NewDelivery { webhook: webhook.webhook.clone(), event: event.clone() };
        webhooks.into_iter().map(delivery).collect()
    }

    /// Rings the outbox if a change has put something in.
    fn ring(&self, any: bool) {
        if any {
            self.parts.outbox.notify_one();
        }
    }

    /// One request at a time goes on with an upload.
    fn occupy(self: &Arc<Self>, id: &UploadId) -> Result<Occupied, RegistryError> {
        let fresh = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
        if fresh { Ok(Occupied { registry: Arc::clone(self), id: id.clone() }) } else { Err(RegistryError::UploadBusy) }
    }
}

/// Holds an upload for one request.
struct Occupied {
    registry: Arc<Registry>,
    id: UploadId,
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.registry.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests;

//! What a registry does: blobs, uploads, manifests, listings, locks. Every change is durable when its function returns, its events are in
//! the outbox, and the audit log has it.
//!
//! Callers have passed the gate before they come here: nothing in this module asks who may. `http` calls it.

mod admission;
mod announce;
mod blobs;
mod condition;
mod deletions;
mod error;
mod expiry;
mod host;
mod listing;
mod locks;
mod manifests;
mod mounts;
mod notes;
mod pushes;
mod rules;
mod uploads;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bulkhead_oci::Digest;
use tokio::sync::Notify;

pub use condition::{Condition, Etags};
pub use deletions::DeletedRepository;
pub use error::RegistryError;
pub use expiry::Janitor;
pub use host::{Host, HostError};
pub use listing::{Listed, Page};
pub use locks::Locked;
pub use pushes::{ManifestPush, PushTarget, PushedManifest};
pub use rules::{DEFAULT_MAX_BLOB_BYTES, DEFAULT_UPLOAD_LIFE, Deletes, Deleting, Rules};
pub use uploads::Chunk;

use crate::auth::{Caller, Gate};
use crate::events::Subscription;
use crate::ports::admission::Admission;
use crate::ports::audit::Audit;
use crate::ports::catalog::Catalog;
use crate::ports::clock::Clock;
use crate::ports::context::RequestContext;
use crate::ports::driver::ObjectKey;
use crate::ports::ids::{RegistryId, RegistryName, UploadId};
use crate::ports::store::ObjectStore;

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
    /// Asked before a change, in this order.
    pub admission: Vec<Arc<dyn Admission>>,
    /// What it takes, keeps and lets go.
    pub rules: Rules,
    /// Told of every change, and of every change that was refused.
    pub audit: Arc<dyn Audit>,
}

/// One registry.
pub struct Registry {
    parts: RegistryParts,
    /// Those of the parts, shared with events that are made later.
    subscriptions: Arc<[Subscription]>,
    /// Uploads that a request is going on with at this moment.
    busy: Mutex<HashSet<UploadId>>,
}

/// Who does what, by which request: for events, the audit log, and plugins.
#[derive(Clone, Copy)]
pub struct Act<'a> {
    /// The request.
    pub context: &'a RequestContext,
    /// Who.
    pub caller: &'a Caller,
}

impl Registry {
    /// A registry of these parts.
    pub fn new(mut parts: RegistryParts) -> Self {
        let subscriptions = std::mem::take(&mut parts.subscriptions).into();
        Self { parts, subscriptions, busy: Mutex::default() }
    }

    /// Its name.
    pub fn name(&self) -> &RegistryName {
        &self.parts.name
    }

    /// Its row in the catalog.
    pub fn id(&self) -> RegistryId {
        self.parts.id
    }

    /// Its gate.
    pub fn gate(&self) -> &Gate {
        &self.parts.gate
    }

    /// What it takes, keeps and lets go.
    pub fn rules(&self) -> &Rules {
        &self.parts.rules
    }

    /// Where a blob's bytes lie.
    fn blob_key(&self, digest: &Digest) -> ObjectKey {
        let hex = digest.hex();
        format!("{}/blobs/{}/{}/{hex}", self.parts.name, digest.algorithm().as_str(), &hex[..2])
            .parse()
            .expect("a registry's name and a digest are made of characters that a key takes")
    }

    /// Whether a request is going on with this upload.
    fn is_busy(&self, id: &UploadId) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    /// Uploads that requests are going on with.
    fn busy(&self) -> usize {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).len()
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

//! Mounts: a repository gets a blob that another one has, without its bytes being sent (OCI distribution specification, "Mounting a blob
//! from another repository"). Never across registries.

use std::sync::Arc;

use bulkhead_oci::{Digest, RepositoryName};

use super::blobs::blob_target;
use super::notes::{Notes, detached};
use super::{Act, Registry, RegistryError};
use crate::ports::audit::AuditAction;
use crate::ports::catalog::{BlobRecord, Mounted};
use crate::ports::event::EventAction;

/// Repositories that are looked at for one that the caller may read. A blob that very many have, such as an empty layer, is no reason to
/// ask the chain about all of them, and how long the answer takes must not tell how many there are.
const MOST: u32 = 512;

impl Registry {
    /// `to` has the blob of `from` from now on. None: `from` has it not, or may not be read. The caller of this function has made sure that
    /// the client may pull from `from`.
    ///
    /// # Errors
    /// [`RegistryError::Internal`], or [`RegistryError::Locked`] if `to` may not be written.
    pub async fn mount_blob(
        self: &Arc<Self>,
        act: Act<'_>,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<BlobRecord>, RegistryError> {
        let (registry, owned) = (Arc::clone(self), act.to_owned());
        let (from, to, digest) = (from.clone(), to.clone(), digest.clone());
        detached(async move {
            let act = owned.act();
            let mounted = match registry.try_mount(act, &from, &to, &digest).await {
                Ok(None) => return Ok(None),
                Ok(Some(blob)) => Ok(blob),
                Err(error) => Err(error),
            };
            let mut notes = Notes::about(digest.as_str());
            notes.target(Some(from.as_str()));
            registry.conclude(act, AuditAction::MountBlob, &to, notes, mounted).await.map(Some)
        })
        .await
    }

    async fn try_mount(
        &self,
        act: Act<'_>,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<BlobRecord>, RegistryError> {
        let Some(blob) = self.parts.catalog.blob(self.parts.id, from, digest).await? else { return Ok(None) };
        let deliveries = self.deliveries(act, EventAction::Mount, blob_target(to, &blob, Some(from)));
        let any = !deliveries.is_empty();
        let now = self.parts.clock.now();
        match self.parts.catalog.mount_blob(self.parts.id, from, to, digest, now, deliveries).await? {
            Mounted::Done(mounted) => {
                self.ring(any);
                Ok(Some(mounted))
            }
            Mounted::Absent => Ok(None),
            Mounted::Locked(lock) => Err(lock.into()),
        }
    }

    /// The same from whichever repository has the blob and may be read by the caller, of the oldest ones that have it. None: there is none, or
    /// the caller may not know of it.
    ///
    /// # Errors
    /// [`RegistryError::Internal`], or [`RegistryError::Locked`] if `to` may not be written.
    pub async fn find_blob(
        self: &Arc<Self>,
        act: Act<'_>,
        to: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<BlobRecord>, RegistryError> {
        let holders = self.parts.catalog.holders(self.parts.id, digest, MOST).await?;
        // Where nobody can say what the caller may see, it sees nothing, and sends the bytes.
        let readable = self.parts.gate.visible(act.context, act.caller, holders).await.unwrap_or_default();
        for from in &readable {
            if let Some(mounted) = self.mount_blob(act, from, to, digest).await? {
                return Ok(Some(mounted));
            }
        }
        Ok(None)
    }
}

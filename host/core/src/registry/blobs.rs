//! Blobs: look up, read, mount, delete. A blob is in a repository or it is not; where its bytes lie is nobody's business outside.

use bulkhead_oci::{ByteRange, Digest, RepositoryName};

use super::{Act, Registry, RegistryError};
use crate::ports::catalog::{BlobRecord, Removal};
use crate::ports::event::{EventAction, EventTarget};
use crate::ports::store::ObjectBody;

/// The media type of a blob as such.
const OCTETS: &str = "application/octet-stream";

impl Registry {
    /// A blob of this repository.
    ///
    /// # Errors
    /// [`RegistryError::BlobUnknown`] if the repository has it not, also where another one has.
    pub async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<BlobRecord, RegistryError> {
        let found = self.parts.catalog.blob(self.parts.id, repository, digest).await?;
        found.ok_or(RegistryError::BlobUnknown)
    }

    /// Its bytes, or a range that lies within them.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`] or [`RegistryError::Internal`] if the storage does not give them.
    pub async fn read_blob(&self, blob: &BlobRecord, range: Option<ByteRange>) -> Result<ObjectBody, RegistryError> {
        Ok(self.parts.store.read(&blob.key, &blob.digest, blob.size, range).await?)
    }

    /// The repository has this blob no more. Its bytes stay until they are collected: another repository may have it.
    ///
    /// # Errors
    /// [`RegistryError::BlobUnknown`].
    pub async fn delete_blob(&self, act: Act<'_>, repository: &RepositoryName, digest: &Digest) -> Result<(), RegistryError> {
        let blob = self.blob(repository, digest).await?;
        let deliveries = self.deliveries(act, EventAction::Delete, blob_target(repository, &blob, None));
        let any = !deliveries.is_empty();
        match self.parts.catalog.remove_blob(self.parts.id, repository, digest, deliveries).await? {
            Removal::Removed => {
                self.ring(any);
                Ok(())
            }
            Removal::Absent => Err(RegistryError::BlobUnknown),
        }
    }

    /// `to` has the blob of `from` from now on. None: `from` has it not. The caller of this function has made sure that the client may
    /// pull from `from`.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub async fn mount_blob(
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
        let mounted = self.parts.catalog.mount_blob(self.parts.id, from, to, digest, now, deliveries).await?;
        self.ring(any && mounted.is_some());
        Ok(mounted)
    }
}

fn blob_target(repository: &RepositoryName, blob: &BlobRecord, from: Option<&RepositoryName>) -> EventTarget {
    EventTarget {
        repository: repository.to_string(),
        digest: blob.digest.clone(),
        media_type: OCTETS.to_owned(),
        size: blob.size,
        tag: None,
        mounted_from: from.map(ToString::to_string),
        artifact_type: None,
    }
}

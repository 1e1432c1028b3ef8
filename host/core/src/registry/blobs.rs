//! Blobs: looked up and read. A blob is in a repository or it is not; where its bytes lie is nobody's business outside.

use bulkhead_oci::{ByteRange, Digest, RepositoryName};

use super::{Registry, RegistryError};
use crate::ports::catalog::BlobRecord;
use crate::ports::event::EventTarget;
use crate::ports::store::ObjectBody;

/// The media type of a blob as such.
const OCTETS: &str = "application/octet-stream";

impl Registry {
    /// A blob of this repository.
    ///
    /// # Errors
    /// [`RegistryError::BlobUnknown`] if the repository has it not, also where another one has; [`RegistryError::Locked`] if the repository
    /// may not be read.
    pub async fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<BlobRecord, RegistryError> {
        self.check_readable(repository).await?;
        self.find_blob_of(repository, digest).await
    }

    /// The same whether or not it may be pulled.
    pub(super) async fn find_blob_of(&self, repository: &RepositoryName, digest: &Digest) -> Result<BlobRecord, RegistryError> {
        let found = self.parts.catalog.blob(self.parts.id, repository, digest).await?;
        found.ok_or(RegistryError::BlobUnknown)
    }

    /// Where the client itself can read it, if it is to be sent there and the storage has such a place. It is known to whoever holds the link, until
    /// its time is over.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`] or [`RegistryError::Internal`] if the storage does not say.
    pub async fn blob_link(&self, blob: &BlobRecord) -> Result<Option<String>, RegistryError> {
        let Some(life) = self.parts.rules.redirect else { return Ok(None) };
        let seconds = u32::try_from(life.as_secs()).unwrap_or(u32::MAX);
        Ok(self.parts.store.link(&blob.key, seconds).await?)
    }

    /// Its bytes, or a range that lies within them.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`] or [`RegistryError::Internal`] if the storage does not give them.
    pub async fn read_blob(&self, blob: &BlobRecord, range: Option<ByteRange>) -> Result<ObjectBody, RegistryError> {
        Ok(self.parts.store.read(&blob.key, &blob.digest, blob.size, range).await?)
    }
}

pub(super) fn blob_target(repository: &RepositoryName, blob: &BlobRecord, from: Option<&RepositoryName>) -> EventTarget {
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

//! Manifests and tags. A manifest is kept byte for byte, in the catalog, beside the tags that point to it.

use bulkhead_oci::{Algorithm, Digest, MAX_MANIFEST_BYTES, Manifest, MediaType, Reference, RepositoryName, Tag};
use bytes::Bytes;
use sha2::{Digest as _, Sha256, Sha512};
use tracing::warn;

use super::{Act, Registry, RegistryError};
use crate::ports::catalog::{ManifestRecord, NewManifest, PutManifest, Removal};
use crate::ports::event::{EventAction, EventTarget};

/// What a push of a manifest made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedManifest {
    /// Its digest.
    pub digest: Digest,
    /// What it refers to.
    pub subject: Option<Digest>,
}

impl Registry {
    /// A manifest of this repository.
    ///
    /// # Errors
    /// [`RegistryError::ManifestUnknown`].
    pub async fn manifest(&self, repository: &RepositoryName, reference: &Reference) -> Result<ManifestRecord, RegistryError> {
        let found = self.parts.catalog.manifest(self.parts.id, repository, reference).await?;
        found.ok_or(RegistryError::ManifestUnknown)
    }

    /// Tells webhooks that a manifest was pulled. The pull itself is not held up by a full outbox.
    pub async fn announce_pull(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        reference: &Reference,
        manifest: &ManifestRecord,
    ) {
        if self.parts.subscriptions.is_empty() {
            return;
        }
        let target = manifest_target(repository, manifest, tag_of(reference));
        let deliveries = self.deliveries(act, EventAction::Pull, target);
        if deliveries.is_empty() {
            return;
        }
        match self.parts.catalog.enqueue(self.parts.id, deliveries, self.parts.clock.now()).await {
            Ok(()) => self.ring(true),
            Err(error) => warn!(request_id = %act.context.request_id, %error, "a pull's event is lost"),
        }
    }

    /// Stores a manifest under its digest, and under the tag where the reference is one.
    ///
    /// # Errors
    /// [`RegistryError`]: nothing was stored.
    pub async fn put_manifest(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        reference: &Reference,
        content_type: Option<&MediaType>,
        body: Bytes,
    ) -> Result<PushedManifest, RegistryError> {
        if body.len() > MAX_MANIFEST_BYTES {
            return Err(RegistryError::TooLarge { limit: MAX_MANIFEST_BYTES as u64 });
        }
        let manifest = Manifest::parse(content_type, &body)?;
        let digest = settle_digest(reference, &body)?;
        let record = ManifestRecord {
            digest,
            media_type: manifest.media_type.clone(),
            body,
            artifact_type: manifest.artifact_type.clone(),
        };
        let tag = tag_of(reference);
        let deliveries = self.deliveries(act, EventAction::Push, manifest_target(repository, &record, tag));
        let any = !deliveries.is_empty();
        let new = NewManifest {
            repository,
            digest: &record.digest,
            manifest: &manifest,
            body: record.body.clone(),
            tag,
            now: self.parts.clock.now(),
            deliveries,
        };
        match self.parts.catalog.put_manifest(self.parts.id, new).await? {
            PutManifest::Missing(missing) => Err(RegistryError::MissingReferences(missing)),
            PutManifest::WrongSize(wrong) => Err(RegistryError::WrongSizes(wrong)),
            PutManifest::Stored => {
                self.ring(any);
                Ok(PushedManifest { digest: record.digest, subject: manifest.subject.map(|subject| subject.digest) })
            }
        }
    }

    /// A tag goes alone; a digest takes every tag with it that points to it.
    ///
    /// # Errors
    /// [`RegistryError::ManifestUnknown`].
    pub async fn delete_manifest(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<(), RegistryError> {
        let manifest = self.manifest(repository, reference).await?;
        let target = manifest_target(repository, &manifest, tag_of(reference));
        let (catalog, id) = (&self.parts.catalog, self.parts.id);
        let (removal, any) = match reference {
            Reference::Tag(tag) => {
                let deliveries = self.deliveries(act, EventAction::Untag, target);
                let any = !deliveries.is_empty();
                (catalog.remove_tag(id, repository, tag, deliveries).await?, any)
            }
            Reference::Digest(digest) => {
                let deliveries = self.deliveries(act, EventAction::Delete, target);
                let any = !deliveries.is_empty();
                (catalog.remove_manifest(id, repository, digest, deliveries).await?, any)
            }
        };
        match removal {
            Removal::Removed => {
                self.ring(any);
                Ok(())
            }
            Removal::Absent => Err(RegistryError::ManifestUnknown),
        }
    }
}

/// By tag: SHA-256, which every client reads. By digest: as the client has it, if the body agrees.
fn settle_digest(reference: &Reference, body: &[u8]) -> Result<Digest, RegistryError> {
    let algorithm = match reference {
        Reference::Tag(_) => Algorithm::Sha256,
        Reference::Digest(digest) => digest.algorithm(),
    };
    let found = match algorithm {
        Algorithm::Sha256 => Digest::from_bytes(algorithm, &Sha256::digest(body)),
        Algorithm::Sha512 => Digest::from_bytes(algorithm, &Sha512::digest(body)),
    }
    .expect("a hash has its algorithm's length");
    match reference {
        Reference::Digest(expected) if *expected != found => {
            Err(RegistryError::DigestMismatch { expected: expected.clone(), found })
        }
        _ => Ok(found),
    }
}

const fn tag_of(reference: &Reference) -> Option<&Tag> {
    match reference {
        Reference::Tag(tag) => Some(tag),
        Reference::Digest(_) => None,
    }
}

fn manifest_target(repository: &RepositoryName, manifest: &ManifestRecord, tag: Option<&Tag>) -> EventTarget {
    EventTarget {
        repository: repository.to_string(),
        digest: manifest.digest.clone(),
        media_type: manifest.media_type.to_string(),
        size: manifest.body.len() as u64,
        tag: tag.map(ToString::to_string),
        mounted_from: None,
        artifact_type: manifest.artifact_type.clone(),
    }
}

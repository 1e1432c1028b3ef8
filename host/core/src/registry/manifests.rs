//! Manifests as they are read, by digest or by tag.

use bulkhead_oci::{Accept, Manifest, ManifestKind, MediaType, Reference, RepositoryName, Tag};
use tracing::warn;

use super::{Act, Registry, RegistryError};
use crate::ports::catalog::ManifestRecord;
use crate::ports::event::{EventAction, EventTarget};

/// What clients that read no index are given of one: they were written when there was nothing else.
const OLD_OS: &str = "linux";
const OLD_ARCHITECTURE: &str = "amd64";
/// Entries of an index that are looked up for such a client. There is one, unless somebody means ill.
const MOST_ENTRIES: usize = 4;

impl Registry {
    /// A manifest of this repository.
    ///
    /// # Errors
    /// [`RegistryError::ManifestUnknown`], or [`RegistryError::Locked`] if the repository, the manifest or the tag may not be read.
    pub async fn manifest(&self, repository: &RepositoryName, reference: &Reference) -> Result<ManifestRecord, RegistryError> {
        self.check_readable(repository).await?;
        let found = self.find_manifest(repository, reference).await?;
        self.check_pulled(repository, reference, &found).await?;
        Ok(found)
    }

    /// The same whether or not it may be pulled.
    pub(super) async fn find_manifest(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<ManifestRecord, RegistryError> {
        let found = self.parts.catalog.manifest(self.parts.id, repository, reference).await?;
        found.ok_or(RegistryError::ManifestUnknown)
    }

    /// What a tag points to, in a form that the client takes: the manifest itself, or, of an index that the client does not take, the
    /// manifest for linux/amd64 (OCI distribution specification, "Content Negotiation").
    ///
    /// # Errors
    /// [`RegistryError::ManifestUnknown`], [`RegistryError::NotAcceptable`] if there is nothing that the client takes, or
    /// [`RegistryError::Locked`] if what it would be given may not be read.
    pub async fn acceptable_manifest(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
        accept: &Accept,
    ) -> Result<ManifestRecord, RegistryError> {
        let record = self.manifest(repository, &Reference::Tag(tag.clone())).await?;
        if accept.takes(&record.media_type) {
            return Ok(record);
        }
        if ![MediaType::OCI_MANIFEST, MediaType::DOCKER_MANIFEST].into_iter().any(|image| accept.takes_text(image)) {
            return Err(RegistryError::NotAcceptable(record.media_type));
        }
        let index = Manifest::parse(Some(&record.media_type), &record.body).ok();
        let entries = index.filter(|index| index.kind == ManifestKind::Index).map(|index| index.manifests).unwrap_or_default();
        let fits = |entry: &&bulkhead_oci::Descriptor| {
            let old = |platform: &bulkhead_oci::Platform| platform.os == OLD_OS && platform.architecture == OLD_ARCHITECTURE;
            entry.platform.as_ref().is_some_and(old) && accept.takes(&entry.media_type)
        };
        for entry in entries.iter().filter(fits).take(MOST_ENTRIES) {
            let reference = Reference::Digest(entry.digest.clone());
            // A sparse index may list what is not there.
            if let Some(manifest) = self.parts.catalog.manifest(self.parts.id, repository, &reference).await? {
                self.check_pulled(repository, &reference, &manifest).await?;
                return Ok(manifest);
            }
        }
        Err(RegistryError::NotAcceptable(record.media_type))
    }

    /// Tells webhooks that a manifest was pulled. The pull itself is not held up by a full outbox.
    pub async fn announce_pull(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        reference: &Reference,
        manifest: &ManifestRecord,
    ) {
        if self.subscriptions.is_empty() {
            return;
        }
        let tag = match reference {
            Reference::Tag(tag) => Some(tag),
            Reference::Digest(_) => None,
        };
        let deliveries = self.deliveries(act, EventAction::Pull, manifest_target(repository, manifest, tag));
        if deliveries.is_empty() {
            return;
        }
        match self.parts.catalog.enqueue(self.parts.id, deliveries, self.parts.clock.now()).await {
            Ok(()) => self.ring(true),
            Err(error) => warn!(request_id = %act.context.request_id, %error, "a pull's event is lost"),
        }
    }
}

pub(super) fn manifest_target(repository: &RepositoryName, manifest: &ManifestRecord, tag: Option<&Tag>) -> EventTarget {
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

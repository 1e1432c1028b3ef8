//! A catalog in memory, as far as requests reach it.

mod locks;
mod tables;

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use bulkhead_core::ports::admission::TagState;
use bulkhead_core::ports::catalog::{
    Added, Advance, Announce, Attributed, Attributes, AttributesChange, AttributesRecord, BlobRecord, Catalog, CatalogError,
    Deletion, Delivery, Expected, ManifestRecord, Mounted, NewDelivery, NewManifest, OldManifest, Part, PutManifest, Referenced,
    ReferrerRecord, Removal, RepositoryDeletion, Settlement, TagFilter, UploadRecord,
};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::{RegistryId, RegistryName, UploadId};
use bulkhead_core::ports::store::UploadProgress;
use bulkhead_oci::{Digest, Reference, RepositoryName, Tag};
use tables::{Place, Stored, Tables};

#[derive(Default)]
pub(crate) struct MemoryCatalog(Mutex<Tables>);

impl MemoryCatalog {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap()
    }

    /// Blobs, uploads and manifests.
    pub(crate) fn count(&self) -> (usize, usize, usize) {
        let tables = self.tables();
        (tables.blobs.len(), tables.uploads.len(), tables.manifests.len())
    }
}

fn removal<T>(removed: Option<T>) -> Result<Removal, CatalogError> {
    Ok(if removed.is_some() { Removal::Removed } else { Removal::Absent })
}

fn place(registry: RegistryId, repository: &RepositoryName) -> Place {
    (registry, repository.clone())
}

fn referrer(stored: &Stored) -> ReferrerRecord {
    ReferrerRecord {
        digest: stored.record.digest.clone(),
        media_type: stored.record.media_type.clone(),
        size: stored.record.body.len() as u64,
        artifact_type: stored.record.artifact_type.clone(),
        annotations: stored.manifest.annotations.clone(),
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn registry(&self, _: &RegistryName, _: Timestamp) -> Result<RegistryId, CatalogError> {
        Ok(RegistryId(1))
    }

    async fn blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<BlobRecord>, CatalogError> {
        if repository.as_str() == "broken" {
            return Err(CatalogError("the disk at /secret is full".to_owned()));
        }
        Ok(self.tables().blobs.get(&(place(registry, repository), digest.clone())).cloned())
    }

    async fn add_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        blob: &BlobRecord,
        upload: Option<&UploadId>,
        _: Timestamp,
    ) -> Result<Added, CatalogError> {
        let mut tables = self.tables();
        if let Some(lock) = tables.write_lock(&place(registry, repository)) {
            return Ok(Added::Locked(lock));
        }
        tables.blobs.insert((place(registry, repository), blob.digest.clone()), blob.clone());
        if let Some(upload) = upload {
            tables.uploads.remove(&(registry, upload.clone()));
        }
        Ok(Added::Done)
    }

    async fn mount_blob(
        &self,
        registry: RegistryId,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
        _: Timestamp,
        _: Vec<NewDelivery>,
    ) -> Result<Mounted, CatalogError> {
        let mut tables = self.tables();
        let blob = tables.blobs.get(&(place(registry, from), digest.clone())).cloned();
        let Some(blob) = blob.filter(|_| tables.may_read(registry, from)) else { return Ok(Mounted::Absent) };
        if let Some(lock) = tables.write_lock(&place(registry, to)) {
            return Ok(Mounted::Locked(lock));
        }
        tables.blobs.insert((place(registry, to), digest.clone()), blob.clone());
        Ok(Mounted::Done(blob))
    }

    async fn holders(&self, registry: RegistryId, digest: &Digest, limit: u32) -> Result<Vec<RepositoryName>, CatalogError> {
        let tables = self.tables();
        let of =
            tables.blobs.keys().filter(|((at, _), blob)| *at == registry && blob == digest).map(|((_, name), _)| name.clone());
        Ok(of.filter(|name| tables.may_read(registry, name)).take(limit as usize).collect())
    }

    async fn remove_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
        referenced: Referenced,
        _: Vec<NewDelivery>,
    ) -> Result<Deletion, CatalogError> {
        Ok(self.tables().remove_blob(&place(registry, repository), digest, referenced))
    }

    async fn create_upload(&self, registry: RegistryId, upload: &UploadRecord) -> Result<(), CatalogError> {
        self.tables().uploads.insert((registry, upload.id.clone()), upload.clone());
        Ok(())
    }

    async fn upload(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<Option<UploadRecord>, CatalogError> {
        let found = self.tables().uploads.get(&(registry, id.clone())).cloned();
        Ok(found.filter(|upload| upload.repository == *repository))
    }

    async fn advance_upload(
        &self,
        registry: RegistryId,
        id: &UploadId,
        from: u64,
        progress: &UploadProgress,
        now: Timestamp,
    ) -> Result<Advance, CatalogError> {
        let mut tables = self.tables();
        match tables.uploads.get_mut(&(registry, id.clone())) {
            Some(upload) if upload.progress.offset == from => {
                (upload.progress, upload.touched) = (progress.clone(), now);
                Ok(Advance::Done)
            }
            _ => Ok(Advance::Stale),
        }
    }

    async fn stale_uploads(&self, _: RegistryId, _: Timestamp, _: u32) -> Result<Vec<UploadRecord>, CatalogError> {
        Ok(Vec::new())
    }

    async fn remove_upload(&self, registry: RegistryId, id: &UploadId) -> Result<Removal, CatalogError> {
        removal(self.tables().uploads.remove(&(registry, id.clone())))
    }

    async fn manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ManifestRecord>, CatalogError> {
        let tables = self.tables();
        let digest = match reference {
            Reference::Digest(digest) => Some(digest.clone()),
            Reference::Tag(tag) => tables.tags.get(&(place(registry, repository), tag.clone())).cloned(),
        };
        let Some(digest) = digest else { return Ok(None) };
        let place = place(registry, repository);
        let of_tag = match reference {
            Reference::Digest(_) => Attributes::default(),
            Reference::Tag(tag) => tables.attributes_of(&place, &Attributed::Tag(tag.clone())),
        };
        let attributes = tables.attributes_of(&place, &Attributed::Manifest(digest.clone())).and(of_tag);
        let found = tables.manifests.get(&(place, digest));
        Ok(found.map(|stored| ManifestRecord { attributes, ..stored.record.clone() }))
    }

    async fn put_manifest(&self, registry: RegistryId, new: NewManifest<'_>) -> Result<PutManifest, CatalogError> {
        Ok(self.tables().put_manifest(&place(registry, new.repository), new))
    }

    async fn remove_manifest(&self, registry: RegistryId, old: OldManifest<'_>) -> Result<Deletion, CatalogError> {
        Ok(self.tables().remove_manifest(&place(registry, old.repository), &old))
    }

    async fn remove_tag(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tag: &Tag,
        expected: &Expected,
        _: Timestamp,
        _: Vec<NewDelivery>,
    ) -> Result<Deletion, CatalogError> {
        Ok(self.tables().remove_tag(&place(registry, repository), tag, expected))
    }

    async fn remove_repository(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reviewed: Option<&[TagState]>,
        _: Announce,
    ) -> Result<RepositoryDeletion, CatalogError> {
        Ok(self.tables().remove_repository(&place(registry, repository), reviewed))
    }

    async fn repository_attributes(&self, registry: RegistryId, repository: &RepositoryName) -> Result<Attributes, CatalogError> {
        Ok(self.tables().attributes_of(&place(registry, repository), &Attributed::Repository))
    }

    async fn attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        of: &Attributed,
    ) -> Result<Option<AttributesRecord>, CatalogError> {
        Ok(self.tables().attributes_record(&place(registry, repository), of))
    }

    async fn change_attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        of: &Attributed,
        change: &AttributesChange,
        now: Timestamp,
    ) -> Result<Option<Attributes>, CatalogError> {
        Ok(self.tables().change(&place(registry, repository), of, change, now))
    }

    async fn tag_states(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tags: &[Tag],
    ) -> Result<Vec<TagState>, CatalogError> {
        let tables = self.tables();
        Ok(tags.iter().map(|tag| tables.state(&place(registry, repository), tag)).collect())
    }

    async fn tagged(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        filter: TagFilter<'_>,
        after: Option<&Tag>,
        limit: u32,
    ) -> Result<Vec<TagState>, CatalogError> {
        let (tables, place) = (self.tables(), place(registry, repository));
        let wanted = |to: &Digest| match filter {
            TagFilter::All => true,
            TagFilter::PointingTo(digest) => to == digest,
        };
        let here =
            tables.tags.iter().filter(|((at, tag), to)| *at == place && wanted(to) && after.is_none_or(|after| tag > after));
        let state = |((_, tag), to): (&(Place, Tag), &Digest)| TagState { tag: tag.clone(), now: Some(to.clone()) };
        Ok(here.map(state).take(limit as usize).collect())
    }

    async fn tags(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Option<Vec<Tag>>, CatalogError> {
        let tables = self.tables();
        let place = place(registry, repository);
        if !tables.manifests.keys().any(|(at, _)| *at == place) {
            return Ok(None);
        }
        let shown = |tag: &Tag| tables.attributes_of(&place, &Attributed::Tag(tag.clone())).list_enabled;
        let tags = tables.tags.keys().filter(|(at, tag)| *at == place && shown(tag)).map(|(_, tag)| tag.clone());
        let later = tags.filter(|tag| after.is_none_or(|after| tag.as_str() > after));
        Ok(Some(later.take(limit as usize).collect()))
    }

    async fn repositories(
        &self,
        registry: RegistryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, CatalogError> {
        let tables = self.tables();
        let mut names: Vec<RepositoryName> =
            tables.manifests.keys().filter(|((at, _), _)| *at == registry).map(|((_, name), _)| name.clone()).collect();
        names.dedup();
        names.retain(|name| after.is_none_or(|after| name.as_str() > after) && tables.shows_repository(&place(registry, name)));
        names.truncate(limit as usize);
        Ok(names)
    }

    async fn referrers(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Part<ReferrerRecord>, CatalogError> {
        let (tables, place) = (self.tables(), place(registry, repository));
        let refers = |stored: &Stored| {
            stored.manifest.subject.as_ref().is_some_and(|to| to.digest == *subject)
                && tables.attributes_of(&place, &Attributed::Manifest(stored.record.digest.clone())).list_enabled
                && artifact_type.is_none_or(|wanted| stored.record.artifact_type.as_deref() == Some(wanted))
        };
        let found = tables
            .manifests
            .iter()
            .filter(|((at, digest), stored)| *at == place && refers(stored) && after.is_none_or(|after| digest > after));
        let mut items: Vec<ReferrerRecord> = found.map(|(_, stored)| referrer(stored)).take(limit as usize + 1).collect();
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Ok(Part { items, more })
    }

    async fn enqueue(&self, _: RegistryId, _: Vec<NewDelivery>, _: Timestamp) -> Result<(), CatalogError> {
        Ok(())
    }
    async fn due(&self, _: Timestamp, _: u32) -> Result<Vec<Delivery>, CatalogError> {
        Ok(Vec::new())
    }
    async fn next_due(&self) -> Result<Option<Timestamp>, CatalogError> {
        Ok(None)
    }
    async fn settle(&self, _: i64, _: Settlement) -> Result<(), CatalogError> {
        Ok(())
    }
    async fn state_get(&self, _: &str, _: &str, _: Timestamp) -> Result<Option<Vec<u8>>, CatalogError> {
        Ok(None)
    }
    async fn state_set(&self, _: &str, _: &str, _: &[u8], _: Option<Timestamp>) -> Result<(), CatalogError> {
        Ok(())
    }
    async fn state_delete(&self, _: &str, _: &str) -> Result<(), CatalogError> {
        Ok(())
    }
}

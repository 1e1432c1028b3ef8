//! A catalog in memory, as far as requests reach it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use bulkhead_core::ports::catalog::{
    Advance, BlobRecord, Catalog, CatalogError, Delivery, ManifestRecord, NewDelivery, NewManifest, PutManifest, Removal,
    Settlement, UploadRecord,
};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::{RegistryId, RegistryName, UploadId};
use bulkhead_core::ports::store::UploadProgress;
use bulkhead_oci::{Digest, Reference, RepositoryName, Tag};

type Place = (RegistryId, RepositoryName);

#[derive(Default)]
struct Tables {
    blobs: HashMap<(Place, Digest), BlobRecord>,
    uploads: HashMap<(RegistryId, UploadId), UploadRecord>,
    manifests: BTreeMap<(Place, Digest), (ManifestRecord, Option<Digest>)>,
    tags: BTreeMap<(Place, Tag), Digest>,
}

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
    ) -> Result<(), CatalogError> {
        let mut tables = self.tables();
        tables.blobs.insert((place(registry, repository), blob.digest.clone()), blob.clone());
        if let Some(upload) = upload {
            tables.uploads.remove(&(registry, upload.clone()));
        }
        Ok(())
    }

    async fn mount_blob(
        &self,
        registry: RegistryId,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
        _: Timestamp,
        _: Vec<NewDelivery>,
    ) -> Result<Option<BlobRecord>, CatalogError> {
        let mut tables = self.tables();
        let blob = tables.blobs.get(&(place(registry, from), digest.clone())).cloned();
        if let Some(blob) = &blob {
            tables.blobs.insert((place(registry, to), digest.clone()), blob.clone());
        }
        Ok(blob)
    }

    async fn remove_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
        _: Vec<NewDelivery>,
    ) -> Result<Removal, CatalogError> {
        removal(self.tables().blobs.remove(&(place(registry, repository), digest.clone())))
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
        let found = digest.and_then(|digest| tables.manifests.get(&(place(registry, repository), digest)));
        Ok(found.map(|(record, _)| record.clone()))
    }

    async fn put_manifest(&self, registry: RegistryId, new: NewManifest<'_>) -> Result<PutManifest, CatalogError> {
        let mut tables = self.tables();
        let place = place(registry, new.repository);
        let is_there = |digest: &Digest| tables.blobs.contains_key(&(place.clone(), digest.clone()));
        let missing: Vec<Digest> =
            new.manifest.blobs.iter().map(|blob| blob.digest.clone()).filter(|digest| !is_there(digest)).collect();
        if !missing.is_empty() {
            return Ok(PutManifest::Missing(missing));
        }
        let record = ManifestRecord {
            digest: new.digest.clone(),
            media_type: new.manifest.media_type.clone(),
            body: new.body,
            artifact_type: new.manifest.artifact_type.clone(),
        };
        let subject = new.manifest.subject.as_ref().map(|subject| subject.digest.clone());
        tables.manifests.insert((place.clone(), new.digest.clone()), (record, subject));
        if let Some(tag) = new.tag {
            tables.tags.insert((place, tag.clone()), new.digest.clone());
        }
        Ok(PutManifest::Stored)
    }

    async fn remove_manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
        _: Vec<NewDelivery>,
    ) -> Result<Removal, CatalogError> {
        let mut tables = self.tables();
        let place = place(registry, repository);
        tables.tags.retain(|(at, _), to| *at != place || to != digest);
        removal(tables.manifests.remove(&(place, digest.clone())))
    }

    async fn remove_tag(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tag: &Tag,
        _: Vec<NewDelivery>,
    ) -> Result<Removal, CatalogError> {
        removal(self.tables().tags.remove(&(place(registry, repository), tag.clone())))
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
        let tags = tables.tags.keys().filter(|(at, _)| *at == place).map(|(_, tag)| tag.clone());
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
        names.retain(|name| after.is_none_or(|after| name.as_str() > after));
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
    ) -> Result<Vec<ManifestRecord>, CatalogError> {
        let tables = self.tables();
        let place = place(registry, repository);
        let of_subject = tables.manifests.iter().filter(|((at, _), (_, to))| *at == place && to.as_ref() == Some(subject));
        let records = of_subject.map(|(_, (record, _))| record);
        let wanted = records.filter(|record| {
            after.is_none_or(|after| record.digest > *after)
                && artifact_type.is_none_or(|wanted| record.artifact_type.as_deref() == Some(wanted))
        });
        Ok(wanted.take(limit as usize).cloned().collect())
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

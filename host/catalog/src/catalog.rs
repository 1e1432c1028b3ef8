//! The core's port, on the readers, the writer and the cache.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use bulkhead_core::ports::admission::TagState;
use bulkhead_core::ports::catalog::{
    Added, Advance, Announce, Attributed, Attributes, AttributesChange, AttributesRecord, BlobRecord, Catalog, CatalogError,
    Deletion, Delivery, Expected, MAX_DELETED_AT_ONCE, ManifestRecord, Mounted, NewDelivery, NewManifest, OldManifest, Part,
    PutManifest, Referenced, ReferrerRecord, Removal, RepositoryDeletion, Settlement, TagFilter, UploadRecord,
};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::{RegistryId, RegistryName, UploadId};
use bulkhead_core::ports::store::UploadProgress;
use bulkhead_oci::{Digest, Reference, RepositoryName, Tag};

use crate::SqliteCatalog;
use crate::cache::Found;
use crate::convert::{time, to_row};
use crate::read::{Due, Need};
use crate::write::{
    AddBlob, AdvanceUpload, Answer, ChangeAttributes, CreateUpload, DeleteState, Deliveries, Enqueue, MakeRegistry, MountBlob,
    Progress, RemoveBlob, RemoveManifest, RemoveRepository, RemoveTag, RemoveUpload, SetState, Settle, StoreManifest, Write,
};

/// Each write has one kind of answer; another one would be a fault of the writer's.
macro_rules! answer {
    ($catalog:expr, $doing:literal, $write:expr, $pattern:pat => $value:expr) => {
        match $catalog.write($doing, $write).await? {
            $pattern => Ok($value),
            other => Err(CatalogError(format!("{}: the writer answered {other:?}", $doing))),
        }
    };
}

fn progress(progress: &UploadProgress) -> Result<Progress, CatalogError> {
    Ok(Progress {
        offset: to_row(progress.offset, "an upload's offset")?,
        algorithm: progress.algorithm.as_str(),
        hash: progress.hash.clone(),
        driver: progress.driver.clone(),
    })
}

/// A tag that was not there when it was reviewed is none that may go.
fn pointing(tags: &[TagState]) -> HashMap<Tag, Digest> {
    tags.iter().filter_map(|state| Some((state.tag.clone(), state.now.clone()?))).collect()
}

#[async_trait]
impl Catalog for SqliteCatalog {
    async fn registry(&self, name: &RegistryName, now: Timestamp) -> Result<RegistryId, CatalogError> {
        self.saw(now);
        if let Some(id) = self.readers.registry(name).await? {
            return Ok(id);
        }
        let write = Write::MakeRegistry(MakeRegistry { name: name.clone(), now: time(now) });
        answer!(self, "making a registry", write, Answer::Registry(id) => id)
    }

    async fn blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<BlobRecord>, CatalogError> {
        if let Some(found) = self.cache.blob(registry, repository, digest) {
            return Ok(Some(found));
        }
        let ticket = self.cache.ticket();
        let found = self.readers.blob(registry, repository, digest).await?;
        if let Some(record) = &found {
            self.cache.keep_blob(&ticket, registry, repository, record);
        }
        Ok(found)
    }

    async fn add_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        blob: &BlobRecord,
        upload: Option<&UploadId>,
        now: Timestamp,
    ) -> Result<Added, CatalogError> {
        self.saw(now);
        let write = Write::AddBlob(AddBlob {
            registry,
            repository: repository.clone(),
            digest: blob.digest.clone(),
            size: to_row(blob.size, "a blob's size")?,
            key: blob.key.to_string(),
            upload: upload.cloned(),
            now: time(now),
        });
        answer!(self, "adding a blob", write, Answer::Added(added) => added)
    }

    async fn mount_blob(
        &self,
        registry: RegistryId,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
        now: Timestamp,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Mounted, CatalogError> {
        self.saw(now);
        let write = Write::MountBlob(MountBlob {
            registry,
            from: from.clone(),
            to: to.clone(),
            digest: digest.clone(),
            now: time(now),
            deliveries: Deliveries::new(&deliveries, Some(now))?,
        });
        answer!(self, "mounting a blob", write, Answer::Mounted(mounted) => mounted)
    }

    async fn holders(&self, registry: RegistryId, digest: &Digest, limit: u32) -> Result<Vec<RepositoryName>, CatalogError> {
        self.readers.holders(registry, digest, limit).await
    }

    async fn remove_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
        referenced: Referenced,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Deletion, CatalogError> {
        let mut refuse = referenced == Referenced::Refuse || self.readers.guarded(registry, repository).await?;
        loop {
            // To walk over all manifests of a repository takes long: the writer looks at those alone that came after.
            let unneeded_up_to = match refuse {
                false => None,
                true => match self.readers.need(registry, repository, digest).await? {
                    Need::By(manifest) => return Ok(Deletion::NeededBy(manifest)),
                    Need::NoneUpTo(last) => Some(last),
                },
            };
            let write = Write::RemoveBlob(RemoveBlob {
                registry,
                repository: repository.clone(),
                digest: digest.clone(),
                unneeded_up_to,
                deliveries: Deliveries::new(&deliveries, None)?,
            });
            let deletion = answer!(self, "removing a blob", write, Answer::Deletion(deletion) => deletion)?;
            // Something was locked meanwhile: now it is to be asked who needs the blob.
            if refuse || deletion != Deletion::Changed {
                return Ok(deletion);
            }
            refuse = true;
        }
    }

    async fn create_upload(&self, registry: RegistryId, upload: &UploadRecord) -> Result<(), CatalogError> {
        self.saw(upload.touched);
        let write = Write::CreateUpload(CreateUpload {
            registry,
            id: upload.id.clone(),
            repository: upload.repository.clone(),
            actor: upload.actor.clone(),
            progress: progress(&upload.progress)?,
            now: time(upload.touched),
        });
        answer!(self, "beginning an upload", write, Answer::Done => ())
    }

    async fn upload(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<Option<UploadRecord>, CatalogError> {
        self.readers.upload(registry, repository, id).await
    }

    async fn advance_upload(
        &self,
        registry: RegistryId,
        id: &UploadId,
        from: u64,
        to: &UploadProgress,
        now: Timestamp,
    ) -> Result<Advance, CatalogError> {
        self.saw(now);
        let from = to_row(from, "an upload's offset")?;
        let write =
            Write::AdvanceUpload(AdvanceUpload { registry, id: id.clone(), from, progress: progress(to)?, now: time(now) });
        answer!(self, "advancing an upload", write, Answer::Advance(advance) => advance)
    }

    async fn stale_uploads(
        &self,
        registry: RegistryId,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<UploadRecord>, CatalogError> {
        self.readers.stale_uploads(registry, before, limit).await
    }

    async fn remove_upload(&self, registry: RegistryId, id: &UploadId) -> Result<Removal, CatalogError> {
        let write = Write::RemoveUpload(RemoveUpload { registry, id: id.clone() });
        answer!(self, "removing an upload", write, Answer::Removal(removal) => removal)
    }

    async fn manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ManifestRecord>, CatalogError> {
        if let Some(found) = self.cache.manifest(registry, repository, reference) {
            return Ok(Some(found));
        }
        let ticket = self.cache.ticket();
        let found = self.readers.manifest(registry, repository, reference).await?;
        if let Some(found) = &found {
            self.cache.keep_manifest(&ticket, registry, repository, reference, found);
        }
        Ok(found.map(Found::into_record))
    }

    async fn put_manifest(&self, registry: RegistryId, new: NewManifest<'_>) -> Result<PutManifest, CatalogError> {
        self.saw(new.now);
        let store = Box::new(StoreManifest::new(registry, new)?);
        if let Some(question) = store.question() {
            let put = self.readers.objections(question).await?;
            if !matches!(put, PutManifest::Stored { .. }) {
                return Ok(put);
            }
        }
        let write = Write::StoreManifest(store);
        answer!(self, "storing a manifest", write, Answer::Manifest(put) => put)
    }

    async fn remove_manifest(&self, registry: RegistryId, old: OldManifest<'_>) -> Result<Deletion, CatalogError> {
        self.saw(old.now);
        let write = Write::RemoveManifest(RemoveManifest {
            registry,
            repository: old.repository.clone(),
            digest: old.digest.clone(),
            referenced: old.referenced,
            reviewed: old.reviewed.map(|tags| tags.iter().cloned().collect()),
            now: time(old.now),
            deliveries: Deliveries::new(&old.deliveries, Some(old.now))?,
        });
        answer!(self, "removing a manifest", write, Answer::Deletion(deletion) => deletion)
    }

    async fn remove_tag(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tag: &Tag,
        expected: &Expected,
        now: Timestamp,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Deletion, CatalogError> {
        self.saw(now);
        let write = Write::RemoveTag(RemoveTag {
            registry,
            repository: repository.clone(),
            tag: tag.clone(),
            expected: expected.clone(),
            now: time(now),
            deliveries: Deliveries::new(&deliveries, Some(now))?,
        });
        answer!(self, "removing a tag", write, Answer::Deletion(deletion) => deletion)
    }

    async fn remove_repository(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reviewed: Option<&[TagState]>,
        announce: Announce,
    ) -> Result<RepositoryDeletion, CatalogError> {
        if self.readers.has_more(registry, repository, MAX_DELETED_AT_ONCE).await? {
            return Ok(RepositoryDeletion::TooLarge);
        }
        let write = Write::RemoveRepository(RemoveRepository {
            registry,
            repository: repository.clone(),
            reviewed: reviewed.map(pointing),
            announce,
        });
        answer!(self, "removing a repository", write, Answer::Repository(deletion) => deletion)
    }

    async fn repository_attributes(&self, registry: RegistryId, repository: &RepositoryName) -> Result<Attributes, CatalogError> {
        if let Some(found) = self.cache.repository(registry, repository) {
            return Ok(found);
        }
        let ticket = self.cache.ticket();
        let found = self.readers.repository_attributes(registry, repository).await?.unwrap_or_default();
        self.cache.keep_repository(&ticket, registry, repository, found);
        Ok(found)
    }

    async fn attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        of: &Attributed,
    ) -> Result<Option<AttributesRecord>, CatalogError> {
        self.readers.attributes(registry, repository, of).await
    }

    async fn change_attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        of: &Attributed,
        change: &AttributesChange,
        now: Timestamp,
    ) -> Result<Option<Attributes>, CatalogError> {
        self.saw(now);
        let (repository, of, change) = (repository.clone(), of.clone(), *change);
        let write = Write::ChangeAttributes(ChangeAttributes { registry, repository, of, change, now: time(now) });
        answer!(self, "changing attributes", write, Answer::Attributes(changed) => changed)
    }

    async fn tag_states(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tags: &[Tag],
    ) -> Result<Vec<TagState>, CatalogError> {
        self.readers.tag_states(registry, repository, tags).await
    }

    async fn tagged(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        filter: TagFilter<'_>,
        after: Option<&Tag>,
        limit: u32,
    ) -> Result<Vec<TagState>, CatalogError> {
        self.readers.tagged(registry, repository, filter, after.map(Tag::as_str).unwrap_or_default(), limit).await
    }

    async fn tags(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Option<Vec<Tag>>, CatalogError> {
        self.readers.tags(registry, repository, after.unwrap_or_default(), limit).await
    }

    async fn repositories(
        &self,
        registry: RegistryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, CatalogError> {
        self.readers.repositories(registry, after.unwrap_or_default(), limit).await
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
        let after = after.map(Digest::as_str).unwrap_or_default();
        self.readers.referrers(registry, repository, subject, artifact_type, after, limit).await
    }

    async fn enqueue(&self, registry: RegistryId, deliveries: Vec<NewDelivery>, now: Timestamp) -> Result<(), CatalogError> {
        self.saw(now);
        if deliveries.is_empty() {
            return Ok(());
        }
        let write = Write::Enqueue(Enqueue { registry, deliveries: Deliveries::new(&deliveries, Some(now))? });
        answer!(self, "writing to the outbox", write, Answer::Done => ())
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, CatalogError> {
        self.saw(now);
        let mut deliveries = Vec::new();
        for due in self.readers.due(now, limit).await? {
            match due {
                Due::Readable(delivery) => deliveries.push(*delivery),
                // It would be due for ever, and in the way of all others.
                Due::Unreadable { id, reason } => {
                    tracing::error!(delivery = id, reason, "a delivery is given up");
                    self.settle(id, Settlement::GivenUp { reason }).await?;
                }
            }
        }
        Ok(deliveries)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, CatalogError> {
        self.readers.next_due().await
    }

    async fn settle(&self, delivery: i64, settlement: Settlement) -> Result<(), CatalogError> {
        answer!(self, "settling a delivery", Write::Settle(Settle { delivery, settlement }), Answer::Done => ())
    }

    async fn state_get(&self, plugin: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, CatalogError> {
        self.saw(now);
        self.readers.state(plugin, key, now).await
    }

    async fn state_set(&self, plugin: &str, key: &str, value: &[u8], expires: Option<Timestamp>) -> Result<(), CatalogError> {
        let write = Write::SetState(SetState {
            plugin: plugin.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
            expires: expires.map(time),
            now: time(Timestamp(self.latest.load(Ordering::Relaxed))),
        });
        answer!(self, "setting a plugin's state", write, Answer::Done => ())
    }

    async fn state_delete(&self, plugin: &str, key: &str) -> Result<(), CatalogError> {
        let write = Write::DeleteState(DeleteState { plugin: plugin.to_owned(), key: key.to_owned() });
        answer!(self, "deleting a plugin's state", write, Answer::Done => ())
    }
}

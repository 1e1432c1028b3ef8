//! Deletes: of tags, manifests, blobs and repositories. What is locked or needed stays; what goes is gone when its function returns. The
//! bytes of blobs stay until they are collected: another repository may have them.

use std::sync::Arc;

use bulkhead_oci::{Digest, Reference, RepositoryName, Tag};

use super::admission::Doomed;
use super::blobs::blob_target;
use super::manifests::manifest_target;
use super::notes::{Notes, detached};
use super::pushes::ATTEMPTS;
use super::{Act, Condition, Registry, RegistryError};
use crate::ports::admission::{Change, TagState};
use crate::ports::audit::AuditAction;
use crate::ports::catalog::{Announce, Deletion, Expected, OldManifest, RemovedManifest, RepositoryDeletion};
use crate::ports::event::{EventAction, EventTarget};

/// What went with a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedRepository {
    /// Its manifests.
    pub manifests: Vec<Digest>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// For the client.
    pub warnings: Vec<String>,
}

/// How one attempt ended.
enum Attempt {
    Done,
    /// Tags changed meanwhile: what was asked of the plugins does not hold any more.
    Changed,
}

impl Registry {
    /// A tag goes alone; a digest takes every tag with it that points to it. Returns warnings for the client.
    ///
    /// # Errors
    /// [`RegistryError`]: nothing is gone.
    pub async fn delete_manifest(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        reference: &Reference,
        condition: &Condition,
    ) -> Result<Vec<String>, RegistryError> {
        let (registry, owned, repository) = (Arc::clone(self), act.to_owned(), repository.clone());
        let (reference, condition) = (reference.clone(), condition.clone());
        detached(async move {
            let (action, mut notes) = match &reference {
                Reference::Tag(tag) => (AuditAction::DeleteTag, Notes::about(tag.as_str())),
                Reference::Digest(digest) => (AuditAction::DeleteManifest, Notes::about(digest.as_str())),
            };
            let deleted = registry.try_delete(owned.act(), &repository, &reference, &condition, &mut notes).await;
            let warnings = std::mem::take(&mut notes.warnings);
            registry.conclude(owned.act(), action, &repository, notes, deleted).await?;
            Ok(warnings)
        })
        .await
    }

    async fn try_delete(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        reference: &Reference,
        condition: &Condition,
        notes: &mut Notes,
    ) -> Result<(), RegistryError> {
        let tag = match reference {
            Reference::Tag(tag) => Some(tag),
            Reference::Digest(_) => None,
        };
        self.parts.rules.deletes.check(repository, tag)?;
        self.check_deletable(repository).await?;
        for _ in 0..ATTEMPTS {
            notes.warnings.clear();
            let attempt = match reference {
                Reference::Tag(tag) => self.try_delete_tag(act, repository, tag, condition, notes).await?,
                Reference::Digest(digest) => self.try_delete_manifest(act, repository, digest, condition, notes).await?,
            };
            if let Attempt::Done = attempt {
                return Ok(());
            }
        }
        Err(RegistryError::Contended)
    }

    async fn try_delete_tag(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        tag: &Tag,
        condition: &Condition,
        notes: &mut Notes,
    ) -> Result<Attempt, RegistryError> {
        let manifest = self.find_manifest(repository, &Reference::Tag(tag.clone())).await?;
        condition.check(Some(&manifest.digest))?;
        notes.targets = vec![tag.to_string(), manifest.digest.to_string()];
        let state = TagState { tag: tag.clone(), now: Some(manifest.digest.clone()) };
        self.review(act, repository, &Change::DeleteTag(&state), notes).await?;
        // Also where nobody was asked: the event names what the tag pointed to.
        let expected = Expected::Digest(manifest.digest.clone());
        let deliveries = self.deliveries(act, EventAction::Untag, manifest_target(repository, &manifest, Some(tag)));
        let any = !deliveries.is_empty();
        let (catalog, id, now) = (&self.parts.catalog, self.parts.id, self.parts.clock.now());
        let deletion = catalog.remove_tag(id, repository, tag, &expected, now, deliveries).await?;
        self.deleted(deletion, any, RegistryError::ManifestUnknown)
    }

    async fn try_delete_manifest(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        digest: &Digest,
        condition: &Condition,
        notes: &mut Notes,
    ) -> Result<Attempt, RegistryError> {
        let manifest = self.find_manifest(repository, &Reference::Digest(digest.clone())).await?;
        condition.check(Some(digest))?;
        let reviewed = self.admit_deletion(act, repository, Doomed::Manifest(digest), notes).await?;
        let reviewed: Option<Vec<Tag>> = reviewed.map(|states| states.into_iter().map(|state| state.tag).collect());
        let deliveries = self.deliveries(act, EventAction::Delete, manifest_target(repository, &manifest, None));
        let any = !deliveries.is_empty();
        let referenced = self.parts.rules.deletes.referenced_in(repository);
        let now = self.parts.clock.now();
        let old = OldManifest { repository, digest, referenced, reviewed: reviewed.as_deref(), now, deliveries };
        let deletion = self.parts.catalog.remove_manifest(self.parts.id, old).await?;
        self.deleted(deletion, any, RegistryError::ManifestUnknown)
    }

    fn deleted(&self, deletion: Deletion, any: bool, absent: RegistryError) -> Result<Attempt, RegistryError> {
        match deletion {
            Deletion::Deleted => {
                self.ring(any);
                Ok(Attempt::Done)
            }
            Deletion::Changed => Ok(Attempt::Changed),
            Deletion::Absent => Err(absent),
            Deletion::NeededBy(manifest) => Err(RegistryError::NeededBy(manifest)),
            Deletion::Locked(lock) => Err(lock.into()),
        }
    }

    /// The repository has this blob no more. Returns warnings for the client.
    ///
    /// # Errors
    /// [`RegistryError`]: nothing is gone.
    pub async fn delete_blob(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        digest: &Digest,
        condition: &Condition,
    ) -> Result<Vec<String>, RegistryError> {
        let (registry, owned, repository) = (Arc::clone(self), act.to_owned(), repository.clone());
        let (digest, condition) = (digest.clone(), condition.clone());
        detached(async move {
            let mut notes = Notes::about(digest.as_str());
            let deleted = registry.try_delete_blob(owned.act(), &repository, &digest, &condition, &mut notes).await;
            let warnings = std::mem::take(&mut notes.warnings);
            registry.conclude(owned.act(), AuditAction::DeleteBlob, &repository, notes, deleted).await?;
            Ok(warnings)
        })
        .await
    }

    async fn try_delete_blob(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        digest: &Digest,
        condition: &Condition,
        notes: &mut Notes,
    ) -> Result<(), RegistryError> {
        let deletes = &self.parts.rules.deletes;
        deletes.check(repository, None)?;
        self.check_deletable(repository).await?;
        let blob = self.find_blob_of(repository, digest).await?;
        condition.check(Some(digest))?;
        self.review(act, repository, &Change::DeleteBlob(digest), notes).await?;
        let deliveries = self.deliveries(act, EventAction::Delete, blob_target(repository, &blob, None));
        let any = !deliveries.is_empty();
        let (catalog, id) = (&self.parts.catalog, self.parts.id);
        let deletion = catalog.remove_blob(id, repository, digest, deletes.referenced_in(repository), deliveries).await?;
        match self.deleted(deletion, any, RegistryError::BlobUnknown)? {
            Attempt::Done => Ok(()),
            Attempt::Changed => Err(RegistryError::Contended),
        }
    }

    /// All of the repository goes. Webhooks hear of each of its manifests.
    ///
    /// # Errors
    /// [`RegistryError`]: nothing is gone. [`RegistryError::NameUnknown`] if there is none.
    pub async fn delete_repository(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        condition: &Condition,
    ) -> Result<DeletedRepository, RegistryError> {
        let (registry, owned) = (Arc::clone(self), act.to_owned());
        let (repository, condition) = (repository.clone(), condition.clone());
        detached(async move {
            let mut notes = Notes::default();
            let deleted = registry.try_delete_repository(owned.act(), &repository, &condition, &mut notes).await;
            if let Ok(gone) = &deleted {
                // All of them would make a line of up to a mebibyte and a half.
                notes.reason = format!("with {} manifests and {} tags", gone.manifests.len(), gone.tags.len());
            }
            registry.conclude(owned.act(), AuditAction::DeleteRepository, &repository, notes, deleted).await
        })
        .await
    }

    async fn try_delete_repository(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        condition: &Condition,
        notes: &mut Notes,
    ) -> Result<DeletedRepository, RegistryError> {
        self.parts.rules.deletes.check(repository, None)?;
        self.check_deletable(repository).await?;
        condition.check_repository()?;
        for _ in 0..ATTEMPTS {
            notes.warnings.clear();
            let reviewed = self.admit_deletion(act, repository, Doomed::Repository, notes).await?;
            let (catalog, id, announce) = (&self.parts.catalog, self.parts.id, self.announce(act, repository));
            match catalog.remove_repository(id, repository, reviewed.as_deref(), announce).await? {
                RepositoryDeletion::Deleted { manifests, tags } => {
                    self.ring(!self.subscriptions.is_empty());
                    let warnings = std::mem::take(&mut notes.warnings);
                    return Ok(DeletedRepository { manifests, tags, warnings });
                }
                RepositoryDeletion::Absent => return Err(RegistryError::NameUnknown),
                RepositoryDeletion::TooLarge => return Err(RegistryError::TooManyToDelete),
                RepositoryDeletion::Changed => {}
                RepositoryDeletion::Locked(lock) => return Err(lock.into()),
            }
        }
        Err(RegistryError::Contended)
    }

    /// Makes the events of the manifests that go with a repository.
    fn announce(&self, act: Act<'_>, repository: &RepositoryName) -> Announce {
        let (announcer, repository) = (self.announcer(act), repository.to_string());
        Box::new(move |manifests| {
            let target = |manifest: &RemovedManifest| EventTarget {
                repository: repository.clone(),
                digest: manifest.digest.clone(),
                media_type: manifest.media_type.to_string(),
                size: manifest.size,
                tag: None,
                mounted_from: None,
                artifact_type: manifest.artifact_type.clone(),
            };
            manifests.iter().flat_map(|manifest| announcer.deliveries(EventAction::Delete, target(manifest))).collect()
        })
    }
}

//! The catalog: what is where, under which name. `bulkhead-catalog` implements it with SQL.
//!
//! A function that changes something returns when the change is durable; its events are in the outbox by the same transaction.

mod values;

use async_trait::async_trait;
use bulkhead_oci::{Digest, Reference, RepositoryName, Tag};

use super::admission::TagState;
use super::clock::Timestamp;
use super::ids::{RegistryId, RegistryName, UploadId};
use super::store::UploadProgress;

pub use values::*;

/// What is where. Every function is bounded in what it returns; lists are in byte order.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// The registry's row, made if it is missing.
    async fn registry(&self, name: &RegistryName, now: Timestamp) -> Result<RegistryId, CatalogError>;

    /// A blob of this repository (a blob of another one is none).
    async fn blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<BlobRecord>, CatalogError>;
    /// The repository (made if missing) has this blob from now on. `upload` is the upload that brought it, whose row goes with the same
    /// transaction. Where the registry knows the digest already, the key that it has stays. Not where the repository may not be written.
    async fn add_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        blob: &BlobRecord,
        upload: Option<&UploadId>,
        now: Timestamp,
    ) -> Result<Added, CatalogError>;
    /// If `from` has the blob and may be read, `to` (made if missing) has it from now on, if it may be written.
    async fn mount_blob(
        &self,
        registry: RegistryId,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
        now: Timestamp,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Mounted, CatalogError>;
    /// Repositories of the registry that have this blob and may be read, the oldest repositories first. At most `limit` repositories of the
    /// whole host are looked at, so that what it costs tells nobody how many have the blob.
    async fn holders(&self, registry: RegistryId, digest: &Digest, limit: u32) -> Result<Vec<RepositoryName>, CatalogError>;
    /// The repository has this blob no more, unless it is locked, or a manifest of it needs the blob and `referenced` refuses. The bytes stay
    /// until they are collected.
    async fn remove_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
        referenced: Referenced,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Deletion, CatalogError>;

    /// An upload begins. Durability is not needed before its first byte is acknowledged, but it survives a kill of the process.
    async fn create_upload(&self, registry: RegistryId, upload: &UploadRecord) -> Result<(), CatalogError>;
    /// An upload of this repository.
    async fn upload(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<Option<UploadRecord>, CatalogError>;
    /// The upload now stands at `progress`, if it stood at `from` until now.
    async fn advance_upload(
        &self,
        registry: RegistryId,
        id: &UploadId,
        from: u64,
        progress: &UploadProgress,
        now: Timestamp,
    ) -> Result<Advance, CatalogError>;
    /// Uploads that have not grown since `before`, oldest first, at most `limit`.
    async fn stale_uploads(&self, registry: RegistryId, before: Timestamp, limit: u32)
    -> Result<Vec<UploadRecord>, CatalogError>;
    /// The upload's row goes.
    async fn remove_upload(&self, registry: RegistryId, id: &UploadId) -> Result<Removal, CatalogError>;

    /// A manifest of this repository, by tag or digest.
    async fn manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ManifestRecord>, CatalogError>;
    /// Stores a manifest and sets its tags, if no lock forbids it, every tag is what is expected, and every blob (foreign ones aside) and every listed manifest
    /// is in the repository at that moment, with the size that the manifest gives it, as far as `sparse` does not let it be absent.
    async fn put_manifest(&self, registry: RegistryId, new: NewManifest<'_>) -> Result<PutManifest, CatalogError>;
    /// The manifest goes, and every tag that points to it, unless one of these is none of `reviewed`, or one of all these is locked.
    async fn remove_manifest(&self, registry: RegistryId, old: OldManifest<'_>) -> Result<Deletion, CatalogError>;
    /// The tag goes if it points to what is expected and no lock forbids it; what it points to stays.
    async fn remove_tag(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tag: &Tag,
        expected: &Expected,
        now: Timestamp,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Deletion, CatalogError>;
    /// The repository goes with its manifests and tags, and has no blob any more, unless one of all these is locked, one of its tags is not as
    /// `reviewed` has it (none: whatever they are), or there are more than [`MAX_DELETED_AT_ONCE`] of them. Unfinished uploads stay. The
    /// outbox gets what `announce` makes of the manifests. A repository of the same name that comes later has no lock.
    async fn remove_repository(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reviewed: Option<&[TagState]>,
        announce: Announce,
    ) -> Result<RepositoryDeletion, CatalogError>;

    /// What the repository's attributes allow; everything where there is no such repository. Answered from memory where it can be: it is
    /// asked at every request.
    async fn repository_attributes(&self, registry: RegistryId, repository: &RepositoryName) -> Result<Attributes, CatalogError>;
    /// What is known of it. None: it is not there.
    async fn attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        of: &Attributed,
    ) -> Result<Option<AttributesRecord>, CatalogError>;
    /// Changes attributes, and returns all of them as they are then. None: it is not there.
    async fn change_attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        of: &Attributed,
        change: &AttributesChange,
        now: Timestamp,
    ) -> Result<Option<Attributes>, CatalogError>;

    /// What these tags point to, in the same order. At most 256.
    async fn tag_states(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tags: &[Tag],
    ) -> Result<Vec<TagState>, CatalogError>;
    /// Tags with what they point to, in byte order, strictly after `after`, at most `limit`.
    async fn tagged(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        filter: TagFilter<'_>,
        after: Option<&Tag>,
        limit: u32,
    ) -> Result<Vec<TagState>, CatalogError>;
    /// Tags that lists show, in byte order, strictly after `after` (any text), at most `limit`. None: no such repository.
    async fn tags(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Option<Vec<Tag>>, CatalogError>;
    /// Repositories that have a manifest and that lists show, in byte order, strictly after `after` (any text), at most `limit`.
    async fn repositories(
        &self,
        registry: RegistryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, CatalogError>;
    /// Manifests of the repository that lists show and whose subject is `subject`, in byte order of their digests, strictly after `after`, at
    /// most `limit`, and no more of them than have 1 MiB of annotations together (but at least one).
    async fn referrers(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Part<ReferrerRecord>, CatalogError>;

    /// Puts events into the outbox that belong to no change (a pull).
    async fn enqueue(&self, registry: RegistryId, deliveries: Vec<NewDelivery>, now: Timestamp) -> Result<(), CatalogError>;
    /// Deliveries that are due at `now`, oldest first, at most `limit`.
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, CatalogError>;
    /// When the next delivery is due; none: the outbox has none.
    async fn next_due(&self) -> Result<Option<Timestamp>, CatalogError>;
    /// What became of an attempt. Counts it.
    async fn settle(&self, delivery: i64, settlement: Settlement) -> Result<(), CatalogError>;

    /// A plugin's own state: the value, unless its time is over.
    async fn state_get(&self, plugin: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, CatalogError>;
    /// Sets it, until `expires` or for good.
    async fn state_set(&self, plugin: &str, key: &str, value: &[u8], expires: Option<Timestamp>) -> Result<(), CatalogError>;
    /// Deletes it; no error if it is not there.
    async fn state_delete(&self, plugin: &str, key: &str) -> Result<(), CatalogError>;
}

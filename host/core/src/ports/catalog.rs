//! The catalog: what is where, under which name. `bulkhead-catalog` implements it with SQL.
//!
//! A function that changes something returns when the change is durable; its events are in the outbox by the same transaction.

use async_trait::async_trait;
use bulkhead_oci::{Digest, Manifest, MediaType, Reference, RepositoryName, Tag};
use bytes::Bytes;

use super::clock::Timestamp;
use super::driver::ObjectKey;
use super::event::Event;
use super::ids::{RegistryId, RegistryName, UploadId};
use super::store::UploadProgress;

/// The catalog did not answer. There is nothing a caller can do about it but say so: the text is for the log alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("catalog: {0}")]
pub struct CatalogError(pub String);

/// A blob of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRecord {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Where it lies in the registry's object store.
    pub key: ObjectKey,
}

/// A manifest as it was pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRecord {
    /// Its digest.
    pub digest: Digest,
    /// The media type that it was pushed with.
    pub media_type: MediaType,
    /// Its bytes.
    pub body: Bytes,
    /// `artifactType`, or the config's media type.
    pub artifact_type: Option<String>,
}

/// An upload under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// Its name.
    pub id: UploadId,
    /// The repository that it was begun in, and that alone may go on with it.
    pub repository: RepositoryName,
    /// Who began it: `Caller::actor`; none: anonymous.
    pub actor: Option<String>,
    /// Where it stands.
    pub progress: UploadProgress,
    /// When it last grew.
    pub touched: Timestamp,
}

/// One webhook that is to hear of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The webhook's name, unique within its registry.
    pub webhook: String,
    /// What it is to hear.
    pub event: Event,
}

/// A delivery that waits in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its row.
    pub id: i64,
    /// The registry of its webhook.
    pub registry: RegistryId,
    /// The webhook's name.
    pub webhook: String,
    /// What it is to hear.
    pub event: Event,
    /// Attempts so far.
    pub attempts: u32,
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Delivered: the row goes.
    Delivered,
    /// Tried, and to be tried again at this time.
    Retry {
        /// When.
        at: Timestamp,
        /// Why it failed, at most 1 KiB.
        reason: String,
    },
    /// Given up: the row is kept, never tried again.
    GivenUp {
        /// Why.
        reason: String,
    },
}

/// A manifest to store.
#[derive(Clone, Debug)]
pub struct NewManifest<'a> {
    /// The repository; made if it is missing.
    pub repository: &'a RepositoryName,
    /// The digest of `body`.
    pub digest: &'a Digest,
    /// What `body` says.
    pub manifest: &'a Manifest,
    /// The bytes, as pushed.
    pub body: Bytes,
    /// The tag to set on it, if any.
    pub tag: Option<&'a Tag>,
    /// When.
    pub now: Timestamp,
    /// What the outbox gets.
    pub deliveries: Vec<NewDelivery>,
}

/// What became of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutManifest {
    /// Stored, durably.
    Stored,
    /// Not stored: these blobs or manifests are not in the repository.
    Missing(Vec<Digest>),
    /// Not stored: these are in the repository, with another size than the manifest gives them.
    WrongSize(Vec<Digest>),
}

/// What became of a change to an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// Done.
    Done,
    /// The upload is gone, or somebody else has gone on with it meanwhile.
    Stale,
}

/// Whether something was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It was, and is gone, durably.
    Removed,
    /// It was not.
    Absent,
}

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
    /// transaction. Where the registry knows the digest already, the key that it has stays.
    async fn add_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        blob: &BlobRecord,
        upload: Option<&UploadId>,
        now: Timestamp,
    ) -> Result<(), CatalogError>;
    /// If `from` has the blob, `to` (made if missing) has it from now on. None: `from` has it not.
    async fn mount_blob(
        &self,
        registry: RegistryId,
        from: &RepositoryName,
        to: &RepositoryName,
        digest: &Digest,
        now: Timestamp,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Option<BlobRecord>, CatalogError>;
    /// The repository has this blob no more. The bytes stay until they are collected.
    async fn remove_blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Removal, CatalogError>;

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
    /// The upload's row goes.
    async fn remove_upload(&self, registry: RegistryId, id: &UploadId) -> Result<Removal, CatalogError>;

    /// A manifest of this repository, by tag or digest.
    async fn manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ManifestRecord>, CatalogError>;
    /// Stores a manifest and sets its tag, if every blob (foreign ones aside) and every listed manifest is in the repository at that moment,
    /// with the size that the manifest gives it.
    async fn put_manifest(&self, registry: RegistryId, new: NewManifest<'_>) -> Result<PutManifest, CatalogError>;
    /// The manifest goes, and every tag that points to it.
    async fn remove_manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Removal, CatalogError>;
    /// The tag goes; what it points to stays.
    async fn remove_tag(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tag: &Tag,
        deliveries: Vec<NewDelivery>,
    ) -> Result<Removal, CatalogError>;

    /// Tags in byte order, strictly after `after` (any text), at most `limit`. None: no such repository.
    async fn tags(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Option<Vec<Tag>>, CatalogError>;
    /// Repositories that have a manifest, in byte order, strictly after `after` (any text), at most `limit`.
    async fn repositories(
        &self,
        registry: RegistryId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, CatalogError>;
    /// Manifests of the repository whose subject is `subject`, in byte order of their digests, strictly after `after`, at most `limit`.
    async fn referrers(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Vec<ManifestRecord>, CatalogError>;

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

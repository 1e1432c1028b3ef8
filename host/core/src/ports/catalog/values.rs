//! What the catalog is asked with and answers with.

use std::collections::BTreeMap;

use bulkhead_oci::{Digest, Manifest, MediaType, RepositoryName, Tag};
use bytes::Bytes;

use crate::ports::clock::Timestamp;
use crate::ports::driver::ObjectKey;
use crate::ports::event::Event;
use crate::ports::ids::{RegistryId, UploadId};
use crate::ports::store::UploadProgress;

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

/// A manifest that refers to another one, as the list of referrers shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferrerRecord {
    /// Its digest.
    pub digest: Digest,
    /// The media type that it was pushed with.
    pub media_type: MediaType,
    /// Its size in bytes.
    pub size: u64,
    /// `artifactType`, or the config's media type.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// A part of a list that is bounded by more than a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<T> {
    /// What is in it, in order.
    pub items: Vec<T>,
    /// Whether something follows.
    pub more: bool,
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

/// What a manifest may refer to that is not in its repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sparse {
    /// Nothing.
    #[default]
    Refuse,
    /// An index may list manifests that are not there.
    Indexes,
    /// So it may, and an image may need blobs that are not there.
    All,
}

/// What a tag must point to for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is.
    Anything,
    /// There must be no such tag.
    Nothing,
    /// This.
    Digest(Digest),
}

/// A tag to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTag {
    /// The tag.
    pub tag: Tag,
    /// What it must point to now.
    pub expected: Expected,
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
    /// The tags to set on it, each once.
    pub tags: &'a [NewTag],
    /// What it may refer to that is not there.
    pub sparse: Sparse,
    /// When.
    pub now: Timestamp,
    /// What the outbox gets.
    pub deliveries: Vec<NewDelivery>,
}

/// What became of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutManifest {
    /// Stored, durably.
    Stored {
        /// What it refers to that is not there, where that is allowed.
        absent: Vec<Digest>,
    },
    /// Not stored: these blobs or manifests are not in the repository.
    Missing(Vec<Digest>),
    /// Not stored: these are in the repository, with another size than the manifest gives them.
    WrongSize(Vec<Digest>),
    /// Not stored: a tag does not point to what was expected.
    Changed,
    /// Not stored: the same bytes are there, pushed with this type. What is there never changes.
    OtherType(MediaType),
}

/// Whether what other manifests need may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Referenced {
    /// It stays.
    #[default]
    Refuse,
    /// It may go.
    Allow,
}

/// A manifest to delete.
#[derive(Clone, Debug)]
pub struct OldManifest<'a> {
    /// The repository.
    pub repository: &'a RepositoryName,
    /// Which.
    pub digest: &'a Digest,
    /// Whether it may go while an index of the repository lists it.
    pub referenced: Referenced,
    /// All tags that may go with it; none: whatever they are.
    pub reviewed: Option<&'a [Tag]>,
    /// What the outbox gets.
    pub deliveries: Vec<NewDelivery>,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is gone, durably.
    Deleted,
    /// It was not there.
    Absent,
    /// It stays: tags are not what they were expected to be.
    Changed,
    /// It stays: this manifest needs it (one of them, where there are several).
    NeededBy(Digest),
}

/// What became of the deletion of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepositoryDeletion {
    /// All of it is gone, durably.
    Deleted {
        /// Its manifests.
        manifests: Vec<Digest>,
        /// Its tags.
        tags: Vec<Tag>,
    },
    /// There was none.
    Absent,
    /// It stays: its tags are not what they were expected to be.
    Changed,
    /// It stays: it has more manifests and tags than go at once.
    TooLarge,
}

/// The most manifests and tags that go at once: everybody's changes wait meanwhile.
pub const MAX_DELETED_AT_ONCE: u32 = 20_000;

/// A manifest that went with its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedManifest {
    /// Its digest.
    pub digest: Digest,
    /// The media type that it was pushed with.
    pub media_type: MediaType,
    /// Its size in bytes.
    pub size: u64,
    /// `artifactType`, or the config's media type.
    pub artifact_type: Option<String>,
}

/// Says what the outbox gets for manifests that only the catalog knows. Called within the transaction; must be quick.
pub type Announce = Box<dyn FnOnce(&[RemovedManifest]) -> Vec<NewDelivery> + Send>;

/// Which tags of a repository.
#[derive(Clone, Copy, Debug)]
pub enum TagFilter<'a> {
    /// All.
    All,
    /// Those that point to this manifest.
    PointingTo(&'a Digest),
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

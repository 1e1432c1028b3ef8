//! What the catalog is asked with and answers with.

use std::collections::BTreeMap;
use std::fmt;

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
    /// Its own attributes, and those of the tag that it was asked by, where it was: what either forbids is forbidden. Its repository's are
    /// not in it.
    pub attributes: Attributes,
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
    /// Who began it, and alone may go on with it: the plugin that vouches and its name of the caller; none: anonymous.
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
    /// Not stored: the repository, or a tag that was to be set, may not be written.
    Locked(Lock),
}

/// What became of a blob that a repository was to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It has it, durably.
    Done,
    /// It has it not: the repository may not be written.
    Locked(Lock),
}

/// What became of a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mounted {
    /// The repository has this blob, durably.
    Done(BlobRecord),
    /// It has it not: the other repository has it not either, or may not be read.
    Absent,
    /// It has it not: the repository may not be written.
    Locked(Lock),
}

/// What may be done to a repository, a manifest or a tag, as Azure Container Registry has it (`changeableAttributes`). Everything unless
/// somebody changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Whether it may be deleted, if it may be written too.
    pub delete_enabled: bool,
    /// Whether it may be changed: a tag moved, a repository pushed to, any of them deleted.
    pub write_enabled: bool,
    /// Whether it may be pulled.
    pub read_enabled: bool,
    /// Whether lists show it.
    pub list_enabled: bool,
}

impl Default for Attributes {
    fn default() -> Self {
        Self { delete_enabled: true, write_enabled: true, read_enabled: true, list_enabled: true }
    }
}

impl Attributes {
    /// What both allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            delete_enabled: self.delete_enabled && other.delete_enabled,
            write_enabled: self.write_enabled && other.write_enabled,
            read_enabled: self.read_enabled && other.read_enabled,
            list_enabled: self.list_enabled && other.list_enabled,
        }
    }

    /// Which of them keeps it from being deleted; none: it may go.
    pub const fn against_deletion(self) -> Option<Attribute> {
        match (self.write_enabled, self.delete_enabled) {
            (false, _) => Some(Attribute::Write),
            (true, false) => Some(Attribute::Delete),
            (true, true) => None,
        }
    }
}

/// One of the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// `deleteEnabled`.
    Delete,
    /// `writeEnabled`.
    Write,
    /// `readEnabled`.
    Read,
    /// `listEnabled`.
    List,
}

impl Attribute {
    /// Its name in Azure Container Registry's interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "deleteEnabled",
            Self::Write => "writeEnabled",
            Self::Read => "readEnabled",
            Self::List => "listEnabled",
        }
    }
}

/// Which attributes change; none: stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttributesChange {
    /// `deleteEnabled`.
    pub delete_enabled: Option<bool>,
    /// `writeEnabled`.
    pub write_enabled: Option<bool>,
    /// `readEnabled`.
    pub read_enabled: Option<bool>,
    /// `listEnabled`.
    pub list_enabled: Option<bool>,
}

impl AttributesChange {
    /// What it sets, in the order of Azure Container Registry's interface.
    pub fn set(self) -> impl Iterator<Item = (Attribute, bool)> {
        let all = [
            (Attribute::Delete, self.delete_enabled),
            (Attribute::Write, self.write_enabled),
            (Attribute::Read, self.read_enabled),
            (Attribute::List, self.list_enabled),
        ];
        all.into_iter().filter_map(|(attribute, value)| Some((attribute, value?)))
    }
}

/// What has attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attributed {
    /// The repository itself.
    Repository,
    /// A manifest of it.
    Manifest(Digest),
    /// A tag of it.
    Tag(Tag),
}

/// What is known of a repository, a manifest or a tag besides its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributesRecord {
    /// When it was first pushed.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// Its own, not those of what it lies in.
    pub attributes: Attributes,
    /// The rest, by what it is.
    pub facts: AttributedFacts,
}

/// What only one of them has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributedFacts {
    /// A repository's.
    Repository {
        /// How many manifests it has.
        manifests: u64,
        /// How many tags it has.
        tags: u64,
    },
    /// A manifest's.
    Manifest {
        /// Its media type.
        media_type: MediaType,
        /// Its size in bytes.
        size: u64,
        /// Its tags in byte order, at most 1,000 of them.
        tags: Vec<Tag>,
    },
    /// A tag's.
    Tag {
        /// What it points to.
        digest: Digest,
    },
}

/// What a lock is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockedBy {
    /// The repository.
    Repository,
    /// A manifest.
    Manifest(Digest),
    /// A tag.
    Tag(Tag),
}

/// A lock that stands in the way of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// What it is on.
    pub on: LockedBy,
    /// Which attribute forbids it.
    pub attribute: Attribute,
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.on {
            LockedBy::Repository => f.write_str("the repository")?,
            LockedBy::Manifest(digest) => write!(f, "the manifest {digest}")?,
            LockedBy::Tag(tag) => write!(f, "the tag {tag}")?,
        }
        write!(f, " is locked ({}=false)", self.attribute.as_str())
    }
}

/// Whether what other manifests need may go. In a repository with a manifest or a tag that may not be written or not be deleted, it never
/// may: a lock is worth nothing if what the locked image is made of goes.
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
    /// When.
    pub now: Timestamp,
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
    /// It stays: the repository, it, or a tag that would go with it may not be written, or not be deleted.
    Locked(Lock),
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
    /// It stays: it, or one of its manifests or tags, may not be written, or not be deleted.
    Locked(Lock),
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

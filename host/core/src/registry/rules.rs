//! What a registry takes, keeps and lets go, as its operator has it.

use std::time::Duration;

use bulkhead_oci::{MAX_MANIFEST_BYTES, RepositoryName, Tag};

use super::{Locked, RegistryError};
use crate::ports::catalog::{Referenced, Sparse};
use crate::ports::event::Scope;

/// The largest blob by default: 200 GiB, as Azure Container Registry has it for a layer.
pub const DEFAULT_MAX_BLOB_BYTES: u64 = 200 * 1024 * 1024 * 1024;
/// How long an upload may stand still by default.
pub const DEFAULT_UPLOAD_LIFE: Duration = Duration::from_secs(24 * 3600);

/// The settings of one registry.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The largest blob that is taken, in bytes.
    pub max_blob_bytes: u64,
    /// The largest manifest that is taken, in bytes.
    pub max_manifest_bytes: usize,
    /// What a manifest may refer to that is not there.
    pub sparse: Sparse,
    /// What may be deleted.
    pub deletes: Deletes,
    /// An upload that has not grown for so long is dropped.
    pub upload_life: Duration,
    /// The size, in bytes, that clients are asked to give each chunk but the last. Smaller ones are taken.
    pub chunk_min: Option<u64>,
    /// For how long a link holds by which a client reads a blob from the storage itself, where the storage has links; none: it reads it here.
    pub redirect: Option<Duration>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_blob_bytes: DEFAULT_MAX_BLOB_BYTES,
            max_manifest_bytes: MAX_MANIFEST_BYTES,
            sparse: Sparse::default(),
            deletes: Deletes::default(),
            upload_life: DEFAULT_UPLOAD_LIFE,
            chunk_min: None,
            redirect: None,
        }
    }
}

/// Whether anything can be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleting {
    /// It can.
    #[default]
    On,
    /// Nothing: neither tags, nor manifests, nor blobs, nor repositories.
    Off,
}

/// What may be deleted.
#[derive(Clone, Debug, Default)]
pub struct Deletes {
    /// Anything at all?
    pub deleting: Deleting,
    /// What other manifests need?
    pub referenced: Referenced,
    /// What is never deleted.
    pub locked: Vec<Scope>,
}

impl Deletes {
    /// Whether deletions have to know which tags go with what is deleted.
    pub(super) fn watches_tags(&self) -> bool {
        !self.locked.is_empty()
    }

    /// Whether what manifests of this repository need may go. A lock would hold nothing if what the locked manifest needs went.
    pub(super) fn referenced_in(&self, repository: &RepositoryName) -> Referenced {
        let locks = |scope: &Scope| scope.touches(repository.as_str());
        if self.locked.iter().any(locks) { Referenced::Refuse } else { self.referenced }
    }

    /// Whether the repository, or this tag of it, may be deleted from.
    ///
    /// # Errors
    /// [`RegistryError::DeletesOff`] or [`RegistryError::Locked`].
    pub fn check(&self, repository: &RepositoryName, tag: Option<&Tag>) -> Result<(), RegistryError> {
        if self.deleting == Deleting::Off {
            return Err(RegistryError::DeletesOff);
        }
        let locks = |scope: &Scope| scope.matches(repository.as_str(), tag.map(Tag::as_str));
        if self.locked.iter().any(locks) { Err(RegistryError::Locked(Locked::BySetting { tag: tag.cloned() })) } else { Ok(()) }
    }
}

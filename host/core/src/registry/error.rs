//! Why a registry did not do it. What status and code that means is the HTTP layer's business.

use std::time::Duration;

use bulkhead_oci::{Digest, ManifestError, MediaType};

use super::Locked;
use crate::ports::catalog::{CatalogError, MAX_DELETED_AT_ONCE};
use crate::ports::plugin::PluginError;
use crate::ports::store::{BodyError, StoreError};

/// Why a registry did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No such blob in this repository.
    #[error("blob unknown to the repository")]
    BlobUnknown,
    /// No such upload in this repository.
    #[error("upload unknown to the repository: it is finished, cancelled, expired, or another repository's; begin a new one")]
    UploadUnknown,
    /// No such manifest or tag in this repository.
    #[error("manifest unknown to the repository")]
    ManifestUnknown,
    /// No such repository.
    #[error("repository unknown to the registry")]
    NameUnknown,
    /// The content hashes to something else than was said.
    #[error("the content hashes to {found}, not to {expected}")]
    DigestMismatch {
        /// As the client has it.
        expected: Digest,
        /// As the content has it.
        found: Digest,
    },
    /// The content has another length than was said.
    #[error("{promised} bytes were promised, {got} came")]
    LengthMismatch {
        /// By `Content-Range` or `Content-Length`.
        promised: u64,
        /// What came.
        got: u64,
    },
    /// The chunk does not begin where the upload stands.
    #[error("the upload stands at byte {offset}: the next chunk must begin there")]
    OutOfOrder {
        /// Where it stands.
        offset: u64,
    },
    /// Another request goes on with this upload.
    #[error("another request is writing to this upload")]
    UploadBusy,
    /// The client's body ended early. What came is kept where the upload is.
    #[error(transparent)]
    BodyEnded(BodyError),
    /// The content is larger than this registry takes.
    #[error("larger than the {limit} bytes that this registry takes")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The body is no manifest.
    #[error(transparent)]
    ManifestInvalid(#[from] ManifestError),
    /// The manifest needs what is not in the repository.
    #[error("the manifest references {} blobs or manifests that are not in the repository", .0.len())]
    MissingReferences(Vec<Digest>),
    /// The manifest gives a size that the content has not: no client could pull it.
    #[error("the manifest gives {} blobs or manifests another size than they have: {}", .0.len(), .0[0])]
    WrongSizes(Vec<Digest>),
    /// The client takes no manifest of this type, which is what the tag points to.
    #[error("the tag points to a manifest of the type {0}, which the Accept header does not take")]
    NotAcceptable(MediaType),
    /// `If-Match` or `If-None-Match` does not hold.
    #[error("what is there is not what the request's If-Match or If-None-Match says: read it again")]
    ConditionFailed,
    /// An admission plugin refused, for a reason that the client is given.
    #[error("{reason}")]
    Refused {
        /// In the plugin's words.
        reason: String,
    },
    /// The same tags changed again and again while the change was being looked at.
    #[error("others change the same tags all the time: try again")]
    Contended,
    /// Nothing is deleted here.
    #[error("deleting is turned off for this registry")]
    DeletesOff,
    /// A lock forbids it: nothing was read, stored or deleted. The words are Azure Container Registry's, which scripts look for.
    #[error("The operation is disallowed on this registry, repository or image: {0}")]
    Locked(Locked),
    /// More would go than goes at once.
    #[error(
        "more than {MAX_DELETED_AT_ONCE} manifests and tags would go, which is more than goes at once: delete some of them first"
    )]
    TooManyToDelete,
    /// The same bytes are there, pushed with another type, and what is there never changes.
    #[error("this manifest is there already, as {0}: push it with that type, or make it say its mediaType itself")]
    OtherType(MediaType),
    /// An admission plugin failed, and so refused. The reason is for the log alone.
    #[error("admission failed: {reason}")]
    AdmissionFailed {
        /// When to try again, if the plugin said so.
        retry_after: Option<Duration>,
        /// For the log.
        reason: String,
    },
    /// Another manifest needs it.
    #[error("the manifest {0} needs it, so it goes only after that one")]
    NeededBy(Digest),
    /// Something that the registry needs is away; the same request may go through later. The reason is for the log alone.
    #[error("unavailable: {reason}")]
    Unavailable {
        /// When to try again.
        retry_after: Option<Duration>,
        /// For the log.
        reason: String,
    },
    /// A fault. The text is for the log alone.
    #[error("internal: {0}")]
    Internal(String),
}

impl From<CatalogError> for RegistryError {
    fn from(error: CatalogError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<StoreError> for RegistryError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { error: PluginError::Unavailable { retry_after, .. }, .. } => {
                Self::Unavailable { retry_after: *retry_after, reason: error.to_string() }
            }
            StoreError::Unavailable { .. } => Self::Unavailable { retry_after: None, reason: error.to_string() },
            // The catalog says that it is there: that it is not is a fault of the storage, not of the client.
            _ => Self::Internal(error.to_string()),
        }
    }
}

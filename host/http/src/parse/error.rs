//! Why a request is none that this host answers.

use bulkhead_core::ports::accounts::AccountNameError;
use bulkhead_oci::{DigestError, NameError, TagError};

use super::MAX_TAGS;

/// A request that makes no sense as it stands. `crate::error` says with which status and code the client hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    /// No such path.
    #[error("there is nothing at this path")]
    NoRoute,
    /// The path is there, for other methods.
    #[error("this path takes {allow}")]
    Method { allow: &'static str },
    /// The path decodes to another structure than it has, or to no text.
    #[error("the path has an empty, relative or wrongly encoded part")]
    Path,
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Digest(#[from] DigestError),
    #[error("the query must name the content's digest: ?digest=sha256:...")]
    MissingDigest,
    #[error(transparent)]
    Tag(#[from] TagError),
    /// A tag outside the grammar, asked for: there can be no manifest under it.
    #[error("there is no manifest under this reference")]
    ImpossibleTag,
    /// A text that cannot be an upload's name.
    #[error("there is no such upload")]
    UploadId,
    #[error(transparent)]
    AccountName(#[from] AccountNameError),
    /// A text that is no place of a secret.
    #[error("an account has the secrets 1 and 2, and no other")]
    Slot,
    #[error("the query cannot be read: it is wrongly encoded")]
    Query,
    #[error("the query has more parameters than any request needs")]
    TooManyParameters,
    #[error("the query names more than {MAX_TAGS} tags: push the manifest with some of them, and again with the others")]
    TooManyTags,
    #[error("?tag= goes with a push by digest: this one names its tag in the path")]
    TagsBesideTag,
    #[error("the query names {0} more than once")]
    Repeated(&'static str),
    #[error("n is the number of entries wanted, 0 or more")]
    Paging,
}

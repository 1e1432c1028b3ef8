//! Why a request is none that this host answers.

use bulkhead_oci::{DigestError, NameError, TagError};

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
    #[error("the query cannot be read: it is wrongly encoded or has too many parameters")]
    Query,
    #[error("the query names {0} more than once")]
    Repeated(&'static str),
    #[error("n is the number of entries wanted, 0 or more")]
    Paging,
}

//! Why accounts cannot be changed or shown.

use crate::ports::accounts::Kept;
use crate::ports::catalog::CatalogError;

use super::hasher::HashError;

/// Why something was not done. Nothing of it was then, but after [`Catalog`](Self::Catalog), which may also mean that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManageError {
    /// There is no such account, scope map or secret in this registry.
    #[error("there is no such account, scope map or secret")]
    Absent,
    /// The name is taken.
    #[error("there is one of that name already")]
    Exists,
    /// The scope map that an account names is not there.
    #[error("there is no such scope map: make it first")]
    NoSuchScopeMap,
    /// Accounts have this scope map.
    #[error("accounts have this scope map: give them another one first, or delete them")]
    InUse,
    /// What is asked for cannot be; in words for whoever asked.
    #[error("{0}")]
    Invalid(String),
    /// The secret could not be hashed, or not soon.
    #[error("the secret was not hashed: {0}")]
    Hashing(String),
    /// The catalog failed. For the log.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl From<HashError> for ManageError {
    fn from(error: HashError) -> Self {
        Self::Hashing(error.to_string())
    }
}

/// What the catalog said, as a result.
pub(super) fn done(kept: Kept) -> Result<(), ManageError> {
    match kept {
        Kept::Done => Ok(()),
        Kept::Exists => Err(ManageError::Exists),
        Kept::Absent => Err(ManageError::Absent),
        Kept::NoSuchScopeMap => Err(ManageError::NoSuchScopeMap),
        Kept::InUse => Err(ManageError::InUse),
    }
}

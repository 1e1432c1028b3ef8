//! The key that signs the host's tokens: made at the first start, kept in the data directory for its owner alone.
//!
//! Whoever reads it can make tokens for everybody; whoever deletes it makes every token worthless, and a new one comes with the next start.

use std::io;
use std::path::{Path, PathBuf};

use bulkhead_core::auth::TokenKey;

use crate::data::{self, DataError};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum TokenKeyError {
    /// It cannot be kept.
    #[error(transparent)]
    Unwritable(#[from] DataError),
    /// It cannot be read.
    #[error("the token key {path} cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// It is none.
    #[error(
        "the token key {path} is {error}; put back the copy that was there, or delete the file: every token is then worthless, and a new key is made"
    )]
    Useless {
        /// The file.
        path: PathBuf,
        /// What it is.
        error: bulkhead_core::auth::KeyError,
    },
}

/// The key of this data directory, made where it is missing.
///
/// # Errors
/// [`TokenKeyError`].
pub fn token_key(data: &Path) -> Result<TokenKey, TokenKeyError> {
    let folder = data.join("keys");
    let path = folder.join("token.pem");
    let useless = |error| TokenKeyError::Useless { path: path.clone(), error };
    let pem = match std::fs::read_to_string(&path) {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let pem = TokenKey::generate().map_err(useless)?;
            data::make_directory(&folder)?;
            data::write_private(&path, pem.as_bytes())?;
            pem
        }
        Err(error) => return Err(TokenKeyError::Unreadable { path, error }),
    };
    TokenKey::from_pem(&pem).map_err(useless)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::data::ScratchDirectory;

    #[test]
    fn the_key_is_made_once_and_kept_for_its_owner_alone() {
        let scratch = ScratchDirectory::new().unwrap();
        let first = token_key(scratch.path()).unwrap();
        let again = token_key(scratch.path()).unwrap();
        assert_eq!(first.jwk(), again.jwk());
        let mode = std::fs::metadata(scratch.path().join("keys/token.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_told_and_not_replaced() {
        let scratch = ScratchDirectory::new().unwrap();
        let file = scratch.path().join("keys/token.pem");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "scrap").unwrap();
        assert!(matches!(token_key(scratch.path()), Err(TokenKeyError::Useless { .. })));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "scrap");
    }
}

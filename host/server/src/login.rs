//! The first login of a server without a configuration file: user `admin`, a random password, of which only a salted hash is kept, in the
//! htpasswd file that the built-in configuration grants to `builtin:auth-htpasswd`.
//!
//! The password is in memory until it is printed, once. A start that fails before that takes the file back, so that nobody is left with
//! a login that nobody knows.

use std::path::{Path, PathBuf};

use argon2::password_hash::PasswordHasher;
use argon2::{Algorithm, Argon2, Params, Version};

use crate::data::{self, DataError};

/// The user's name; the built-in rules name it too.
pub const USER: &str = "admin";

/// The htpasswd file in the data directory; the built-in configuration names it too.
const FILE: &str = "admin.htpasswd";

/// Letters and digits that nobody takes for another.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// 24 of 56 characters: 139 bits.
const LENGTH: usize = 24;

/// Why the login could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The file cannot be written.
    #[error("the first login cannot be kept: {0}")]
    Unwritable(#[from] DataError),
    /// The password cannot be hashed.
    #[error("the password of the first login cannot be hashed: {0}")]
    Hash(String),
}

/// What there is to log in with.
pub enum Login {
    /// Made just now.
    Made(NewLogin),
    /// Made by an earlier start; this file has its hash.
    Before(PathBuf),
}

/// A login that nobody knows yet. Dropped before [`announced`](Self::announced), it takes its file back.
pub struct NewLogin {
    password: String,
    file: PathBuf,
    known: bool,
}

impl NewLogin {
    /// The password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// It has been printed: the file stays.
    pub fn announced(mut self) {
        self.known = true;
    }
}

impl Drop for NewLogin {
    fn drop(&mut self) {
        if !self.known
            && let Err(error) = std::fs::remove_file(&self.file)
        {
            tracing::warn!("the login in {} was never printed; delete the file: {error}", self.file.display());
        }
    }
}

/// Finds the login in this data directory, or makes it.
///
/// # Errors
/// [`LoginError`].
pub fn ensure(folder: &Path) -> Result<Login, LoginError> {
    let file = folder.join(FILE);
    if file.exists() {
        return Ok(Login::Before(file));
    }
    let password = random_password();
    let line = format!("{USER}:{}\n", hash(&password)?);
    data::write_private(&file, line.as_bytes())?;
    Ok(Login::Made(NewLogin { password, file, known: false }))
}

fn random_password() -> String {
    (0..LENGTH).map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())])).collect()
}

/// Argon2id with the least that OWASP's password storage cheat sheet asks for: 19 MiB, two passes, one lane.
fn hash(password: &str) -> Result<String, LoginError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| LoginError::Hash(error.to_string()))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| LoginError::Hash(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use argon2::password_hash::PasswordVerifier;
    use argon2::password_hash::phc::PasswordHash;

    use super::*;
    use crate::data::ScratchDirectory;

    fn made(login: Login) -> NewLogin {
        match login {
            Login::Made(login) => login,
            Login::Before(file) => panic!("{} was there before", file.display()),
        }
    }

    #[test]
    fn the_first_start_keeps_a_salted_hash_and_nothing_else() {
        let scratch = ScratchDirectory::new().unwrap();
        let login = made(ensure(scratch.path()).unwrap());
        let file = scratch.path().join("admin.htpasswd");
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!text.contains(login.password()));
        let hash = text.trim_end().strip_prefix("admin:").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let parsed = PasswordHash::new(hash).unwrap();
        assert!(Argon2::default().verify_password(login.password().as_bytes(), &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"another", &parsed).is_err());
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1, "the temporary file is gone");
    }

    #[test]
    fn a_login_that_was_printed_is_found_by_the_next_start() {
        let scratch = ScratchDirectory::new().unwrap();
        made(ensure(scratch.path()).unwrap()).announced();
        assert!(matches!(ensure(scratch.path()).unwrap(), Login::Before(file) if file == scratch.path().join("admin.htpasswd")));
    }

    #[test]
    fn a_login_that_was_never_printed_is_taken_back() {
        let scratch = ScratchDirectory::new().unwrap();
        drop(made(ensure(scratch.path()).unwrap()));
        made(ensure(scratch.path()).unwrap()).announced();
    }

    #[test]
    fn passwords_are_long_unambiguous_and_never_the_same() {
        let (one, other) = (random_password(), random_password());
        assert_ne!(one, other);
        assert_eq!(one.len(), LENGTH);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() && !b"lIO01".contains(&byte) && byte != b'o'), "{one}");
    }
}

//! Password hashes: which schemes are accepted, and the check.

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use bulkhead_plugin_sdk::{Error, OrError, Result};
use sha2::{Digest, Sha256};

/// A hash as it stands in the file, told apart by its scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hash {
    /// `$2y$`, `$2b$` or `$2a$`.
    Bcrypt(String),
    /// `$argon2id$`, `$argon2i$` or `$argon2d$`, in PHC form.
    Argon2(String),
    /// Too weak, broken or unknown; the word says which.
    Unsupported(&'static str),
}

impl Hash {
    /// Never fails: what is not understood lets nobody in.
    pub fn parse(text: &str) -> Self {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
        if starts(&["$2y$", "$2b$", "$2a$"]) {
            return match text.parse::<bcrypt::HashParts>() {
                Ok(_) => Self::Bcrypt(text.to_owned()),
                Err(_) => Self::Unsupported("malformed bcrypt"),
            };
        }
        if starts(&["$argon2id$", "$argon2i$", "$argon2d$"]) {
            return match PasswordHash::new(text) {
                Ok(parsed) if parsed.hash.is_some() && parsed.salt.is_some() => Self::Argon2(text.to_owned()),
                _ => Self::Unsupported("malformed argon2"),
            };
        }
        Self::Unsupported(match text {
            _ if text.starts_with("$apr1$") => "MD5 (apr1)",
            _ if text.starts_with("{SHA}") => "SHA-1",
            _ if starts(&["$1$"]) => "MD5 crypt",
            _ if starts(&["$5$", "$6$"]) => "SHA crypt",
            _ if starts(&["$2x$"]) => "old, faulty bcrypt ($2x$)",
            _ => "crypt or plain-text",
        })
    }

    /// Marks this hash among others: the first 16 hex digits of the SHA-256 of its text. None if it lets nobody in. No secret: the hash
    /// itself does not follow from it.
    pub fn proof(&self) -> Option<String> {
        match self {
            Self::Bcrypt(text) | Self::Argon2(text) => {
                Some(Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect())
            }
            Self::Unsupported(_) => None,
        }
    }

    /// How long a check takes, roughly, in microseconds: to compare one hash with another.
    pub fn cost(&self) -> u64 {
        match self {
            // Each step of the cost doubles it; cost 10 takes some 50 ms.
            Self::Bcrypt(text) => match text.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok()) {
                Some(cost) => 50_u64.checked_shl(cost).unwrap_or(u64::MAX),
                None => 0,
            },
            // A pass over a KiB takes about a microsecond.
            Self::Argon2(text) => {
                let parameter = |hash: &PasswordHash, name: &str| u64::from(hash.params.get_decimal(name).unwrap_or_default());
                PasswordHash::new(text).map_or(0, |hash| parameter(&hash, "m").saturating_mul(parameter(&hash, "t")))
            }
            Self::Unsupported(_) => 0,
        }
    }

    /// Whether the password is the one. Costs what the hash was made to cost. An error if the check itself could not be made.
    pub fn verify(&self, password: &str) -> Result<bool> {
        match self {
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).or_internal("bcrypt"),
            Self::Argon2(text) => {
                let hash = PasswordHash::new(text).or_internal("argon2")?;
                match argon2::Argon2::default().verify_password(password.as_bytes(), &hash) {
                    Ok(()) => Ok(true),
                    Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(error) => {
                        let kibibytes = hash.params.get_decimal("m").unwrap_or_default();
                        Err(Error::internal(format!(
                            "an argon2 hash that takes {kibibytes} KiB cannot be checked: {error}; is `limits.memory` of this plugin above that?"
                        )))
                    }
                }
            }
            Self::Unsupported(_) => Ok(false),
        }
    }
}

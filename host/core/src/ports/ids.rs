//! Names of the host's own things.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The row of a registry in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryId(pub i64);

/// A registry's name as in the configuration: 1 to 50 of `a-z 0-9 -`, beginning and ending with a letter or digit. It is also the
/// prefix of its object keys, so it never changes. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryName(Arc<str>);

/// An upload's name: 32 lower-case hex digits, of 128 random bits. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UploadId(Arc<str>);

/// A name of the host's own that is outside its grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Of a registry.
    #[error("a registry's name is 1 to 50 lower-case letters, digits and -, and begins and ends with a letter or digit")]
    Registry,
    /// Of an upload.
    #[error("an upload's name is 32 lower-case hex digits")]
    Upload,
}

impl RegistryName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RegistryName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let well_formed = bytes.len() <= 50
            && bytes.first().copied().is_some_and(word)
            && bytes.last().copied().is_some_and(word)
            && bytes.iter().all(|byte| word(*byte) || *byte == b'-');
        if well_formed { Ok(Self(text.into())) } else { Err(IdError::Registry) }
    }
}

impl UploadId {
    /// A new one, unguessable: a UUID of version 4, as the specification wants it in an upload's location.
    pub fn random() -> Self {
        Self(random_uuid().into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let hyphen = |place: usize| text.len() == 36 && matches!(place, 8 | 13 | 18 | 23);
        let fits = |(place, byte): (usize, u8)| match byte {
            b'-' => hyphen(place),
            b'0'..=b'9' | b'a'..=b'f' => !hyphen(place),
            _ => false,
        };
        // The first version of this host left the hyphens out.
        let well_formed = matches!(text.len(), 32 | 36) && text.bytes().enumerate().all(fits);
        if well_formed { Ok(Self(text.into())) } else { Err(IdError::Upload) }
    }
}

/// A UUID of version 4 (RFC 9562), in lower case: 122 random bits.
pub(crate) fn random_uuid() -> String {
    let mut bytes = rand::random::<[u8; 16]>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

macro_rules! text {
    ($name:ty) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
text!(RegistryName);
text!(UploadId);

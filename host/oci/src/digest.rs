//! Content digests: `algorithm:hex` (OCI image specification, "Digests"). Never hashes anything: that is the data path's work.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A digest algorithm that this host verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256, 64 hex digits.
    Sha256,
    /// SHA-512, 128 hex digits.
    Sha512,
}

impl Algorithm {
    /// The name before the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Hex digits behind the colon.
    pub const fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(DigestError::Algorithm),
        }
    }
}

/// A digest of content, such as `sha256:e3b0...`: an algorithm of [`Algorithm`] and lower-case hex of its length.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    text: Box<str>,
}

/// Why a text is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The algorithm is not sha256 or sha512.
    #[error("the digest's algorithm is not sha256 or sha512")]
    Algorithm,
    /// Not `algorithm:hex`, or the hex has the wrong length or case.
    #[error("a digest is sha256: and 64, or sha512: and 128, lower-case hex digits")]
    Format,
}

impl Digest {
    /// From the algorithm's raw output.
    ///
    /// # Errors
    /// [`DigestError::Format`] if `bytes` has not the algorithm's length.
    pub fn from_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, DigestError> {
        if bytes.len() * 2 != algorithm.hex_len() {
            return Err(DigestError::Format);
        }
        let text = format!("{}:{}", algorithm.as_str(), hex::encode(bytes)).into_boxed_str();
        Ok(Self { algorithm, text })
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `algorithm:hex`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The hex alone.
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError::Format)?;
        let algorithm: Algorithm = algorithm.parse()?;
        let well_formed = hex.len() == algorithm.hex_len() && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !well_formed {
            return Err(DigestError::Format);
        }
        Ok(Self { algorithm, text: text.into() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_an_algorithm_and_lower_case_hex_of_its_length() {
        let hex = "a".repeat(64);
        assert_eq!(format!("sha256:{hex}").parse::<Digest>().unwrap().hex(), hex);
        assert_eq!(format!("sha512:{hex}{hex}").parse::<Digest>().unwrap().algorithm(), Algorithm::Sha512);
        for bad in
            [format!("sha256:{}", "A".repeat(64)), format!("sha256:{}", "a".repeat(63)), format!("sha512:{hex}"), hex.clone()]
        {
            assert_eq!(bad.parse::<Digest>(), Err(DigestError::Format), "{bad}");
        }
        assert_eq!(format!("md5:{hex}").parse::<Digest>(), Err(DigestError::Algorithm));
    }

    #[test]
    fn raw_output_of_the_wrong_length_is_no_digest() {
        assert_eq!(Digest::from_bytes(Algorithm::Sha256, &[0; 64]), Err(DigestError::Format));
        assert_eq!(Digest::from_bytes(Algorithm::Sha256, &[0xab; 32]).unwrap().hex(), "ab".repeat(32));
    }
}

//! Hashing that can be put aside: the inner state of SHA-256 and SHA-512 goes to the catalog with an upload and comes back at another process.

use bulkhead_core::ports::store::StoreError;
use bulkhead_oci::{Algorithm, Digest};
use sha2::digest::Digest as _;
use sha2::digest::common::hazmat::SerializableState;
use sha2::{Sha256, Sha512};

/// A hash under way.
#[derive(Clone)]
pub enum Hasher {
    /// SHA-256.
    Sha256(Sha256),
    /// SHA-512.
    Sha512(Sha512),
}

impl Hasher {
    /// Over no bytes yet.
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    /// From where [`save`](Self::save) left off.
    pub fn resume(algorithm: Algorithm, state: &[u8]) -> Result<Self, StoreError> {
        let hasher = match algorithm {
            Algorithm::Sha256 => restore(state).map(Self::Sha256),
            Algorithm::Sha512 => restore(state).map(Self::Sha512),
        };
        hasher.ok_or_else(|| StoreError::Io {
            doing: "reading an upload's hash state",
            reason: format!("{} bytes that are no state of {}", state.len(), algorithm.as_str()),
        })
    }

    /// Takes bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The inner state.
    pub fn save(&self) -> Vec<u8> {
        match self {
            Self::Sha256(hasher) => hasher.serialize().to_vec(),
            Self::Sha512(hasher) => hasher.serialize().to_vec(),
        }
    }

    /// The digest of all that was taken in.
    pub fn digest(self) -> Digest {
        let (algorithm, bytes) = match self {
            Self::Sha256(hasher) => (Algorithm::Sha256, hasher.finalize().to_vec()),
            Self::Sha512(hasher) => (Algorithm::Sha512, hasher.finalize().to_vec()),
        };
        Digest::from_bytes(algorithm, &bytes).expect("a hash has its algorithm's length")
    }
}

fn restore<H: SerializableState>(state: &[u8]) -> Option<H> {
    H::deserialize(&state.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_goes_on_where_it_was_put_aside() {
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            let mut whole = Hasher::new(algorithm);
            whole.update(b"hello world");
            let mut half = Hasher::new(algorithm);
            half.update(b"hello");
            let mut rest = Hasher::resume(algorithm, &half.save()).unwrap();
            rest.update(b" world");
            assert_eq!(rest.digest(), whole.digest());
        }
    }

    #[test]
    fn a_state_that_is_none_is_an_error() {
        assert!(Hasher::resume(Algorithm::Sha256, b"short").is_err());
        let sha512 = Hasher::new(Algorithm::Sha512).save();
        assert!(Hasher::resume(Algorithm::Sha256, &sha512).is_err());
    }
}

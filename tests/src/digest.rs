//! Digests as the registry writes them, and bytes to take them of.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256, Sha512};

/// `sha256:` and the hash.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// `sha512:` and the hash.
#[must_use]
pub fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", hex::encode(Sha512::digest(bytes)))
}

/// Takes a digest of what is written to it, and counts.
#[derive(Default)]
pub struct Hasher {
    state: Sha256,
    length: u64,
}

impl Hasher {
    /// The digest of all that was written, and how much that was.
    #[must_use]
    pub fn finish(self) -> (String, u64) {
        (format!("sha256:{}", hex::encode(self.state.finalize())), self.length)
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.state.update(bytes);
        self.length += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that do not compress and never repeat, the same for the same seed: a body of any size that needs no memory.
#[derive(Clone)]
pub struct Pattern {
    state: u64,
    left: u64,
}

impl Pattern {
    /// So many bytes.
    #[must_use]
    pub fn new(seed: u64, length: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, left: length }
    }

    /// All of them at once.
    #[must_use]
    pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        Self::new(seed, length as u64).read_to_end(&mut bytes).expect("a pattern cannot fail");
        bytes
    }

    /// The digest of what is left of it.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Hasher::default();
        io::copy(&mut self.clone(), &mut hasher).expect("a pattern cannot fail");
        hasher.finish().0
    }
}

impl Read for Pattern {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        // Whole words as long as there are any: a reader that asks for an odd length gets one short piece, at the very end.
        let wanted = if wanted >= 8 { wanted - wanted % 8 } else { wanted };
        for piece in buffer[..wanted].chunks_mut(8) {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            piece.copy_from_slice(&self.state.to_le_bytes()[..piece.len()]);
        }
        self.left -= wanted as u64;
        Ok(wanted)
    }
}

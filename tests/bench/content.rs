//! Bytes to push: new for every seed, cheap to make, with a digest taken ahead.

use std::io::Write as _;

use bulkhead_tests::digest::{Hasher, Pattern};

/// The size of a chunk as Docker sends it.
pub const CHUNK: usize = 32 * 1024;
/// How many chunks go to the socket at once.
const BATCH: usize = 8;
/// Lengths of a chunk's frame before and behind its bytes: `8000\r\n` and `\r\n`.
const BEFORE: usize = 6;
const BEHIND: usize = 2;

/// A body of whole chunks, framed for chunked transfer, that needs no memory of its size.
pub struct Body {
    seed: u64,
    chunks: u64,
    framed: Vec<u8>,
}

impl Body {
    /// So many MiB that no other seed has.
    pub fn new(seed: u64, mib: u64) -> Self {
        let mut framed = Vec::with_capacity(BATCH * (CHUNK + BEFORE + BEHIND));
        for number in 0..BATCH as u64 {
            framed.extend_from_slice(b"8000\r\n");
            framed.extend_from_slice(&Pattern::bytes(number + 1, CHUNK));
            framed.extend_from_slice(b"\r\n");
        }
        Self { seed, chunks: mib * 32, framed }
    }

    /// Hands over the framed bytes, some chunks at a time, without the closing empty chunk.
    pub fn for_each_batch(&mut self, mut action: impl FnMut(&[u8])) {
        let mut next = 0;
        while next < self.chunks {
            let count = (self.chunks - next).min(BATCH as u64);
            for position in 0..count {
                let start = usize::try_from(position).expect("a batch is short") * (CHUNK + BEFORE + BEHIND) + BEFORE;
                self.framed[start..start + 8].copy_from_slice(&self.seed.to_le_bytes());
                self.framed[start + 8..start + 16].copy_from_slice(&(next + position).to_le_bytes());
            }
            action(&self.framed[..usize::try_from(count).expect("a batch is short") * (CHUNK + BEFORE + BEHIND)]);
            next += count;
        }
    }

    /// The digest of the bytes without their frames.
    pub fn digest(&mut self) -> String {
        let mut hasher = Hasher::default();
        self.for_each_batch(|framed| {
            for chunk in framed.chunks(CHUNK + BEFORE + BEHIND) {
                hasher.write_all(&chunk[BEFORE..BEFORE + CHUNK]).expect("a hasher takes everything");
            }
        });
        hasher.finish().0
    }

    /// Without the frames.
    pub fn length(&self) -> u64 {
        self.chunks * CHUNK as u64
    }
}

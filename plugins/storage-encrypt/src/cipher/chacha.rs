//! ChaCha20 (RFC 8439) and HChaCha20 (draft-irtf-cfrg-xchacha), four blocks at once: the words at the same place in four blocks are
//! side by side, so that one instruction does the same step for each of them.

use std::array::from_fn;

use super::lanes::{Lanes, add, count, differ, halves, splat, transposed};

/// Four blocks of 64 bytes.
pub const STRIDE: usize = 256;

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// The place of the block's number among the words.
const COUNTER: usize = 12;

/// Four blocks of the key stream: the words at the same place in each are side by side.
pub struct Four([Lanes; 16]);

/// A key, a nonce and the number of the next block.
pub struct ChaCha([u32; 16]);

impl ChaCha {
    /// The last four words are the number of the block and the nonce.
    pub fn new(key: &[u8; 32], last: &[u8; 16]) -> Self {
        let mut words = [0; 16];
        words[..4].copy_from_slice(&CONSTANTS);
        let bytes = key.as_chunks().0.iter().chain(last.as_chunks().0);
        words[4..].iter_mut().zip(bytes).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
        Self(words)
    }

    /// HChaCha20: a key that follows from the key and 16 bytes.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    pub fn derived(key: &[u8; 32], nonce: &[u8; 16]) -> [u8; 32] {
        let words = mixed(Self::new(key, nonce).spread(), |_| ());
        let mut derived = [0; 32];
        for (half, row) in derived.as_chunks_mut().0.iter_mut().zip([0, 12]) {
            put(half, transposed([words[row], words[row + 1], words[row + 2], words[row + 3]])[0]);
        }
        derived
    }

    /// The words of four blocks that are all the same.
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    fn spread(&self) -> [Lanes; 16] {
        from_fn(|place| splat(self.0[place]))
    }

    /// The next four blocks. `meanwhile` is called with 0 to 19 between the rounds: they keep the machine's wide units busy, and what needs
    /// the others alone costs little there.
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    pub fn four(&mut self, meanwhile: impl FnMut(usize)) -> Four {
        let mut start = self.spread();
        start[COUNTER] = add(start[COUNTER], count());
        self.0[COUNTER] = self.0[COUNTER].wrapping_add(4);
        let words = mixed(start, meanwhile);
        Four(from_fn(|place| add(words[place], start[place])))
    }

    /// Puts the next blocks over the last bytes, fewer than four blocks have.
    pub fn last(&mut self, bytes: &mut [u8]) {
        if !bytes.is_empty() {
            let mut whole = [0; STRIDE];
            whole[..bytes.len()].copy_from_slice(bytes);
            self.four(|_| ()).put(&mut whole);
            bytes.copy_from_slice(&whole[..bytes.len()]);
        }
    }
}

impl Four {
    /// XORs the four blocks over these bytes.
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    pub fn put(self, bytes: &mut [u8; STRIDE]) {
        let (parts, _) = bytes.as_chunks_mut();
        for row in 0..4 {
            let columns = transposed(from_fn(|word| self.0[4 * row + word]));
            for (block, lanes) in columns.into_iter().enumerate() {
                put(&mut parts[4 * block + row], lanes);
            }
        }
    }
}

/// The twenty rounds.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn mixed(mut words: [Lanes; 16], mut meanwhile: impl FnMut(usize)) -> [Lanes; 16] {
    for pair in 0..10 {
        quarter(&mut words, 0, 4, 8, 12);
        quarter(&mut words, 1, 5, 9, 13);
        quarter(&mut words, 2, 6, 10, 14);
        quarter(&mut words, 3, 7, 11, 15);
        meanwhile(2 * pair);
        quarter(&mut words, 0, 5, 10, 15);
        quarter(&mut words, 1, 6, 11, 12);
        quarter(&mut words, 2, 7, 8, 13);
        quarter(&mut words, 3, 4, 9, 14);
        meanwhile(2 * pair + 1);
    }
    words
}

/// The quarter round on the words at these places.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn quarter(words: &mut [Lanes; 16], a: usize, b: usize, c: usize, d: usize) {
    words[a] = add(words[a], words[b]);
    words[d] = differ::<16>(words[d], words[a]);
    words[c] = add(words[c], words[d]);
    words[b] = differ::<12>(words[b], words[c]);
    words[a] = add(words[a], words[b]);
    words[d] = differ::<8>(words[d], words[a]);
    words[c] = add(words[c], words[d]);
    words[b] = differ::<7>(words[b], words[c]);
}

/// XORs four words over 16 bytes.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn put(bytes: &mut [u8; 16], lanes: Lanes) {
    for (bytes, half) in bytes.as_chunks_mut().0.iter_mut().zip(halves(lanes)) {
        *bytes = (u64::from_le_bytes(*bytes) ^ half).to_le_bytes();
    }
}

//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), for bytes that are all in memory.
//!
//! Of our own, since the published crates have no code for Wasm's wide instructions: there this is three times as fast as they are. The
//! tests hold it against the published vectors and against those crates; [`check`] does so in the component itself, where no test runs.

mod chacha;
mod lanes;
mod poly1305;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::{Error, Result};

use chacha::{ChaCha, STRIDE};
use poly1305::{BLOCK, Poly1305};

/// A key.
pub type Key = [u8; 32];
/// Never used for two messages under the same key.
pub type Nonce = [u8; 24];
/// What a message grows by.
pub const TAG: usize = BLOCK;

/// HChaCha20 as a way to derive keys: what follows from the key and this text.
pub fn derived(key: &Key, text: &[u8; 16]) -> Key {
    ChaCha::derived(key, text)
}

/// Encrypts `plain` to the end of `out`, with its tag. `extra` is authenticated with it.
pub fn seal(key: &Key, nonce: &Nonce, extra: &[u8], plain: &[u8], out: &mut Vec<u8>) {
    let (mut stream, mut poly) = begin(key, nonce, extra);
    let start = out.len();
    out.extend_from_slice(plain);
    encrypt(&mut stream, &mut poly, &mut out[start..]);
    out.extend_from_slice(&end(poly, extra, plain.len()));
}

/// Decrypts what [`seal`] made to the end of `out`. None, and nothing is added: the key, the nonce or `extra` is another one, or the bytes
/// were changed.
#[must_use]
pub fn open(key: &Key, nonce: &Nonce, extra: &[u8], sealed: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (bytes, tag) = sealed.split_last_chunk::<TAG>()?;
    let (mut stream, mut poly) = begin(key, nonce, extra);
    let start = out.len();
    out.extend_from_slice(bytes);
    decrypt(&mut stream, &mut poly, &mut out[start..]);
    if is_same(&end(poly, extra, bytes.len()), tag) {
        return Some(());
    }
    out.truncate(start);
    None
}

/// Each four blocks are authenticated while the next four are encrypted.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn encrypt(stream: &mut ChaCha, poly: &mut Poly1305, bytes: &mut [u8]) {
    let (strides, rest) = bytes.as_chunks_mut::<STRIDE>();
    let mut done: &[[u8; BLOCK]] = &[];
    for stride in strides {
        stream.four(|step| done.get(step).into_iter().for_each(|block| poly.block(block))).put(stride);
        done = stride.as_chunks().0;
    }
    done.iter().for_each(|block| poly.block(block));
    stream.last(rest);
    poly.padded(rest);
}

/// Each four blocks are authenticated while what decrypts them is made.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn decrypt(stream: &mut ChaCha, poly: &mut Poly1305, bytes: &mut [u8]) {
    let (strides, rest) = bytes.as_chunks_mut::<STRIDE>();
    for stride in strides {
        let (blocks, _) = stride.as_chunks();
        stream.four(|step| blocks.get(step).into_iter().for_each(|block| poly.block(block))).put(stride);
    }
    poly.padded(rest);
    stream.last(rest);
}

/// The stream for the message, and the tag that is made under its first block, begun with `extra`.
fn begin(key: &Key, nonce: &Nonce, extra: &[u8]) -> (ChaCha, Poly1305) {
    let (first, rest) = nonce.split_first_chunk().expect("24 bytes begin with 16");
    let key = ChaCha::derived(key, first);
    let mut last = [0; 16];
    last[8..].copy_from_slice(rest);
    let mut block = [0; STRIDE];
    ChaCha::new(&key, &last).four(|_| ()).put(&mut block);
    let ([r, pad, ..], _) = block.as_chunks() else { unreachable!("256 bytes begin with 32") };
    let mut poly = Poly1305::new(r, pad);
    poly.padded(extra);
    last[0] = 1;
    (ChaCha::new(&key, &last), poly)
}

fn end(mut poly: Poly1305, extra: &[u8], length: usize) -> [u8; TAG] {
    let mut lengths = [0; BLOCK];
    lengths[..8].copy_from_slice(&(extra.len() as u64).to_le_bytes());
    lengths[8..].copy_from_slice(&(length as u64).to_le_bytes());
    poly.block(&lengths);
    poly.tag()
}

/// In a time that does not depend on where they differ.
fn is_same(one: &[u8; TAG], other: &[u8; TAG]) -> bool {
    let differing = one.iter().zip(other).fold(0, |bits, (one, other)| bits | (one ^ other));
    std::hint::black_box(differing) == 0
}

/// Whether the cipher computes here what it computes elsewhere: a fault would write what nobody can read any more.
pub fn check() -> Result<()> {
    let (mut key, mut nonce, mut plain) = ([0; 32], [0; 24], [0; 1000]);
    for (place, byte) in key.iter_mut().chain(&mut nonce).chain(&mut plain).enumerate() {
        *byte = (place * 7) as u8;
    }
    let mut sealed = Vec::new();
    seal(&key, &nonce, b"check", &plain, &mut sealed);
    let mut opened = Vec::new();
    let opens = open(&key, &nonce, b"check", &sealed, &mut opened);
    if opens.is_none() || opened != plain || !sealed.ends_with(&CHECKED) {
        return Err(Error::internal("the cipher does not compute here what it should: nothing is encrypted"));
    }
    Ok(())
}

/// The tag of [`check`]'s message, from the crate `chacha20poly1305`.
const CHECKED: [u8; TAG] = [0x09, 0x4a, 0x88, 0x73, 0x79, 0x76, 0x74, 0x18, 0x19, 0x0f, 0xea, 0x87, 0x16, 0x35, 0x03, 0xae];

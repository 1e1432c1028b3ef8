//! One chunk: sealed with the key of now, opened with the key that it names.

use bulkhead_plugin_sdk::prelude::*;

use crate::cipher::{self, Nonce, TAG};
use crate::keys::{KeyId, Keys, Known};

/// The format's version.
const VERSION: u8 = 1;
const ID: usize = size_of::<KeyId>();
const RANDOM: usize = size_of::<Random>();

/// How much more a chunk has below.
pub const OVERHEAD: usize = ID + RANDOM + TAG;

/// What a nonce begins with: drawn afresh wherever other bytes than before may be sealed.
pub type Random = [u8; 16];

/// What is sealed. One never passes for the other.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// A chunk of an object.
    Object = 0,
    /// What an upload has of a chunk that is not whole yet: in the upload's state, which the host keeps.
    State = 1,
}

/// The nonce, and what is authenticated besides.
fn place(random: &Random, purpose: Purpose, number: u64) -> (Nonce, [u8; 10]) {
    let (mut nonce, mut extra) = ([0; 24], [VERSION, purpose as u8, 0, 0, 0, 0, 0, 0, 0, 0]);
    nonce[..RANDOM].copy_from_slice(random);
    nonce[RANDOM..].copy_from_slice(&number.to_le_bytes());
    extra[2..].copy_from_slice(&number.to_le_bytes());
    (nonce, extra)
}

/// Puts the chunk of that number to the end of `out`.
pub fn seal(known: &Known, random: &Random, purpose: Purpose, number: u64, plain: &[u8], out: &mut Vec<u8>) {
    let (nonce, extra) = place(random, purpose, number);
    out.extend_from_slice(&known.id);
    out.extend_from_slice(random);
    cipher::seal(&known.key, &nonce, &extra, plain, out);
}

/// Puts what the chunk of that number holds to the end of `out`.
pub fn open(keys: &mut Keys, purpose: Purpose, number: u64, chunk: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let split = chunk.split_first_chunk::<ID>().and_then(|(id, rest)| Some((id, rest.split_first_chunk::<RANDOM>()?)));
    let Some((id, (random, sealed))) = split.filter(|_| chunk.len() > OVERHEAD) else {
        return Err(Error::internal(format!("chunk {number} does not decrypt: it is cut off")));
    };
    let (nonce, extra) = place(random, purpose, number);
    let opened = cipher::open(&keys.of(*id)?.key, &nonce, &extra, sealed, out);
    opened.ok_or_else(|| Error::internal(format!("chunk {number} does not decrypt: wrong key, or the bytes were changed")))
}

//! Bundled storage layer: encrypts what the storage below it holds, in chunks, so that ranges can still be read.
//!
//! It lies over one storage, which `over` names (`over = "disk"`), and which sees neither bytes nor key. Names and, within a chunk, sizes of
//! objects stay visible there.
//!
//! Settings: `key`, the name of the granted secret that everything is encrypted with; `previous-keys`, names of secrets that are good for
//! reading what was encrypted before the key was changed (none); `chunk-bytes`, how many bytes are encrypted together (32 KiB). The last
//! cannot be changed any more once there are objects: they could not be read.
//!
//! A secret is 32 random bytes, or those as 64 hex digits or in Base64.
//!
//! # What lies below
//!
//! An object of N bytes is `ceil(N / chunk-bytes)` chunks, each with as many bytes of it, the last one with the rest. A chunk is
//!
//! | bytes | what |
//! |---|---|
//! | 4 | which key: the first bytes of HChaCha20(key, `bulkhead key id\0`) |
//! | 16 | random, the beginning of the nonce |
//! | as many as the object's | encrypted with XChaCha20-Poly1305 |
//! | 16 | tag |
//!
//! The nonce is the random bytes and the chunk's number in the object (64 bits, little endian). What is authenticated besides: 1 (the
//! format's version), 0 (1 for a part of a chunk in an upload's state), and the chunk's number again.
//!
//! The random bytes are drawn afresh whenever an upload goes on. So the chunks of one object may have several of them, and no nonce is used
//! for two plaintexts: bytes that were sent and never acknowledged may come again, and be others.
//!
//! A chunk is good at its own place alone. That a whole object is the one that was asked for is seen by the host, which knows its digest;
//! whoever can write below can put a chunk of another object, of the same place and key, under a client that asks for a range.

mod chunk;
mod cipher;
mod encrypt;
mod keys;
mod layout;
mod state;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::export;

use encrypt::Encrypt;

export!(Encrypt: Storage);

//! Cryptographically secure random bytes. Always granted.

use super::host;

/// So many bytes, at most 4 KiB.
pub fn bytes(length: u32) -> Vec<u8> {
    host::random::bytes(length)
}

/// As many bytes as the array holds, at most 4 KiB.
pub fn array<const N: usize>() -> [u8; N] {
    const { assert!(N <= 4096, "the host gives at most 4 KiB at once") };
    let mut array = [0; N];
    array.copy_from_slice(&bytes(N as u32));
    array
}

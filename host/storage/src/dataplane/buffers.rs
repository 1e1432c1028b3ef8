//! Buffers for pieces on their way out, used again and again: a fresh one for each piece would cost a page fault for every 4 KiB of it, and
//! memory that an allocator gives back late.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::PIECE;

/// Buffers that are kept while nobody needs them: 16 MiB.
const KEPT: usize = 32;

/// Where buffers wait.
#[derive(Default)]
pub struct Buffers {
    idle: Mutex<Vec<Vec<u8>>>,
}

/// A piece; its buffer goes home when the last of its bytes is dropped.
struct Piece {
    buffer: Vec<u8>,
    length: usize,
    home: Arc<Buffers>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(std::mem::take(&mut self.buffer));
        }
    }
}

impl Buffers {
    /// A piece of `length` bytes, at most [`PIECE`], as `fill` makes it.
    pub fn fill(self: &Arc<Self>, length: usize, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<Bytes> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffer = idle.unwrap_or_default();
        if buffer.len() < length {
            buffer.resize(length.next_power_of_two().min(PIECE).max(length), 0);
        }
        let mut piece = Piece { buffer, length, home: Arc::clone(self) };
        fill(&mut piece.buffer[..length])?;
        Ok(Bytes::from_owner(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(byte: u8) -> impl FnOnce(&mut [u8]) -> io::Result<()> {
        move |piece| {
            piece.fill(byte);
            Ok(())
        }
    }

    #[test]
    fn a_buffer_is_used_again_and_shows_nothing_of_its_last_use() {
        let buffers = Arc::new(Buffers::default());
        let first = buffers.fill(10, all(b'a')).unwrap();
        let place = first.as_ptr();
        drop(first);
        let second = buffers.fill(4, all(b'b')).unwrap();
        assert_eq!((&second[..], second.as_ptr()), (&b"bbbb"[..], place));
        assert!(buffers.fill(4, |_| Err(io::ErrorKind::UnexpectedEof.into())).is_err());
    }

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let buffers = Arc::new(Buffers::default());
        let many: Vec<Bytes> = (0..2 * KEPT).map(|_| buffers.fill(1, |_| Ok(())).unwrap()).collect();
        drop(many);
        assert_eq!(buffers.idle.lock().unwrap().len(), KEPT);
    }
}

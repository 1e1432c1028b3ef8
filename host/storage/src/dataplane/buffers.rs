//! Buffers for pieces on their way, used again and again: a fresh one for each piece would cost a page fault for every 4 KiB of it, and
//! memory that an allocator gives back late.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{PIECE, SMALL_PIECE};

/// Buffers that are kept while nobody needs them: 16 MiB.
const KEPT: usize = 32;

/// Where buffers of [`PIECE`] bytes wait.
#[derive(Default)]
pub struct Buffers {
    idle: Mutex<Vec<Vec<u8>>>,
}

/// A piece that is being made; its buffer goes home when the last of its bytes is dropped.
pub struct Piece {
    buffer: Vec<u8>,
    length: usize,
    home: Arc<Buffers>,
}

impl Buffers {
    /// A piece of `length` bytes, at most [`PIECE`], as `fill` makes it.
    pub fn fill(self: &Arc<Self>, length: usize, fill: impl FnOnce(&mut [u8]) -> io::Result<()>) -> io::Result<Bytes> {
        let buffer = if length > SMALL_PIECE { self.large() } else { vec![0; length] };
        let mut piece = Piece { buffer, length, home: Arc::clone(self) };
        fill(&mut piece.buffer[..length])?;
        Ok(piece.freeze())
    }

    /// A piece without bytes. It begins small, and is large once that is too little.
    pub fn piece(self: &Arc<Self>) -> Piece {
        Piece { buffer: Vec::new(), length: 0, home: Arc::clone(self) }
    }

    fn large(&self) -> Vec<u8> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| vec![0; PIECE])
    }
}

impl Piece {
    /// Its bytes so far.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Takes these bytes too; all of them together are at most [`PIECE`].
    pub fn extend(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if end > self.buffer.len() {
            let mut larger = if end > SMALL_PIECE { self.home.large() } else { vec![0; SMALL_PIECE] };
            larger[..self.length].copy_from_slice(&self.buffer[..self.length]);
            self.buffer = larger;
        }
        self.buffer[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    /// Nothing more is taken. Few bytes get a buffer of their size, since they may be kept for long.
    pub fn freeze(self) -> Bytes {
        if self.length < self.buffer.len() / 2 {
            return Bytes::copy_from_slice(&self.buffer[..self.length]);
        }
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if self.buffer.len() == PIECE {
            let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < KEPT {
                idle.push(std::mem::take(&mut self.buffer));
            }
        }
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
        let first = buffers.fill(PIECE, all(b'a')).unwrap();
        let place = first.as_ptr();
        drop(first);
        let second = buffers.fill(PIECE - 1, all(b'b')).unwrap();
        assert_eq!(second.as_ptr(), place);
        assert!(second.len() == PIECE - 1 && second.iter().all(|byte| *byte == b'b'));
        assert!(buffers.fill(4, |_| Err(io::ErrorKind::UnexpectedEof.into())).is_err());
    }

    #[test]
    fn no_more_than_the_bound_is_kept() {
        let buffers = Arc::new(Buffers::default());
        let many: Vec<Bytes> = (0..2 * KEPT).map(|_| buffers.fill(PIECE, |_| Ok(())).unwrap()).collect();
        drop(many);
        assert_eq!(buffers.idle.lock().unwrap().len(), KEPT);
    }

    #[test]
    fn a_piece_grows_from_nothing_to_its_full_size() {
        let buffers = Arc::new(Buffers::default());
        let mut piece = buffers.piece();
        let bytes: Vec<u8> = (0..PIECE).map(|index| (index % 251) as u8).collect();
        for part in bytes.chunks(1000) {
            piece.extend(part);
        }
        assert!(piece.len() == PIECE && piece.freeze() == bytes);
    }
}

//! Sizes: of an object as its client knows it (plain), and as it lies below (stored).

use bulkhead_plugin_sdk::below;
use bulkhead_plugin_sdk::prelude::*;

use crate::chunk::OVERHEAD;

/// How objects are cut into chunks.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Plain bytes of each chunk but the last.
    pub chunk: usize,
}

impl Layout {
    /// What a whole chunk is below.
    pub const fn stored_chunk(self) -> usize {
        self.chunk + OVERHEAD
    }

    /// How many whole chunks one call takes, encrypted or not.
    const fn chunks_of_piece(self) -> usize {
        below::MOST / self.stored_chunk()
    }

    /// Plain bytes of one call; together with what was left before them they give no more than a call may.
    pub const fn plain_piece(self) -> u32 {
        (self.chunks_of_piece() * self.chunk) as u32
    }

    /// Stored bytes of one call.
    pub const fn stored_piece(self) -> u32 {
        (self.chunks_of_piece() * self.stored_chunk()) as u32
    }

    /// How many bytes the object has that lies below with `stored` bytes. None: there is no such object.
    pub const fn plain(self, stored: u64) -> Option<u64> {
        let (whole, rest) = (stored / self.stored_chunk() as u64, stored % self.stored_chunk() as u64);
        match rest {
            0 => Some(whole * self.chunk as u64),
            rest if rest > OVERHEAD as u64 => Some(whole * self.chunk as u64 + rest - OVERHEAD as u64),
            _ => None,
        }
    }

    /// How many bytes lie below for an object of `plain` bytes.
    pub const fn stored(self, plain: u64) -> u64 {
        plain + plain.div_ceil(self.chunk as u64) * OVERHEAD as u64
    }

    /// The number of the chunk that begins at this plain offset.
    pub fn chunk_at(self, offset: u64) -> Result<u64> {
        Self::number(offset, self.chunk)
    }

    /// The number of the chunk that begins at this offset below.
    pub fn stored_chunk_at(self, offset: u64) -> Result<u64> {
        Self::number(offset, self.stored_chunk())
    }

    fn number(offset: u64, chunk: usize) -> Result<u64> {
        match offset % chunk as u64 {
            0 => Ok(offset / chunk as u64),
            _ => Err(Error::invalid(format!("no chunk begins at {offset}: was `chunk-bytes` changed?"))),
        }
    }
}

//! Bytes that grow without being moved: doubling one long vector would need three times its size for a moment, and the memory has a bound.

use bulkhead_plugin_sdk::prelude::*;

/// The bytes of an object or an upload, in the pieces in which they came.
#[derive(Debug, Default)]
pub struct Body {
    /// None is empty. Each with the offset at which it begins.
    pieces: Vec<(u64, Vec<u8>)>,
}

impl Body {
    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.pieces.last().map_or(0, |(start, piece)| start + piece.len() as u64)
    }

    /// Forgets what is at `offset` and after it.
    pub fn truncate(&mut self, offset: u64) {
        self.pieces.retain(|(start, _)| *start < offset);
        if let Some((start, piece)) = self.pieces.last_mut() {
            piece.truncate(usize::try_from(offset - *start).unwrap_or(usize::MAX));
        }
    }

    /// Puts bytes at the end.
    pub fn push(&mut self, mut bytes: Vec<u8>) {
        if !bytes.is_empty() {
            bytes.shrink_to_fit();
            self.pieces.push((self.len(), bytes));
        }
    }

    /// The bytes of the range, at most `most` of them. The range lies within.
    pub fn read(&self, range: ByteRange, most: usize) -> Vec<u8> {
        let most = usize::try_from(range.length).map_or(most, |length| length.min(most));
        let mut bytes = Vec::with_capacity(most);
        let first = self.pieces.partition_point(|(start, piece)| start + piece.len() as u64 <= range.offset);
        for (start, piece) in &self.pieces[first..] {
            let skip = usize::try_from(range.offset.saturating_sub(*start)).unwrap_or(usize::MAX);
            let wanted = piece.get(skip..).unwrap_or_default();
            bytes.extend_from_slice(&wanted[..wanted.len().min(most - bytes.len())]);
            if bytes.len() == most {
                break;
            }
        }
        bytes
    }
}

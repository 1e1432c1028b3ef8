//! Gives the first half of an object piece by piece, and then nothing.

use super::*;

pub struct ShortPieces;

impl Behaviour for ShortPieces {
    fn open(&self, disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let half = size_of(disk, key)? / 2;
        let offset = range.map_or(0, |range| range.offset);
        let mut bytes = piece_of(disk, key, range)?;
        bytes.truncate(half.saturating_sub(offset) as usize);
        Ok(Source::Bytes(bytes))
    }
}

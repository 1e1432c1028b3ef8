//! Gives the first half of the bytes through a reader, and then says that this is the end.

use super::*;

pub struct ShortReader;

impl Behaviour for ShortReader {
    fn open(&self, disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let mut bytes = honest_bytes(disk, key, range)?;
        bytes.truncate(bytes.len() / 2);
        Ok(FromMemory::source(bytes))
    }
}

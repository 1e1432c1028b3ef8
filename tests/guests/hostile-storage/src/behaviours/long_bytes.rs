//! Gives the right bytes, and more of them than were asked for.

use super::*;

pub struct LongBytes;

impl Behaviour for LongBytes {
    fn open(&self, disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let mut bytes = honest_bytes(disk, key, range)?;
        bytes.extend_from_slice(b"and more");
        Ok(Source::Bytes(bytes))
    }
}

//! Gives bytes of the right length through a reader, of which the last one is wrong.

use super::*;

pub struct LiesBytesReader;

impl Behaviour for LiesBytesReader {
    fn open(&self, disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let mut bytes = honest_bytes(disk, key, range)?;
        if let Some(last) = bytes.last_mut() {
            *last = !*last;
        }
        Ok(FromMemory::source(bytes))
    }
}

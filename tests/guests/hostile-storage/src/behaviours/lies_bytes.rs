//! Gives other bytes of the right length.

use super::*;

pub struct LiesBytes;

impl Behaviour for LiesBytes {
    fn open(&self, disk: &mut Disk, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let bytes = honest_bytes(disk, key, range)?;
        Ok(Source::Bytes(bytes.iter().map(|byte| !byte).collect()))
    }
}

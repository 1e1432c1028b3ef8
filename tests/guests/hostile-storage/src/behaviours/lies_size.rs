//! Says that every object is one byte longer than it is.

use super::*;

pub struct LiesSize;

impl Behaviour for LiesSize {
    fn stat(&self, disk: &mut Disk, key: &str) -> Result<Option<ObjectInfo>> {
        Ok(disk.stat(key)?.map(longer))
    }

    fn list(&self, disk: &mut Disk, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        Ok(disk.list(prefix, after, limit)?.into_iter().map(longer).collect())
    }
}

fn longer(object: ObjectInfo) -> ObjectInfo {
    ObjectInfo { size: object.size + 1, ..object }
}

//! Lists the wrong way round, with the first object twice, and from the beginning whatever was asked for: a listing that never ends.

use super::*;

pub struct LiesOrder;

impl Behaviour for LiesOrder {
    fn list(&self, disk: &mut Disk, prefix: &str, _: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        let mut objects = disk.list(prefix, None, limit)?;
        objects.reverse();
        if let Some(first) = objects.first().cloned() {
            objects.insert(0, first);
        }
        Ok(objects)
    }
}

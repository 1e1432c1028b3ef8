//! Panics instead of storing an upload.

use super::*;

pub struct PanicInCommit;

impl Behaviour for PanicInCommit {
    fn commit(&self, _: &mut Disk, _: &[u8], key: &str) -> Result<Progress> {
        panic!("does not store `{key}`, as it was told to")
    }
}

//! Names a file outside its directory as where an upload's bytes go.

use super::*;

pub struct EscapeSink {
    pub path: String,
}

impl Behaviour for EscapeSink {
    fn next(&self, _: &mut Disk, _: &[u8], offset: u64, _: Option<u64>) -> Result<Sink> {
        Ok(Sink::File(FileSlice::from(&self.path, offset)))
    }
}

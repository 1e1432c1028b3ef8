//! Panics.

use bulkhead_plugin_sdk::Result;

pub struct Panic;

impl super::Behaviour for Panic {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        panic!("panics, as it was told to")
    }
}

//! Panics.

use bulkhead_plugin_sdk::prelude::*;

pub struct Panic;

impl super::Behaviour for Panic {
    fn review(&self, _: &Change) -> Result<Opinion> {
        panic!("panics, as it was told to")
    }
}

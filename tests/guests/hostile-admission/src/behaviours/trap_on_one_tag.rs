//! Traps where a change is about the tag `trap`, and admits everything else.

use bulkhead_plugin_sdk::prelude::*;

pub struct TrapOnOneTag;

impl super::Behaviour for TrapOnOneTag {
    fn review(&self, change: &Change) -> Result<Opinion> {
        if change.tags().contains(&"trap") {
            // Without a panic's text.
            std::process::abort();
        }
        Ok(Opinion::admit())
    }
}

//! Refuses, for a reason of 8 MiB: it fits into the memory of a plugin, and into no answer.

use bulkhead_plugin_sdk::prelude::*;

const HUGE: usize = 8 * 1024 * 1024;

pub struct HugeReply;

impl super::Behaviour for HugeReply {
    fn review(&self, _: &Change) -> Result<Opinion> {
        Ok(Opinion::refuse("x".repeat(HUGE)))
    }
}

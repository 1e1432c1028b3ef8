//! Admits, with sixteen warnings of 1 KiB each, full of what has to be escaped within a header: each might be handed on as it is, and all of
//! them together are four times what an answer may bear.

use bulkhead_plugin_sdk::prelude::*;

const MANY: usize = 16;
const LENGTH: usize = 1024;

pub struct ManyWarnings;

impl super::Behaviour for ManyWarnings {
    fn review(&self, _: &Change) -> Result<Opinion> {
        let warning = |number: usize| {
            let mut text = format!("warning {number} \"of many\" ");
            text.extend(std::iter::repeat_n(['"', '\\'], LENGTH).flatten().take(LENGTH - text.len()));
            text
        };
        Ok(Opinion::Admit((0..MANY).map(warning).collect()))
    }
}

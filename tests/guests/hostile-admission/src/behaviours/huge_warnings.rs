//! Admits, with one warning of 4 MiB and 20,000 shorter ones, far more than fit into the headers of an answer.

use bulkhead_plugin_sdk::prelude::*;

const HUGE: usize = 4 * 1024 * 1024;
const MANY: usize = 20_000;

pub struct HugeWarnings;

impl super::Behaviour for HugeWarnings {
    fn review(&self, _: &Change) -> Result<Opinion> {
        let mut warnings = vec!["x".repeat(HUGE)];
        warnings.extend((0..MANY).map(|number| format!("warning number {number}, of which there are many")));
        Ok(Opinion::Admit(warnings))
    }
}

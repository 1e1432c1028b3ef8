//! Gives more verdicts than it was asked for. It lets everybody in, so that only the verdicts are wrong.

use bulkhead_plugin_sdk::prelude::*;

pub struct WrongCount;

impl super::Behaviour for WrongCount {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }

    fn verdicts(&self, count: usize) -> Vec<Verdict> {
        vec![Verdict::allow(); count + 1]
    }
}

//! No attack: everybody is let in, and nobody is kept track of.

use bulkhead_plugin_sdk::prelude::*;

pub struct Untracked;

impl super::Behaviour for Untracked {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }

    fn standing(&self, _: &str, _: Option<&str>) -> Result<Standing> {
        Ok(Standing::Untracked)
    }
}

//! No attack: everybody is let in, everything is allowed.

use bulkhead_plugin_sdk::Result;

pub struct Honest;

impl super::Behaviour for Honest {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }
}

//! No attack: everybody is let in, and each call leaves a line in the log (`asked to authenticate ann`), so that a test can count them.

use bulkhead_plugin_sdk::{Result, log};

pub struct Telltale;

impl super::Behaviour for Telltale {
    fn asked(&self, function: &str, user: &str) {
        log::info!("asked to {function} {user}");
    }

    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }
}

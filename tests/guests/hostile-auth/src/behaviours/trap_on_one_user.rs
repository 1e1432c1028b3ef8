//! Traps for `mallory`, and lets everybody else in.

use bulkhead_plugin_sdk::Result;

pub struct TrapOnOneUser;

impl super::Behaviour for TrapOnOneUser {
    fn attack(&self, user: Option<&str>) -> Result<bool> {
        if user == Some("mallory") {
            // Without a panic's text.
            std::process::abort();
        }
        Ok(true)
    }
}

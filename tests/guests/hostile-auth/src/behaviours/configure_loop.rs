//! Never comes back from being made.

use bulkhead_plugin_sdk::Result;

use super::Behaviour;
use super::endless_loop::Loop;

pub struct ConfigureLoop;

impl Behaviour for ConfigureLoop {
    fn configure(&self) {
        let _ = Loop.attack(None);
    }

    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }
}

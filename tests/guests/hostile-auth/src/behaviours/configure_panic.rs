//! Panics while it is made.

use bulkhead_plugin_sdk::Result;

pub struct ConfigurePanic;

impl super::Behaviour for ConfigurePanic {
    fn configure(&self) {
        panic!("panics while it is made, as it was told to")
    }

    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }
}

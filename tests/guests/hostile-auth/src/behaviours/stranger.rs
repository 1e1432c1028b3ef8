//! Says at `lookup` that whoever was let in is `admin` now.

use bulkhead_plugin_sdk::prelude::*;

pub struct Stranger;

impl super::Behaviour for Stranger {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }

    fn standing(&self, _: &str, _: Option<&str>) -> Result<Standing> {
        Ok(Standing::Known(Identity::new("admin")))
    }
}

//! No attack: everything is admitted.

use bulkhead_plugin_sdk::prelude::*;

pub struct Honest;

impl super::Behaviour for Honest {
    fn review(&self, _: &Change) -> Result<Opinion> {
        Ok(Opinion::admit())
    }
}

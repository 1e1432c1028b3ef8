//! Answers with an error whose text no client may see.

use bulkhead_plugin_sdk::prelude::*;

pub struct Fails;

impl super::Behaviour for Fails {
    fn review(&self, _: &Change) -> Result<Opinion> {
        Err(Error::internal("not for clients: the password of the database is swordfish"))
    }
}

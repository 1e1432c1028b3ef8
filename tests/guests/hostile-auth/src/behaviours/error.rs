//! Answers with an error whose text no client may see.

use bulkhead_plugin_sdk::{Error, Result};

pub struct Fails;

impl super::Behaviour for Fails {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Err(Error::internal("not for clients: the password of the database is swordfish"))
    }
}

//! Talks in every way that a plugin has, and lets nobody in. One line tries to pass for two.

use bulkhead_plugin_sdk::{Result, log};

pub struct Chatter;

impl super::Behaviour for Chatter {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        println!("chatter on standard output");
        eprintln!("chatter on standard error");
        log::warn("chatter through the import\nERROR chatter forged a line");
        print!("chatter without an end of line");
        Ok(false)
    }
}

//! Writes 20,000 lines, every hundredth of them of 64 KiB, then lets the caller in: the host is to have dropped most of them, cut the others
//! off, and lived.

use bulkhead_plugin_sdk::{Result, log};

pub struct LogFlood;

impl super::Behaviour for LogFlood {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        let long = "flood ".repeat(64 * 1024 / 6);
        for number in 0..20_000 {
            log::error(if number % 100 == 0 { &long } else { "flood" });
        }
        Ok(true)
    }
}

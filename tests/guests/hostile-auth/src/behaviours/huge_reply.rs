//! Lets the caller in with 64 MiB of claims, and allows everything with a verdict of 64 MiB beside.

use bulkhead_plugin_sdk::prelude::*;

const HUGE: usize = 64 * 1024 * 1024;

pub struct HugeReply;

impl super::Behaviour for HugeReply {
    fn attack(&self, _: Option<&str>) -> Result<bool> {
        Ok(true)
    }

    fn identity(&self, user: &str) -> Identity {
        Identity::new(user).with_claim("huge", "x".repeat(HUGE))
    }

    fn verdicts(&self, count: usize) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::allow(); count];
        verdicts.push(Verdict::deny("x".repeat(HUGE)));
        verdicts
    }
}

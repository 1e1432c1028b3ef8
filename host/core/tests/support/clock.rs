//! Time that only tests move.

#![allow(dead_code, reason = "each test program uses its own part of it")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::ports::clock::{Clock, Timestamp};
use tokio::sync::watch;

/// Moves only when told to.
pub struct ManualClock {
    now: watch::Sender<u64>,
}

impl ManualClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { now: watch::Sender::new(1_700_000_000_000) })
    }
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now += by.as_millis() as u64);
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(*self.now.borrow())
    }
    async fn sleep(&self, wait: Duration) {
        let end = self.now().after(wait).0;
        let mut watched = self.now.subscribe();
        watched.wait_for(|now| *now >= end).await.expect("the clock outlives whoever sleeps by it");
    }
}

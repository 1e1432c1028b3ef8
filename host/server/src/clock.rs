//! The machine's clock, behind the core's port.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bulkhead_core::ports::clock::{Clock, Timestamp};

/// Time of day and waiting, as the system has them.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A clock before 1970 is read as 1970: tokens are then not valid yet, which fails closed.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

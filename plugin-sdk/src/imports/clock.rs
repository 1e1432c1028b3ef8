//! The time. Always granted.

use std::time::Duration;

use super::host;
use crate::Timestamp;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> Timestamp {
    host::clock::now()
}

/// Waits. It counts as time that the call takes, which is bounded. For the fake host of a test it is over at once, and puts its clock on.
pub fn sleep(time: Duration) {
    #[cfg(target_arch = "wasm32")]
    std::thread::sleep(time);
    #[cfg(not(target_arch = "wasm32"))]
    host::clock::sleep(time);
}

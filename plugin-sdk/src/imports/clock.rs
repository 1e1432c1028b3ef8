//! The time. Always granted.

use super::host;
use crate::Timestamp;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now() -> Timestamp {
    host::clock::now()
}

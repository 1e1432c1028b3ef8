//! Refusals on their way into the audit log: so many of a caller within a minute, and the rest counted, so that nobody can push out of the log
//! what they do not want to be found there.
//!
//! A change that was made is always written, and so is that too many logins failed, which is told of seldom anyway. Where nobody knows who
//! was refused, it is the source that counts.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::attempt::{key, network};
use super::buckets::{Bounded, Key};
use crate::ports::audit::{Audit, AuditEntry, AuditOutcome};
use crate::ports::clock::{Clock, Timestamp};

/// The most refusals of one caller that are written within [`WINDOW`].
const MOST_OF_CALLER: u64 = 30;
/// The same of a source, where nobody knows who was refused: more than may fail to log in, as long as that is as usual, since each of those may
/// have claimed another name.
const MOST_OF_SOURCE: u64 = 100;
const WINDOW: Duration = Duration::from_secs(60);

/// An audit log that takes some refusals of each caller, and counts the others.
pub struct Refusals {
    log: Arc<dyn Audit>,
    clock: Arc<dyn Clock>,
    /// Under a lock for a few map operations. Who has not been refused for the longest time is forgotten first.
    callers: Mutex<Bounded<Count>>,
}

/// The refusals of one caller.
#[derive(Clone, Copy)]
struct Count {
    since: Timestamp,
    refused: u64,
}

/// What becomes of a refusal.
enum Fate {
    /// It is written, and says how many before it were not.
    Written {
        omitted: u64,
    },
    /// It is the first that is not, which is written in its place.
    LastOne,
    Counted,
}

impl Refusals {
    /// For this log.
    pub fn new(log: Arc<dyn Audit>, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock, callers: Mutex::default() }
    }

    fn fate(&self, caller: Key, most: u64) -> Fate {
        let now = self.clock.now();
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = callers.get(caller);
        let is_over = |count: Count| count.since.after(WINDOW) <= now || now < count.since;
        let (count, before) = match known {
            Some(count) if !is_over(count) => (Count { refused: count.refused.saturating_add(1), ..count }, 0),
            other => (Count { since: now, refused: 1 }, other.map_or(0, |count| count.refused)),
        };
        // One who was counted beyond what was written is not forgotten before that was told.
        callers.tidy(|count| is_over(count) && count.refused <= most);
        callers.put(caller, count);
        match count.refused {
            refused if refused <= most => Fate::Written { omitted: before.saturating_sub(most) },
            refused if refused == most + 1 => Fate::LastOne,
            _ => Fate::Counted,
        }
    }
}

#[async_trait]
impl Audit for Refusals {
    async fn record(&self, entry: AuditEntry) {
        match entry.outcome {
            AuditOutcome::Done | AuditOutcome::Throttled => return self.log.record(entry).await,
            AuditOutcome::Refused | AuditOutcome::Failed => {}
        }
        let most = if entry.who.is_some() { MOST_OF_CALLER } else { MOST_OF_SOURCE };
        match self.fate(caller(&entry), most) {
            Fate::Written { omitted } => self.log.record(AuditEntry { omitted, ..entry }).await,
            Fate::LastOne => {
                let reason = format!("{most} refusals of a caller are written within a minute, and further ones only counted");
                let bare = AuditEntry { targets: Vec::new(), steps: Vec::new(), repository: None, ..entry };
                self.log.record(AuditEntry { outcome: AuditOutcome::Throttled, reason, ..bare }).await;
            }
            Fate::Counted => {}
        }
    }
}

/// Who was refused; where nobody knows, what one customer usually has of addresses.
fn caller(entry: &AuditEntry) -> Key {
    let registry = entry.registry.as_ref().map_or("", |name| name.as_str()).as_bytes();
    if let Some(who) = &entry.who {
        return key(&[registry, who.plugin.as_bytes(), who.subject.as_bytes()]);
    }
    let address = entry.address.as_deref().unwrap_or_default();
    let source = address.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| address.parse::<IpAddr>());
    match source {
        Ok(source) => key(&[registry, &network(source)]),
        Err(_) => key(&[registry, address.as_bytes()]),
    }
}

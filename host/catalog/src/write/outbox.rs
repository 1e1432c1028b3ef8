//! The outbox: events that webhooks are to hear.

use bulkhead_core::ports::catalog::{CatalogError, NewDelivery, Settlement};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::RegistryId;

use super::{Answer, Outcome, Work, script};
use crate::convert::{cut, time};

/// Deliveries that were given up are kept to be looked at: the last so many of each registry.
pub(crate) const GIVEN_UP_KEPT: i64 = 1000;
/// Of a reason, in bytes.
const LONGEST_REASON: usize = 1024;

/// New rows of the outbox, ready to be inserted: JSON triples of webhook, event (itself JSON) and due time. None: no rows.
pub(crate) struct Deliveries(Option<String>);

const INSERT: &str = "INSERT INTO deliveries (registry_id, webhook, event, attempts, due, state)
     SELECT $1, value ->> 0, value ->> 1, 0, value ->> 2, 'pending' FROM json_each($2) ORDER BY key";

impl Deliveries {
    /// They are due at `now`; where a change comes without a time, at that of their event.
    pub(crate) fn new(deliveries: &[NewDelivery], now: Option<Timestamp>) -> Result<Self, CatalogError> {
        if deliveries.is_empty() {
            return Ok(Self(None));
        }
        let unwritable = |error| CatalogError(format!("writing an event: {error}"));
        let mut rows = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let event = serde_json::to_string(&delivery.event).map_err(unwritable)?;
            rows.push((&delivery.webhook, event, time(now.unwrap_or(Timestamp(delivery.event.at)))));
        }
        Ok(Self(Some(serde_json::to_string(&rows).map_err(unwritable)?)))
    }

    /// Inserts them within the savepoint of the change that they belong to.
    pub(super) async fn insert(self, work: &mut Work<'_>, registry: RegistryId) -> Result<(), CatalogError> {
        let Some(rows) = self.0 else { return Ok(()) };
        work.rows("writing to the outbox", sqlx::query(INSERT).bind(registry.0).bind(rows)).await?;
        Ok(())
    }
}

pub(crate) struct Enqueue {
    pub(crate) registry: RegistryId,
    pub(crate) deliveries: Deliveries,
}

impl Enqueue {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        work.rows("opening a savepoint", sqlx::query("RELEASE w; SAVEPOINT w")).await?;
        self.deliveries.insert(work, self.registry).await?;
        Ok(Outcome::Keep(Answer::Done))
    }
}

pub(crate) struct Settle {
    pub(crate) delivery: i64,
    pub(crate) settlement: Settlement,
}

const DELIVERED: &str = script!("DELETE FROM deliveries WHERE id = $1");
const RETRY: &str =
    script!("UPDATE deliveries SET attempts = attempts + 1, due = $2, last_reason = $3 WHERE id = $1 AND state = 'pending'");
/// The rows are those that were dropped to keep the rest bounded.
const GIVE_UP: &str = script!(
    "UPDATE deliveries SET attempts = attempts + 1, state = 'given-up', last_reason = $2 WHERE id = $1",
    "DELETE FROM deliveries WHERE id IN (
         SELECT id FROM deliveries
         WHERE state = 'given-up' AND registry_id = (SELECT registry_id FROM deliveries WHERE id = $1)
         ORDER BY id DESC LIMIT -1 OFFSET $3
     ) RETURNING 1"
);

impl Settle {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = match self.settlement {
            Settlement::Delivered => sqlx::query(DELIVERED).bind(self.delivery),
            Settlement::Retry { at, reason } => {
                sqlx::query(RETRY).bind(self.delivery).bind(time(at)).bind(cut(&reason, LONGEST_REASON))
            }
            Settlement::GivenUp { reason } => {
                sqlx::query(GIVE_UP).bind(self.delivery).bind(cut(&reason, LONGEST_REASON)).bind(GIVEN_UP_KEPT)
            }
        };
        let dropped = work.rows("settling a delivery", script).await?;
        if !dropped.is_empty() {
            tracing::warn!(
                dropped = dropped.len(),
                kept = GIVEN_UP_KEPT,
                "the oldest of the deliveries that were given up are dropped"
            );
        }
        Ok(Outcome::Keep(Answer::Done))
    }
}

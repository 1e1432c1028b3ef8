//! What waits in the outbox.

use bulkhead_core::ports::catalog::{CatalogError, Delivery};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::event::Event;
use bulkhead_core::ports::ids::RegistryId;
use sqlx::query_as;

use crate::convert::{from_row, time};
use crate::readers::Readers;

/// A delivery, or the row of one whose event this version cannot read.
pub(crate) enum Due {
    Readable(Box<Delivery>),
    Unreadable { id: i64, reason: String },
}

type DueRow = (i64, i64, String, String, i64);

pub(crate) const DUE: &str = "SELECT id, registry_id, webhook, event, attempts FROM deliveries
     WHERE state = 'pending' AND due <= $1 ORDER BY due, id LIMIT $2";
pub(crate) const NEXT_DUE: &str = "SELECT due FROM deliveries WHERE state = 'pending' ORDER BY due LIMIT 1";

fn due((id, registry, webhook, event, attempts): DueRow) -> Due {
    let event: Result<Event, _> = serde_json::from_str(&event);
    match event {
        Ok(event) => Due::Readable(Box::new(Delivery {
            id,
            registry: RegistryId(registry),
            webhook,
            event,
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        })),
        Err(error) => Due::Unreadable { id, reason: format!("the event cannot be read: {error}") },
    }
}

impl Readers {
    pub(crate) async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Due>, CatalogError> {
        let rows = self.all("reading the outbox", query_as(DUE).bind(time(now)).bind(i64::from(limit))).await?;
        Ok(rows.into_iter().map(due).collect())
    }

    pub(crate) async fn next_due(&self) -> Result<Option<Timestamp>, CatalogError> {
        let row: Option<(i64,)> = self.optional("reading the outbox", query_as(NEXT_DUE)).await?;
        row.map(|(due,)| from_row(due, "a time").map(Timestamp)).transpose()
    }
}

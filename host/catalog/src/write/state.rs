//! Registries, and the state that plugins keep.

use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::ports::ids::{RegistryId, RegistryName};
use sqlx::Row;

use super::{Answer, Outcome, Work, script};
use crate::convert::failed;

pub(crate) struct MakeRegistry {
    pub(crate) name: RegistryName,
    pub(crate) now: i64,
}

/// The name is the prefix of the registry's object keys.
const MAKE: &str = script!(
    "INSERT INTO registries (name, prefix, created) VALUES ($1, $1, $2) ON CONFLICT DO NOTHING",
    "SELECT id FROM registries WHERE name = $1"
);

impl MakeRegistry {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let rows = work.rows("making a registry", sqlx::query(MAKE).bind(self.name.as_str()).bind(self.now)).await?;
        let row = rows.first().ok_or_else(|| CatalogError(format!("making the registry {}: it has no row", self.name)))?;
        let id = row.try_get(0).map_err(failed("reading a registry"))?;
        Ok(Outcome::Keep(Answer::Registry(RegistryId(id))))
    }
}

pub(crate) struct SetState {
    pub(crate) plugin: String,
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) expires: Option<i64>,
    /// The latest time that the catalog was told.
    pub(crate) now: i64,
}

/// Each value that is set takes up to 16 away whose time is over, so that what is never asked for again does not pile up.
const SET: &str = script!(
    "DELETE FROM plugin_state WHERE (plugin, key) IN (
         SELECT plugin, key FROM plugin_state WHERE expires <= $5 ORDER BY expires LIMIT 16
     )",
    "INSERT INTO plugin_state (plugin, key, value, expires) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO UPDATE SET value = excluded.value, expires = excluded.expires"
);

impl SetState {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(SET).bind(self.plugin).bind(self.key).bind(self.value).bind(self.expires).bind(self.now);
        work.rows("setting a plugin's state", script).await?;
        Ok(Outcome::Keep(Answer::Done))
    }
}

pub(crate) struct DeleteState {
    pub(crate) plugin: String,
    pub(crate) key: String,
}

const DELETE: &str = script!("DELETE FROM plugin_state WHERE plugin = $1 AND key = $2");

impl DeleteState {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        work.rows("deleting a plugin's state", sqlx::query(DELETE).bind(self.plugin).bind(self.key)).await?;
        Ok(Outcome::Keep(Answer::Done))
    }
}

//! The queries of readers. One statement each, so each sees one state of the catalog.

mod accounts;
mod attributes;
mod blobs;
mod lists;
mod manifests;
mod outbox;
mod uploads;

use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::{RegistryId, RegistryName};
use sqlx::query_as;

use crate::convert::time;
use crate::readers::Readers;

#[cfg(test)]
pub(crate) use accounts::{ACCOUNT, ACCOUNTS, SCOPE_MAP, SCOPE_MAPS};
#[cfg(test)]
pub(crate) use attributes::{GUARDED, MANIFEST};
pub(crate) use blobs::Need;
#[cfg(test)]
pub(crate) use blobs::{HOLDERS, NEEDING};
#[cfg(test)]
pub(crate) use lists::{EXTENT, REPOSITORIES, TAGGED, TAGS, TAGS_OF};
#[cfg(test)]
pub(crate) use manifests::{ANNOTATIONS_AT_ONCE, REFERRERS, REFERRERS_OF_TYPE};
pub(crate) use outbox::Due;
#[cfg(test)]
pub(crate) use outbox::{DUE, NEXT_DUE};
#[cfg(test)]
pub(crate) use uploads::STALE;

impl Readers {
    pub(crate) async fn registry(&self, name: &RegistryName) -> Result<Option<RegistryId>, CatalogError> {
        let query = query_as("SELECT id FROM registries WHERE name = $1").bind(name.as_str());
        let row: Option<(i64,)> = self.optional("finding a registry", query).await?;
        Ok(row.map(|(id,)| RegistryId(id)))
    }

    pub(crate) async fn state(&self, plugin: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, CatalogError> {
        let query =
            query_as("SELECT value FROM plugin_state WHERE plugin = $1 AND key = $2 AND (expires IS NULL OR expires > $3)");
        let row: Option<(Vec<u8>,)> =
            self.optional("reading a plugin's state", query.bind(plugin).bind(key).bind(time(now))).await?;
        Ok(row.map(|(value,)| value))
    }
}

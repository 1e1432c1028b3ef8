//! Attributes that are changed. The writer knows no other order than that of its transactions, so a lock holds for every change that
//! comes after it.

use bulkhead_core::ports::catalog::{Attributed, AttributesChange, CatalogError};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::RepositoryName;
use sqlx::Row;

use super::{Answer, Outcome, Work, script};
use crate::cache::Key;
use crate::convert::{attributes, failed};
use crate::sql::{attributes, repository};

pub(crate) struct ChangeAttributes {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    pub(crate) of: Attributed,
    pub(crate) change: AttributesChange,
    pub(crate) now: i64,
}

macro_rules! change {
    ($table:literal, $condition:expr) => {
        script!(concat!(
            "UPDATE ",
            $table,
            " SET delete_enabled = ifnull($4, delete_enabled), write_enabled = ifnull($5, write_enabled),
                 read_enabled = ifnull($6, read_enabled), list_enabled = ifnull($7, list_enabled),
                 updated = max(ifnull(updated, created), $8)
             WHERE ",
            $condition,
            " RETURNING ",
            attributes!($table)
        ))
    };
}

/// `$3` is what is changed; the repository's own name is `$2` already.
const OF_REPOSITORY: &str = change!("repositories", "registry_id = $1 AND name = $2 AND $3 IS NULL");
const OF_MANIFEST: &str = change!("manifests", concat!("repository_id = ", repository!(), " AND digest = $3"));
const OF_TAG: &str = change!("tags", concat!("repository_id = ", repository!(), " AND name = $3"));

impl ChangeAttributes {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let (script, which) = match &self.of {
            Attributed::Repository => (OF_REPOSITORY, None),
            Attributed::Manifest(digest) => (OF_MANIFEST, Some(digest.as_str())),
            Attributed::Tag(tag) => (OF_TAG, Some(tag.as_str())),
        };
        let script = sqlx::query(script)
            .bind(self.registry.0)
            .bind(self.repository.as_str())
            .bind(which)
            .bind(self.change.delete_enabled)
            .bind(self.change.write_enabled)
            .bind(self.change.read_enabled)
            .bind(self.change.list_enabled)
            .bind(self.now);
        let rows = work.rows("changing attributes", script).await?;
        let Some(row) = rows.first() else { return Ok(Outcome::Undo(Answer::Attributes(None))) };
        let changed = attributes(row.try_get(0).map_err(failed("reading changed attributes"))?)?;
        work.changed.push(match self.of {
            Attributed::Repository => Key::Repository(self.registry, self.repository),
            Attributed::Manifest(digest) => Key::Manifest(self.registry, self.repository, digest),
            Attributed::Tag(tag) => Key::Tag(self.registry, self.repository, tag),
        });
        Ok(Outcome::Keep(Answer::Attributes(Some(changed))))
    }
}

//! Uploads under way.

use bulkhead_core::ports::catalog::{Advance, CatalogError, Removal};
use bulkhead_core::ports::ids::{RegistryId, UploadId};
use bulkhead_oci::RepositoryName;

use super::{Answer, Outcome, Work, script};

/// `UploadProgress`, ready to be bound.
pub(crate) struct Progress {
    pub(crate) offset: i64,
    pub(crate) algorithm: &'static str,
    pub(crate) hash: Vec<u8>,
    pub(crate) driver: Vec<u8>,
}

pub(crate) struct CreateUpload {
    pub(crate) registry: RegistryId,
    pub(crate) id: UploadId,
    pub(crate) repository: RepositoryName,
    pub(crate) actor: Option<String>,
    pub(crate) progress: Progress,
    pub(crate) now: i64,
}

const CREATE: &str = script!(
    "INSERT INTO uploads (registry_id, id, repository, actor, offset, algorithm, hash, driver, created, touched)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)"
);

impl CreateUpload {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(CREATE)
            .bind(self.registry.0)
            .bind(self.id.as_str())
            .bind(self.repository.as_str())
            .bind(self.actor)
            .bind(self.progress.offset)
            .bind(self.progress.algorithm)
            .bind(self.progress.hash)
            .bind(self.progress.driver)
            .bind(self.now);
        work.rows("beginning an upload", script).await?;
        Ok(Outcome::Keep(Answer::Done))
    }
}

pub(crate) struct AdvanceUpload {
    pub(crate) registry: RegistryId,
    pub(crate) id: UploadId,
    pub(crate) from: i64,
    pub(crate) progress: Progress,
    pub(crate) now: i64,
}

const ADVANCE: &str = script!(
    "UPDATE uploads SET offset = $4, algorithm = $5, hash = $6, driver = $7, touched = $8
     WHERE registry_id = $1 AND id = $2 AND offset = $3 RETURNING 1"
);

impl AdvanceUpload {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(ADVANCE)
            .bind(self.registry.0)
            .bind(self.id.as_str())
            .bind(self.from)
            .bind(self.progress.offset)
            .bind(self.progress.algorithm)
            .bind(self.progress.hash)
            .bind(self.progress.driver)
            .bind(self.now);
        let rows = work.rows("advancing an upload", script).await?;
        let advance = if rows.is_empty() { Advance::Stale } else { Advance::Done };
        Ok(Outcome::Keep(Answer::Advance(advance)))
    }
}

pub(crate) struct RemoveUpload {
    pub(crate) registry: RegistryId,
    pub(crate) id: UploadId,
}

const REMOVE: &str = script!("DELETE FROM uploads WHERE registry_id = $1 AND id = $2 RETURNING 1");

impl RemoveUpload {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(REMOVE).bind(self.registry.0).bind(self.id.as_str());
        let rows = work.rows("removing an upload", script).await?;
        let removal = if rows.is_empty() { Removal::Absent } else { Removal::Removed };
        Ok(Outcome::Keep(Answer::Removal(removal)))
    }
}

//! Blobs of repositories. What is added changes nothing that a reader may remember: absence is never cached, and a digest that the
//! registry knows keeps its row. What comes into a repository that may not be written is undone.

use bulkhead_core::ports::catalog::{Added, Attribute, BlobRecord, CatalogError, Lock, LockedBy, Mounted};
use bulkhead_core::ports::ids::{RegistryId, UploadId};
use bulkhead_oci::{Digest, RepositoryName};
use sqlx::Row;

use super::{Answer, Deliveries, Outcome, Work, script};
use crate::convert::{failed, from_row, parse};

pub(crate) struct AddBlob {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) size: i64,
    pub(crate) key: String,
    pub(crate) upload: Option<UploadId>,
    pub(crate) now: i64,
}

const UNWRITABLE: Lock = Lock { on: LockedBy::Repository, attribute: Attribute::Write };

/// The row, if there is one, says that the repository may not be written.
const ADD: &str = script!(
    "SELECT 1 FROM repositories WHERE registry_id = $1 AND name = $2 AND write_enabled = 0",
    "INSERT INTO repositories (registry_id, name, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    "INSERT INTO blobs (registry_id, digest, size, object_key, created) VALUES ($1, $4, $5, $6, $3) ON CONFLICT DO NOTHING",
    "INSERT INTO repository_blobs (repository_id, digest, created)
     SELECT id, $4, $3 FROM repositories WHERE registry_id = $1 AND name = $2 ON CONFLICT DO NOTHING",
    "DELETE FROM uploads WHERE registry_id = $1 AND id = $7"
);

impl AddBlob {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(ADD)
            .bind(self.registry.0)
            .bind(self.repository.as_str())
            .bind(self.now)
            .bind(self.digest.as_str())
            .bind(self.size)
            .bind(self.key)
            .bind(self.upload.as_ref().map(UploadId::as_str));
        if work.rows("adding a blob", script).await?.is_empty() {
            Ok(Outcome::Keep(Answer::Added(Added::Done)))
        } else {
            Ok(Outcome::Undo(Answer::Added(Added::Locked(UNWRITABLE))))
        }
    }
}

pub(crate) struct MountBlob {
    pub(crate) registry: RegistryId,
    pub(crate) from: RepositoryName,
    pub(crate) to: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) now: i64,
    pub(crate) deliveries: Deliveries,
}

/// A row without a size says that the repository may not be written.
const MOUNT: &str = script!(
    "SELECT NULL, NULL FROM repositories WHERE registry_id = $1 AND name = $3 AND write_enabled = 0",
    "INSERT INTO repositories (registry_id, name, created)
     SELECT $1, $3, $5 WHERE EXISTS (
         SELECT 1 FROM repositories JOIN repository_blobs ON repository_id = id
         WHERE registry_id = $1 AND name = $2 AND read_enabled = 1 AND digest = $4
     ) ON CONFLICT DO NOTHING",
    "INSERT INTO repository_blobs (repository_id, digest, created)
     SELECT target.id, $4, $5 FROM repositories AS target
     WHERE target.registry_id = $1 AND target.name = $3 AND EXISTS (
         SELECT 1 FROM repositories JOIN repository_blobs ON repository_id = id
         WHERE registry_id = $1 AND name = $2 AND read_enabled = 1 AND digest = $4
     ) ON CONFLICT DO NOTHING",
    "SELECT size, object_key FROM blobs
     WHERE registry_id = $1 AND digest = $4 AND EXISTS (
         SELECT 1 FROM repositories JOIN repository_blobs ON repository_id = id
         WHERE registry_id = $1 AND name = $2 AND read_enabled = 1 AND repository_blobs.digest = $4
     )"
);

impl MountBlob {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(MOUNT)
            .bind(self.registry.0)
            .bind(self.from.as_str())
            .bind(self.to.as_str())
            .bind(self.digest.as_str())
            .bind(self.now);
        let rows = work.rows("mounting a blob", script).await?;
        let Some(row) = rows.first() else { return Ok(Outcome::Undo(Answer::Mounted(Mounted::Absent))) };
        let decode = failed("reading a mounted blob");
        let size: Option<i64> = row.try_get(0).map_err(&decode)?;
        let Some(size) = size else { return Ok(Outcome::Undo(Answer::Mounted(Mounted::Locked(UNWRITABLE)))) };
        let size = from_row(size, "a blob's size")?;
        let key: &str = row.try_get(1).map_err(&decode)?;
        let record = BlobRecord { digest: self.digest.clone(), size, key: parse(key, "an object key")? };
        self.deliveries.insert(work, self.registry).await?;
        Ok(Outcome::Keep(Answer::Mounted(Mounted::Done(record))))
    }
}

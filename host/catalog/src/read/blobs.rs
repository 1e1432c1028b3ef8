//! Blobs of repositories.

use bulkhead_core::ports::catalog::{BlobRecord, CatalogError};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Digest, RepositoryName};
use sqlx::query_as;

use crate::convert::{from_row, parse};
use crate::readers::Readers;
use crate::sql::repository;

/// The limit is one of rows before it is known whose they are. The join is crossed so that SQLite does not walk over all repositories.
pub(crate) const HOLDERS: &str = "SELECT id, name FROM (
         SELECT repository_id FROM repository_blobs WHERE digest = $2 ORDER BY repository_id LIMIT $3
     ) AS held CROSS JOIN repositories ON id = held.repository_id WHERE registry_id = $1 AND read_enabled = 1";

/// The last number of a manifest, and a manifest of the repository that needs the blob `$3`. It walks over the repository's manifests: the
/// joins are crossed so that it does not where the blob is not there.
pub(crate) const NEEDING: &str = concat!(
    "SELECT (SELECT ifnull(max(id), 0) FROM manifests), (
         SELECT manifests.digest FROM repository_blobs AS held
         CROSS JOIN manifests ON manifests.repository_id = held.repository_id
         CROSS JOIN manifest_references AS needs
             ON needs.manifest = manifests.id AND needs.kind = 'blob' AND needs.digest = held.digest
         WHERE held.digest = $3 AND held.repository_id = ",
    repository!(),
    " LIMIT 1)"
);

/// Whether a blob is needed by what was committed when it was asked.
pub(crate) enum Need {
    /// By this manifest, and maybe others.
    By(Digest),
    /// By none up to this number.
    NoneUpTo(i64),
}

impl Readers {
    pub(crate) async fn blob(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<BlobRecord>, CatalogError> {
        let query = query_as(
            "SELECT size, object_key FROM repositories
             JOIN repository_blobs ON repository_blobs.repository_id = repositories.id AND repository_blobs.digest = $3
             JOIN blobs ON blobs.registry_id = $1 AND blobs.digest = $3
             WHERE repositories.registry_id = $1 AND name = $2",
        );
        let query = query.bind(registry.0).bind(repository.as_str()).bind(digest.as_str());
        let Some((size, key)) = self.optional::<(i64, String)>("finding a blob", query).await? else { return Ok(None) };
        let record =
            BlobRecord { digest: digest.clone(), size: from_row(size, "a blob's size")?, key: parse(&key, "an object key")? };
        Ok(Some(record))
    }

    pub(crate) async fn holders(
        &self,
        registry: RegistryId,
        digest: &Digest,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, CatalogError> {
        let query = query_as(HOLDERS).bind(registry.0).bind(digest.as_str()).bind(i64::from(limit));
        let mut rows: Vec<(i64, String)> = self.all("finding a blob's repositories", query).await?;
        // They are in order already, but no SQL says so: the order of a subquery is nobody's promise.
        rows.sort_unstable_by_key(|(id, _)| *id);
        rows.into_iter().map(|(_, name)| parse(&name, "a repository's name")).collect()
    }

    pub(crate) async fn need(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Need, CatalogError> {
        const DOING: &str = "finding who needs a blob";
        let query = query_as(NEEDING).bind(registry.0).bind(repository.as_str()).bind(digest.as_str());
        match self.optional::<(i64, Option<String>)>(DOING, query).await? {
            Some((_, Some(manifest))) => Ok(Need::By(parse(&manifest, "a digest")?)),
            Some((last, None)) => Ok(Need::NoneUpTo(last)),
            None => Err(CatalogError(format!("{DOING}: no row: an aggregate always has one"))),
        }
    }
}

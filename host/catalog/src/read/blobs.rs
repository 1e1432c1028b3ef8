//! Blobs of repositories.

use bulkhead_core::ports::catalog::{BlobRecord, CatalogError};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Digest, RepositoryName};
use sqlx::query_as;

use crate::convert::{from_row, parse};
use crate::readers::Readers;

/// From the blob to its repositories: the join is crossed so that SQLite does not walk over all repositories instead.
pub(crate) const HOLDERS: &str = "SELECT name FROM repository_blobs CROSS JOIN repositories ON id = repository_id
     WHERE digest = $2 AND registry_id = $1 AND name > $3 ORDER BY name LIMIT $4";

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
        after: &str,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, CatalogError> {
        let query = query_as(HOLDERS).bind(registry.0).bind(digest.as_str()).bind(after).bind(i64::from(limit));
        let rows: Vec<(String,)> = self.all("finding a blob's repositories", query).await?;
        rows.into_iter().map(|(name,)| parse(&name, "a repository's name")).collect()
    }
}

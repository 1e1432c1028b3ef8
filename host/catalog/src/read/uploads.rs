//! Uploads under way.

use bulkhead_core::ports::catalog::{CatalogError, UploadRecord};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::{RegistryId, UploadId};
use bulkhead_core::ports::store::UploadProgress;
use bulkhead_oci::RepositoryName;
use sqlx::query_as;

use crate::convert::{from_row, parse, time};
use crate::readers::Readers;

type UploadRow = (String, String, Option<String>, i64, String, Vec<u8>, Vec<u8>, i64);

macro_rules! uploads {
    ($condition:literal) => {
        concat!(
            "SELECT id, repository, actor, offset, algorithm, hash, driver, touched FROM uploads WHERE registry_id = $1 AND ",
            $condition
        )
    };
}

const ONE: &str = uploads!("id = $2 AND repository = $3");
pub(crate) const STALE: &str = uploads!("touched < $2 ORDER BY touched, id LIMIT $3");

fn upload_record(row: UploadRow) -> Result<UploadRecord, CatalogError> {
    let (id, repository, actor, offset, algorithm, hash, driver, touched) = row;
    let offset = from_row(offset, "an upload's offset")?;
    let algorithm = parse(&algorithm, "a digest's algorithm")?;
    Ok(UploadRecord {
        id: parse(&id, "an upload's name")?,
        repository: parse(&repository, "a repository's name")?,
        actor,
        progress: UploadProgress { offset, algorithm, hash, driver },
        touched: Timestamp(from_row(touched, "a time")?),
    })
}

impl Readers {
    pub(crate) async fn upload(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<Option<UploadRecord>, CatalogError> {
        let query = query_as(ONE).bind(registry.0).bind(id.as_str()).bind(repository.as_str());
        self.optional("finding an upload", query).await?.map(upload_record).transpose()
    }

    pub(crate) async fn stale_uploads(
        &self,
        registry: RegistryId,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<UploadRecord>, CatalogError> {
        let query = query_as(STALE).bind(registry.0).bind(time(before)).bind(i64::from(limit));
        self.all("finding old uploads", query).await?.into_iter().map(upload_record).collect()
    }
}

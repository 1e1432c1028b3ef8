//! The queries of readers. One statement each, so each sees one state of the catalog.

use bulkhead_core::ports::catalog::{BlobRecord, CatalogError, Delivery, ManifestRecord, UploadRecord};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::event::Event;
use bulkhead_core::ports::ids::{RegistryId, RegistryName, UploadId};
use bulkhead_core::ports::store::UploadProgress;
use bulkhead_oci::{Digest, Reference, RepositoryName, Tag};
use sqlx::query_as;

use crate::convert::{from_row, parse, time};
use crate::readers::Readers;

/// A delivery, or the row of one whose event this version cannot read.
pub(crate) enum Due {
    Readable(Box<Delivery>),
    Unreadable { id: i64, reason: String },
}

type ManifestRow = (String, String, Vec<u8>, Option<String>);
type DueRow = (i64, i64, String, String, i64);
type UploadRow = (String, Option<String>, i64, String, Vec<u8>, Vec<u8>, i64);

fn manifest_record((digest, media_type, body, artifact_type): ManifestRow) -> Result<ManifestRecord, CatalogError> {
    Ok(ManifestRecord {
        digest: parse(&digest, "a digest")?,
        media_type: parse(&media_type, "a media type")?,
        body: body.into(),
        artifact_type,
    })
}

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
    pub(crate) async fn registry(&self, name: &RegistryName) -> Result<Option<RegistryId>, CatalogError> {
        let query = query_as("SELECT id FROM registries WHERE name = $1").bind(name.as_str());
        let row: Option<(i64,)> = self.optional("finding a registry", query).await?;
        Ok(row.map(|(id,)| RegistryId(id)))
    }

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

    pub(crate) async fn upload(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<Option<UploadRecord>, CatalogError> {
        let query = query_as(
            "SELECT repository, actor, offset, algorithm, hash, driver, touched FROM uploads
             WHERE registry_id = $1 AND id = $2 AND repository = $3",
        );
        let query = query.bind(registry.0).bind(id.as_str()).bind(repository.as_str());
        let Some(row) = self.optional::<UploadRow>("finding an upload", query).await? else { return Ok(None) };
        let (repository, actor, offset, algorithm, hash, driver, touched) = row;
        let offset = from_row(offset, "an upload's offset")?;
        let algorithm = parse(&algorithm, "a digest's algorithm")?;
        Ok(Some(UploadRecord {
            id: id.clone(),
            repository: parse(&repository, "a repository's name")?,
            actor,
            progress: UploadProgress { offset, algorithm, hash, driver },
            touched: Timestamp(from_row(touched, "a time")?),
        }))
    }

    pub(crate) async fn manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<ManifestRecord>, CatalogError> {
        let (query, wanted) = match reference {
            Reference::Digest(digest) => (
                query_as(
                    "SELECT digest, media_type, body, artifact_type FROM manifests
                     WHERE repository_id = (SELECT id FROM repositories WHERE registry_id = $1 AND name = $2) AND digest = $3",
                ),
                digest.as_str(),
            ),
            Reference::Tag(tag) => (
                query_as(
                    "SELECT manifests.digest, media_type, body, artifact_type FROM tags
                     JOIN manifests ON manifests.repository_id = tags.repository_id AND manifests.digest = tags.digest
                     WHERE tags.repository_id = (SELECT id FROM repositories WHERE registry_id = $1 AND name = $2)
                     AND tags.name = $3",
                ),
                tag.as_str(),
            ),
        };
        let query = query.bind(registry.0).bind(repository.as_str()).bind(wanted);
        self.optional("finding a manifest", query).await?.map(manifest_record).transpose()
    }

    pub(crate) async fn tags(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        after: &str,
        limit: u32,
    ) -> Result<Option<Vec<Tag>>, CatalogError> {
        // A repository without such tags is one row without a name, so at least one row is asked for.
        let query = query_as(
            "SELECT tags.name FROM repositories
             LEFT JOIN tags ON tags.repository_id = repositories.id AND tags.name > $3
             WHERE repositories.registry_id = $1 AND repositories.name = $2 ORDER BY tags.name LIMIT $4",
        );
        let query = query.bind(registry.0).bind(repository.as_str()).bind(after).bind(i64::from(limit.max(1)));
        let rows: Vec<(Option<String>,)> = self.all("listing tags", query).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let names = rows.into_iter().filter_map(|(name,)| name).take(limit as usize);
        names.map(|name| parse(&name, "a tag")).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) async fn repositories(
        &self,
        registry: RegistryId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, CatalogError> {
        let query = query_as(
            "SELECT name FROM repositories
             WHERE registry_id = $1 AND name > $2 AND EXISTS (SELECT 1 FROM manifests WHERE repository_id = repositories.id)
             ORDER BY name LIMIT $3",
        );
        let rows: Vec<(String,)> =
            self.all("listing repositories", query.bind(registry.0).bind(after).bind(i64::from(limit))).await?;
        rows.into_iter().map(|(name,)| parse(&name, "a repository's name")).collect()
    }

    pub(crate) async fn referrers(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<ManifestRecord>, CatalogError> {
        let query = query_as(
            "SELECT digest, media_type, body, artifact_type FROM manifests
             WHERE repository_id = (SELECT id FROM repositories WHERE registry_id = $1 AND name = $2)
             AND subject = $3 AND digest > $4 AND ($5 IS NULL OR artifact_type = $5) ORDER BY digest LIMIT $6",
        );
        let query = query.bind(registry.0).bind(repository.as_str()).bind(subject.as_str()).bind(after);
        let rows = self.all("listing referrers", query.bind(artifact_type).bind(i64::from(limit))).await?;
        rows.into_iter().map(manifest_record).collect()
    }

    pub(crate) async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Due>, CatalogError> {
        let query = query_as(
            "SELECT id, registry_id, webhook, event, attempts FROM deliveries
             WHERE state = 'pending' AND due <= $1 ORDER BY due, id LIMIT $2",
        );
        let rows = self.all("reading the outbox", query.bind(time(now)).bind(i64::from(limit))).await?;
        Ok(rows.into_iter().map(due).collect())
    }

    pub(crate) async fn next_due(&self) -> Result<Option<Timestamp>, CatalogError> {
        let query = query_as("SELECT due FROM deliveries WHERE state = 'pending' ORDER BY due LIMIT 1");
        let row: Option<(i64,)> = self.optional("reading the outbox", query).await?;
        row.map(|(due,)| from_row(due, "a time").map(Timestamp)).transpose()
    }

    pub(crate) async fn state(&self, plugin: &str, key: &str, now: Timestamp) -> Result<Option<Vec<u8>>, CatalogError> {
        let query =
            query_as("SELECT value FROM plugin_state WHERE plugin = $1 AND key = $2 AND (expires IS NULL OR expires > $3)");
        let row: Option<(Vec<u8>,)> =
            self.optional("reading a plugin's state", query.bind(plugin).bind(key).bind(time(now))).await?;
        Ok(row.map(|(value,)| value))
    }
}

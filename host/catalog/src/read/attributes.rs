//! Attributes of repositories, manifests and tags, and what else is known of each.

use bulkhead_core::ports::catalog::{Attributed, AttributedFacts, Attributes, AttributesRecord, CatalogError};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Digest, RepositoryName, Tag};
use sqlx::query_as;

use crate::convert::{attributes, from_row, parse};
use crate::readers::Readers;
use crate::sql::{attributes, guarded, repository};

const OF_REPOSITORY: &str =
    concat!("SELECT ", attributes!("repositories"), " FROM repositories WHERE registry_id = $1 AND name = $2");
const REPOSITORY: &str = concat!(
    "SELECT created, updated, ",
    attributes!("repositories"),
    ", (SELECT count(*) FROM manifests WHERE repository_id = repositories.id),
     (SELECT count(*) FROM tags WHERE repository_id = repositories.id)
     FROM repositories WHERE registry_id = $1 AND name = $2"
);
/// Its tags as a JSON list: those that lists show. The index is named: SQLite would rather walk over all tags in order.
pub(crate) const MANIFEST: &str = concat!(
    "SELECT created, ifnull(updated, created), ",
    attributes!("manifests"),
    ", media_type, size, (SELECT json_group_array(name) FROM (
         SELECT name FROM tags INDEXED BY tags_by_digest WHERE tags.repository_id = manifests.repository_id AND tags.digest = manifests.digest
         AND list_enabled = 1 ORDER BY name LIMIT 1000))
     FROM manifests WHERE digest = $3 AND repository_id = ",
    repository!()
);
const TAG: &str = concat!(
    "SELECT created, updated, ",
    attributes!("tags"),
    ", digest FROM tags WHERE name = $3 AND repository_id = ",
    repository!()
);
pub(crate) const GUARDED: &str = concat!("SELECT ", guarded!());

fn record(times: (i64, i64), bits: i64, facts: AttributedFacts) -> Result<AttributesRecord, CatalogError> {
    let time = |at| from_row(at, "a time").map(Timestamp);
    Ok(AttributesRecord { created: time(times.0)?, updated: time(times.1)?, attributes: attributes(bits)?, facts })
}

impl Readers {
    /// None: there is no such repository.
    pub(crate) async fn repository_attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
    ) -> Result<Option<Attributes>, CatalogError> {
        let query = query_as(OF_REPOSITORY).bind(registry.0).bind(repository.as_str());
        let row: Option<(i64,)> = self.optional("reading a repository's attributes", query).await?;
        row.map(|(bits,)| attributes(bits)).transpose()
    }

    /// Whether what needed content is made of is locked somewhere in the repository.
    pub(crate) async fn guarded(&self, registry: RegistryId, repository: &RepositoryName) -> Result<bool, CatalogError> {
        let query = query_as(GUARDED).bind(registry.0).bind(repository.as_str());
        let row: Option<(bool,)> = self.optional("asking what is locked", query).await?;
        Ok(row.is_none_or(|(guarded,)| guarded))
    }

    pub(crate) async fn attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        of: &Attributed,
    ) -> Result<Option<AttributesRecord>, CatalogError> {
        match of {
            Attributed::Repository => self.repository_record(registry, repository).await,
            Attributed::Manifest(digest) => self.manifest_attributes(registry, repository, digest).await,
            Attributed::Tag(tag) => self.tag_attributes(registry, repository, tag).await,
        }
    }

    async fn repository_record(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
    ) -> Result<Option<AttributesRecord>, CatalogError> {
        let query = query_as(REPOSITORY).bind(registry.0).bind(repository.as_str());
        let row: Option<(i64, i64, i64, i64, i64)> = self.optional("reading a repository's attributes", query).await?;
        let Some((created, updated, bits, manifests, tags)) = row else { return Ok(None) };
        let facts = AttributedFacts::Repository {
            manifests: from_row(manifests, "a number of manifests")?,
            tags: from_row(tags, "a number of tags")?,
        };
        record((created, updated), bits, facts).map(Some)
    }

    async fn manifest_attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<AttributesRecord>, CatalogError> {
        const DOING: &str = "reading a manifest's attributes";
        let query = query_as(MANIFEST).bind(registry.0).bind(repository.as_str()).bind(digest.as_str());
        let row: Option<(i64, i64, i64, String, i64, String)> = self.optional(DOING, query).await?;
        let Some((created, updated, bits, media_type, size, tags)) = row else { return Ok(None) };
        let names: Vec<String> =
            serde_json::from_str(&tags).map_err(|error| CatalogError(format!("{DOING}: its tags: {error}")))?;
        let mut tags: Vec<Tag> = names.iter().map(|name| parse(name, "a tag")).collect::<Result<_, _>>()?;
        tags.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        let media_type = parse(&media_type, "a media type")?;
        let facts = AttributedFacts::Manifest { media_type, size: from_row(size, "a manifest's size")?, tags };
        record((created, updated), bits, facts).map(Some)
    }

    async fn tag_attributes(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<AttributesRecord>, CatalogError> {
        let query = query_as(TAG).bind(registry.0).bind(repository.as_str()).bind(tag.as_str());
        let row: Option<(i64, i64, i64, String)> = self.optional("reading a tag's attributes", query).await?;
        let Some((created, updated, bits, digest)) = row else { return Ok(None) };
        record((created, updated), bits, AttributedFacts::Tag { digest: parse(&digest, "a digest")? }).map(Some)
    }
}

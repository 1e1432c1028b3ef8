//! Tags and repositories, a page at a time. A page is a range of an index: it costs the same however deep it lies.

use bulkhead_core::ports::admission::TagState;
use bulkhead_core::ports::catalog::{CatalogError, TagFilter};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{RepositoryName, Tag};
use sqlx::query_as;

use crate::convert::{json, parse};
use crate::readers::Readers;
use crate::sql::repository;

/// Tags whose states are read at once, at most.
const MOST_STATES: usize = 256;

/// A repository without such tags is one row without a name.
pub(crate) const TAGS: &str = "SELECT tags.name FROM repositories
     LEFT JOIN tags ON tags.repository_id = repositories.id AND tags.list_enabled = 1 AND tags.name > $3
     WHERE repositories.registry_id = $1 AND repositories.name = $2 ORDER BY tags.name LIMIT $4";
pub(crate) const TAGGED: &str =
    concat!("SELECT name, digest FROM tags WHERE repository_id = ", repository!(), " AND name > $3 ORDER BY name LIMIT $4");
pub(crate) const TAGS_OF: &str = concat!(
    "SELECT name, digest FROM tags WHERE repository_id = ",
    repository!(),
    " AND digest = $5 AND name > $3 ORDER BY name LIMIT $4"
);
const STATES: &str = concat!(
    "SELECT value, (SELECT digest FROM tags WHERE repository_id = ",
    repository!(),
    " AND tags.name = value) FROM json_each($3) ORDER BY key"
);
pub(crate) const REPOSITORIES: &str = "SELECT name FROM repositories WHERE registry_id = $1 AND listed = 1 AND list_enabled = 1 AND name > $2 ORDER BY name LIMIT $3";
/// How many tags and manifests the repository has, counted to `$3` of either.
pub(crate) const EXTENT: &str = concat!(
    "SELECT (SELECT count(*) FROM (SELECT 1 FROM tags WHERE repository_id = ",
    repository!(),
    " LIMIT $3)) + (SELECT count(*) FROM (SELECT 1 FROM manifests WHERE repository_id = ",
    repository!(),
    " LIMIT $3))"
);

fn tag_state((name, digest): (String, Option<String>)) -> Result<TagState, CatalogError> {
    let now = digest.map(|digest| parse(&digest, "a digest")).transpose()?;
    Ok(TagState { tag: parse(&name, "a tag")?, now })
}

impl Readers {
    pub(crate) async fn tags(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        after: &str,
        limit: u32,
    ) -> Result<Option<Vec<Tag>>, CatalogError> {
        // At least one row is asked for: it tells that there is a repository.
        let query = query_as(TAGS).bind(registry.0).bind(repository.as_str()).bind(after).bind(i64::from(limit.max(1)));
        let rows: Vec<(Option<String>,)> = self.all("listing tags", query).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let names = rows.into_iter().filter_map(|(name,)| name).take(limit as usize);
        names.map(|name| parse(&name, "a tag")).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) async fn tagged(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        filter: TagFilter<'_>,
        after: &str,
        limit: u32,
    ) -> Result<Vec<TagState>, CatalogError> {
        let query = match filter {
            TagFilter::All => query_as(TAGGED),
            TagFilter::PointingTo(_) => query_as(TAGS_OF),
        };
        let query = query.bind(registry.0).bind(repository.as_str()).bind(after).bind(i64::from(limit));
        let query = match filter {
            TagFilter::All => query,
            TagFilter::PointingTo(digest) => query.bind(digest.as_str()),
        };
        self.all("listing tags", query).await?.into_iter().map(tag_state).collect()
    }

    pub(crate) async fn tag_states(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        tags: &[Tag],
    ) -> Result<Vec<TagState>, CatalogError> {
        if tags.len() > MOST_STATES {
            return Err(CatalogError(format!("reading what {} tags point to: {MOST_STATES} at once are the most", tags.len())));
        }
        if tags.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        let query = query_as(STATES).bind(registry.0).bind(repository.as_str()).bind(json(serde_json::to_string(&names)));
        self.all("reading what tags point to", query).await?.into_iter().map(tag_state).collect()
    }

    /// Whether the repository has more than `most` tags and manifests together.
    pub(crate) async fn has_more(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        most: u32,
    ) -> Result<bool, CatalogError> {
        let query = query_as(EXTENT).bind(registry.0).bind(repository.as_str()).bind(i64::from(most) + 1);
        let row: Option<(i64,)> = self.optional("counting what a repository has", query).await?;
        Ok(row.is_some_and(|(count,)| count > i64::from(most)))
    }

    pub(crate) async fn repositories(
        &self,
        registry: RegistryId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<RepositoryName>, CatalogError> {
        let query = query_as(REPOSITORIES).bind(registry.0).bind(after).bind(i64::from(limit));
        let rows: Vec<(String,)> = self.all("listing repositories", query).await?;
        rows.into_iter().map(|(name,)| parse(&name, "a repository's name")).collect()
    }
}

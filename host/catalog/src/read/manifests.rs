//! Manifests, and those that refer to one. The list of referrers reads no bodies.

use std::collections::BTreeMap;

use bulkhead_core::ports::catalog::{CatalogError, ManifestRecord, Part, ReferrerRecord};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Digest, Reference, RepositoryName};
use sqlx::query_as;

use crate::cache::Found;
use crate::convert::{attributes, from_row, parse};
use crate::readers::Readers;
use crate::sql::{attributes, repository};

/// Of a part of the list of referrers, in bytes of JSON. One manifest may have more: it is then alone.
pub(crate) const ANNOTATIONS_AT_ONCE: i64 = 1024 * 1024;

/// The last two: its own attributes, and those of the tag that it was asked by.
type ManifestRow = (String, String, Vec<u8>, Option<String>, i64, Option<i64>);
type ReferrerRow = (bool, String, String, i64, Option<String>, Option<String>);

const BY_DIGEST: &str = concat!(
    "SELECT digest, media_type, body, artifact_type, ",
    attributes!("manifests"),
    ", NULL FROM manifests WHERE repository_id = ",
    repository!(),
    " AND digest = $3"
);
const BY_TAG: &str = concat!(
    "SELECT manifests.digest, media_type, body, artifact_type, ",
    attributes!("manifests"),
    ", ",
    attributes!("tags"),
    " FROM tags
     JOIN manifests ON manifests.repository_id = tags.repository_id AND manifests.digest = tags.digest
     WHERE tags.repository_id = ",
    repository!(),
    " AND tags.name = $3"
);

/// `page`: what may be shown, and one more, by the index alone. `sums`: how much annotations they have so far. The rows are those that are
/// shown, and the first that is not, if there is one: it tells that something follows. Their order is that of nothing.
macro_rules! referrers {
    ($condition:literal) => {
        concat!(
            "WITH page AS (
                 SELECT id, digest AS place, ifnull(octet_length(annotations), 0) AS own
                 FROM manifests LEFT JOIN manifest_annotations ON manifest = id
                 WHERE repository_id = ",
            repository!(),
            " AND subject = $3 AND list_enabled = 1 AND digest > $4",
            $condition,
            " ORDER BY digest LIMIT $5 + 1
             ), sums AS (
                 SELECT id, own, row_number() OVER so_far AS number, sum(own) OVER so_far AS total
                 FROM page WINDOW so_far AS (ORDER BY place ROWS UNBOUNDED PRECEDING)
             ), marked AS (
                 SELECT id, number <= $5 AND (number = 1 OR total <= $6) AS shown
                 FROM sums WHERE number <= 2 OR total - own <= $6
             )
             SELECT shown, digest, media_type, size, artifact_type,
                 CASE WHEN shown THEN (SELECT annotations FROM manifest_annotations WHERE manifest = marked.id) END
             FROM marked JOIN manifests ON manifests.id = marked.id"
        )
    };
}

pub(crate) const REFERRERS: &str = referrers!("");
pub(crate) const REFERRERS_OF_TYPE: &str = referrers!(" AND artifact_type = $7");

fn found((digest, media_type, body, artifact_type, own, of_tag): ManifestRow) -> Result<Found, CatalogError> {
    let record = ManifestRecord {
        digest: parse(&digest, "a digest")?,
        media_type: parse(&media_type, "a media type")?,
        body: body.into(),
        artifact_type,
        attributes: attributes(own)?,
    };
    Ok(Found { record, tag: of_tag.map(attributes).transpose()? })
}

fn referrer_record(row: ReferrerRow) -> Result<ReferrerRecord, CatalogError> {
    let (_, digest, media_type, size, artifact_type, annotations) = row;
    Ok(ReferrerRecord {
        digest: parse(&digest, "a digest")?,
        media_type: parse(&media_type, "a media type")?,
        size: from_row(size, "a manifest's size")?,
        artifact_type,
        annotations: annotations.as_deref().map_or_else(|| Ok(BTreeMap::new()), read_annotations)?,
    })
}

fn read_annotations(text: &str) -> Result<BTreeMap<String, String>, CatalogError> {
    serde_json::from_str(text).map_err(|error| {
        CatalogError(format!("the catalog holds annotations that cannot be read: {error}: it was changed by other hands"))
    })
}

impl Readers {
    pub(crate) async fn manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Result<Option<Found>, CatalogError> {
        let (query, wanted) = match reference {
            Reference::Digest(digest) => (query_as(BY_DIGEST), digest.as_str()),
            Reference::Tag(tag) => (query_as(BY_TAG), tag.as_str()),
        };
        let query = query.bind(registry.0).bind(repository.as_str()).bind(wanted);
        self.optional("finding a manifest", query).await?.map(found).transpose()
    }

    pub(crate) async fn referrers(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: &str,
        limit: u32,
    ) -> Result<Part<ReferrerRecord>, CatalogError> {
        let query = query_as(if artifact_type.is_some() { REFERRERS_OF_TYPE } else { REFERRERS });
        let query = query.bind(registry.0).bind(repository.as_str()).bind(subject.as_str()).bind(after);
        let query = query.bind(i64::from(limit)).bind(ANNOTATIONS_AT_ONCE).bind(artifact_type);
        let (shown, rest): (Vec<ReferrerRow>, Vec<_>) =
            self.all("listing referrers", query).await?.into_iter().partition(|row: &ReferrerRow| row.0);
        let mut items: Vec<ReferrerRecord> = shown.into_iter().map(referrer_record).collect::<Result<_, _>>()?;
        items.sort_unstable_by(|one, other| one.digest.as_str().cmp(other.digest.as_str()));
        Ok(Part { items, more: !rest.is_empty() })
    }
}

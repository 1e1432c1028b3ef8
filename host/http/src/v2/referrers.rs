//! What refers to a manifest (OCI distribution specification, "Listing referrers"), as an image index that is made on the spot.

use std::collections::BTreeMap;

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, LINK};
use bulkhead_core::ports::catalog::ReferrerRecord;
use bulkhead_oci::{Digest, MediaType, RepositoryName};
use serde::Serialize;

use super::{Visit, link};
use crate::error::ApiError;
use crate::handler::json;
use crate::{Response, headers};

/// The longest list of one answer. It is also bounded by the bytes of its annotations.
const MAX_ENTRIES: u32 = 1000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl From<ReferrerRecord> for Entry {
    fn from(record: ReferrerRecord) -> Self {
        Self {
            media_type: record.media_type.to_string(),
            digest: record.digest,
            size: record.size,
            artifact_type: record.artifact_type,
            annotations: record.annotations,
        }
    }
}

/// GET of the referrers. There is an answer whether or not the subject, or the repository, is there.
pub(super) async fn list(
    visit: &Visit,
    repository: &RepositoryName,
    subject: &Digest,
    artifact_type: Option<&str>,
    after: Option<&Digest>,
) -> Result<Response, ApiError> {
    let found = visit.registry.referrers(repository, subject, artifact_type, after, MAX_ENTRIES).await;
    let part = visit.shown(repository, Some(subject.as_str()), found).await?;
    let next = part.items.last().filter(|_| part.more).map(|last| last.digest.clone());
    let manifests = part.items.into_iter().map(Entry::from).collect();
    let mut response = json(&Index { schema_version: 2, media_type: MediaType::OCI_INDEX, manifests });
    let map = response.headers_mut();
    map.insert(CONTENT_TYPE, HeaderValue::from_static(MediaType::OCI_INDEX));
    if artifact_type.is_some() {
        map.insert(headers::OCI_FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    if let Some(last) = next {
        let path = format!("/v2/{repository}/referrers/{subject}");
        let filter: Vec<(&str, &str)> = artifact_type.map(|filter| ("artifactType", filter)).into_iter().collect();
        map.insert(LINK, link::next(&path, last.as_str(), &filter));
    }
    Ok(response)
}

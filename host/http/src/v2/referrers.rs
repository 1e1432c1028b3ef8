//! What refers to a manifest (OCI distribution specification, "Listing referrers"), as an image index that is made on the spot.

use std::collections::BTreeMap;

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, LINK};
use bulkhead_core::ports::catalog::ManifestRecord;
use bulkhead_core::registry::Registry;
use bulkhead_oci::{Digest, Manifest, MediaType, RepositoryName};
use serde::Serialize;

use super::{Visit, link};
use crate::error::ApiError;
use crate::handler::json;
use crate::{Response, headers};

/// Manifests that are held at once, each of up to 4 MiB, to read their annotations.
const BATCH: u32 = 16;
/// The longest list of one answer: so many entries, or so many bytes of annotations.
const MAX_ENTRIES: usize = 1000;
const MAX_ANNOTATIONS: usize = 1024 * 1024;

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
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// GET of the referrers. There is an answer whether or not the subject, or the repository, is there.
pub(super) async fn list(
    visit: &Visit,
    repository: &RepositoryName,
    subject: &Digest,
    artifact_type: Option<&str>,
    after: Option<Digest>,
) -> Result<Response, ApiError> {
    let (manifests, more) = gather(&visit.registry, repository, subject, artifact_type, after).await?;
    let next = manifests.last().filter(|_| more).map(|entry| entry.digest.clone());
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

/// Batch after batch, until there is no more, or enough.
async fn gather(
    registry: &Registry,
    repository: &RepositoryName,
    subject: &Digest,
    artifact_type: Option<&str>,
    mut after: Option<Digest>,
) -> Result<(Vec<Entry>, bool), ApiError> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut annotations = 0;
    loop {
        let listed = registry.referrers(repository, subject, artifact_type, after.as_ref(), BATCH).await?;
        for manifest in listed.items {
            let entry = entry_of(manifest);
            annotations += entry.annotations.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
            entries.push(entry);
        }
        if !listed.more || entries.len() >= MAX_ENTRIES || annotations >= MAX_ANNOTATIONS {
            return Ok((entries, listed.more));
        }
        after = entries.last().map(|entry| entry.digest.clone());
    }
}

/// A manifest that is stored has been read before, so its annotations can be; if not, it has none.
fn entry_of(manifest: ManifestRecord) -> Entry {
    let annotations = Manifest::parse(Some(&manifest.media_type), &manifest.body).map(|read| read.annotations);
    Entry {
        media_type: manifest.media_type.to_string(),
        size: manifest.body.len(),
        digest: manifest.digest,
        artifact_type: manifest.artifact_type,
        annotations: annotations.unwrap_or_default(),
    }
}

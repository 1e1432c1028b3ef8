//! What of Azure Container Registry's data plane (`/acr/v1/`) is answered: the deletion of a whole repository, which `/v2/` has no way for.

use axum::http::{HeaderMap, StatusCode};
use bulkhead_oci::{Digest, RepositoryName, Tag};
use serde::Serialize;

use crate::error::ApiError;
use crate::handler::json;
use crate::v2::Visit;
use crate::{Response, condition, warning};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deleted<'a> {
    manifests_deleted: Vec<&'a str>,
    tags_deleted: Vec<&'a str>,
}

/// DELETE of a repository, with all its manifests and tags.
pub(crate) async fn delete_repository(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
) -> Result<Response, ApiError> {
    let condition = condition::of_change(request)?;
    let deleted = visit.registry.delete_repository(visit.act(), repository, &condition).await;
    let deleted = deleted.map_err(|error| ApiError::not_deleted(error, ""))?;
    let mut response = json(&Deleted {
        manifests_deleted: deleted.manifests.iter().map(Digest::as_str).collect(),
        tags_deleted: deleted.tags.iter().map(Tag::as_str).collect(),
    });
    *response.status_mut() = StatusCode::ACCEPTED;
    warning::add(response.headers_mut(), &deleted.warnings);
    Ok(response)
}

//! What of Azure Container Registry's data plane (`/acr/v1/`) is answered: attributes, locks among them, and the deletion of tags and whole
//! repositories. Whoever comes here has been let in. `crate::v2` calls it, as for any other operation of a registry.

pub(crate) mod attributes;
mod parse;

use axum::http::{HeaderMap, StatusCode};
use bulkhead_oci::{Digest, Reference, RepositoryName, Tag};
use serde::Serialize;

use crate::error::ApiError;
use crate::handler::json;
use crate::v2::{Visit, empty};
use crate::{Response, condition, warning};

pub(crate) use parse::parse;

/// What is left of the methods of what may not be deleted.
const LEFT: &str = "GET, HEAD, PATCH";

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
    let deleted = deleted.map_err(|error| ApiError::not_deleted(error, LEFT))?;
    let mut response = json(&Deleted {
        manifests_deleted: deleted.manifests.iter().map(Digest::as_str).collect(),
        tags_deleted: deleted.tags.iter().map(Tag::as_str).collect(),
    });
    *response.status_mut() = StatusCode::ACCEPTED;
    warning::add(response.headers_mut(), &deleted.warnings);
    Ok(response)
}

/// DELETE of a tag. What it points to stays.
pub(crate) async fn delete_tag(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    tag: Tag,
) -> Result<Response, ApiError> {
    let condition = condition::of_change(request)?;
    let deleted = visit.registry.delete_manifest(visit.act(), repository, &Reference::Tag(tag), &condition).await;
    let warnings = deleted.map_err(|error| ApiError::not_deleted(error, LEFT))?;
    let mut response = empty(StatusCode::ACCEPTED);
    warning::add(response.headers_mut(), &warnings);
    Ok(response)
}

#[cfg(test)]
mod tests;

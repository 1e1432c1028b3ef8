//! The answers to a registry's operations, those of `/v2/` in a file per noun. Whoever comes here has been let in.

mod blobs;
mod link;
mod listing;
mod manifests;
mod referrers;
mod uploads;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use bulkhead_core::auth::Caller;
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::registry::{Act, Registry, RegistryError};
use bulkhead_oci::RepositoryName;

use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;
use crate::parse::Operation;
use crate::{Response, acr, headers};

/// A caller at a registry.
pub(crate) struct Visit {
    pub registry: Arc<Registry>,
    pub context: RequestContext,
    pub caller: Caller,
}

impl Visit {
    /// For changes.
    pub(crate) fn act(&self) -> Act<'_> {
        Act { context: &self.context, caller: &self.caller }
    }

    /// What was found of a repository, or why it is not shown. The audit log hears of it where a lock forbids it.
    async fn shown<T>(
        &self,
        repository: &RepositoryName,
        target: Option<&str>,
        found: Result<T, RegistryError>,
    ) -> Result<T, ApiError> {
        match found {
            Ok(found) => Ok(found),
            // What is rarer than a pull is boxed.
            refused => Ok(Box::pin(self.registry.conclude_reading(self.act(), repository, target, refused)).await?),
        }
    }
}

/// Does what is asked.
///
/// # Errors
/// What the client is told instead.
pub(crate) async fn perform(
    visit: &Visit,
    operation: Operation,
    headers: &HeaderMap,
    body: ClientBody,
) -> Result<Response, ApiError> {
    match operation {
        Operation::Ping => Ok(json(&serde_json::Map::new())),
        Operation::ReadManifest { repository, reference, reading } => {
            manifests::read(visit, headers, &repository, &reference, reading).await
        }
        Operation::ReadBlob { repository, digest, reading } => blobs::read(visit, headers, &repository, &digest, reading).await,
        Operation::DeleteBlob { repository, digest } => blobs::delete(visit, headers, &repository, &digest).await,
        Operation::MountBlob { repository, digest, from } => blobs::mount(visit, &repository, &digest, from.as_ref()).await,
        Operation::PutBlob { repository, digest } => uploads::put(visit, &repository, &digest, body).await,
        Operation::BeginUpload { repository, algorithm } => uploads::begin(visit, &repository, algorithm).await,
        Operation::UploadStatus { repository, upload } => uploads::status(visit, &repository, &upload).await,
        Operation::AppendUpload { repository, upload } => uploads::append(visit, headers, &repository, &upload, body).await,
        Operation::FinishUpload { repository, upload, digest } => {
            uploads::finish(visit, headers, &repository, &upload, &digest, body).await
        }
        Operation::CancelUpload { repository, upload } => uploads::cancel(visit, &repository, &upload).await,
        Operation::PutManifest { repository, target } => manifests::put(visit, headers, &repository, target, body).await,
        Operation::DeleteManifest { repository, reference } => manifests::delete(visit, headers, &repository, &reference).await,
        Operation::Tags { repository, page } => listing::tags(visit, &repository, page).await,
        Operation::Catalog { page } => listing::catalog(visit, page).await,
        Operation::Referrers { repository, subject, artifact_type, after } => {
            referrers::list(visit, &repository, &subject, artifact_type.as_deref(), after.as_ref()).await
        }
        Operation::DeleteRepository { repository } => acr::delete_repository(visit, headers, &repository).await,
        Operation::DeleteTag { repository, tag } => acr::delete_tag(visit, headers, &repository, tag).await,
        Operation::ReadAttributes { repository, of } => acr::attributes::read(visit, &repository, &of).await,
        Operation::ChangeAttributes { repository, of } => acr::attributes::change(visit, &repository, &of, body).await,
    }
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Content was made, and lies at `path` under this digest.
fn created(path: String, digest: &bulkhead_oci::Digest) -> Response {
    let mut response = empty(StatusCode::CREATED);
    let map = response.headers_mut();
    headers::locate(map, path);
    map.insert(headers::CONTENT_DIGEST, headers::value(digest.as_str().to_owned()));
    response
}

#[cfg(test)]
mod tests;

//! Uploads: begun, appended to, asked for, finished, cancelled; and a blob by a single POST.

use axum::http::header::{CONTENT_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bulkhead_core::ports::catalog::UploadRecord;
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::registry::{Chunk, RegistryError};
use bulkhead_oci::{Algorithm, Digest, ErrorCode, RepositoryName};

use super::{Visit, blobs, created, empty};
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::{Response, headers};

/// POST: an upload begins. The size that is wished for its chunks is advice: smaller ones are taken.
pub(super) async fn begin(visit: &Visit, repository: &RepositoryName, algorithm: Algorithm) -> Result<Response, ApiError> {
    let upload = visit.registry.begin_upload(visit.act(), repository, algorithm).await?;
    let mut response = standing(StatusCode::ACCEPTED, &upload);
    if let Some(least) = visit.registry.rules().chunk_min {
        response.headers_mut().insert(headers::OCI_CHUNK_MIN_LENGTH, HeaderValue::from(least));
    }
    Ok(response)
}

/// POST with `digest`: a whole blob.
pub(super) async fn put(
    visit: &Visit,
    repository: &RepositoryName,
    digest: &Digest,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let length = body.length();
    let blob = visit.registry.put_blob(visit.act(), repository, digest, length, body.into_incoming()).await?;
    Ok(created(blobs::path(repository, &blob.digest), &blob.digest))
}

/// GET: where the upload stands.
pub(super) async fn status(visit: &Visit, repository: &RepositoryName, upload: &UploadId) -> Result<Response, ApiError> {
    let upload = visit.registry.upload(visit.act(), repository, upload).await?;
    Ok(standing(StatusCode::NO_CONTENT, &upload))
}

/// PATCH: a chunk.
pub(super) async fn append(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    upload: &UploadId,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let chunk = chunk(request, &body)?;
    let appended = visit.registry.append_upload(visit.act(), repository, upload, chunk, body.into_incoming()).await;
    let appended = appended.map_err(|error| misplaced(error, repository, upload))?;
    Ok(standing(StatusCode::ACCEPTED, &appended))
}

/// PUT: the end, with a last chunk or without.
pub(super) async fn finish(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    upload: &UploadId,
    digest: &Digest,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let last = match body.length() {
        Some(0) => None,
        _ => Some((chunk(request, &body)?, body.into_incoming())),
    };
    let blob = visit.registry.finish_upload(visit.act(), repository, upload, digest, last).await;
    let blob = blob.map_err(|error| misplaced(error, repository, upload))?;
    Ok(created(blobs::path(repository, &blob.digest), &blob.digest))
}

/// DELETE: never mind.
pub(super) async fn cancel(visit: &Visit, repository: &RepositoryName, upload: &UploadId) -> Result<Response, ApiError> {
    visit.registry.cancel_upload(visit.act(), repository, upload).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

fn chunk(request: &HeaderMap, body: &ClientBody) -> Result<Chunk, ApiError> {
    let malformed = |message: String| ApiError::new(StatusCode::BAD_REQUEST, ErrorCode::BlobUploadInvalid, message);
    let range = match request.get(CONTENT_RANGE) {
        None => None,
        Some(_) => {
            let text = headers::one(request, &CONTENT_RANGE).unwrap_or_default();
            Some(text.parse().map_err(|error: bulkhead_oci::ChunkRangeError| malformed(error.to_string()))?)
        }
    };
    Ok(Chunk { range, length: body.length() })
}

/// A chunk in the wrong place is told the right one, so that the client can go on.
fn misplaced(error: RegistryError, repository: &RepositoryName, upload: &UploadId) -> ApiError {
    let offset = match &error {
        RegistryError::OutOfOrder { offset } => Some(*offset),
        _ => None,
    };
    let answer = ApiError::from(error);
    match offset {
        None => answer,
        Some(offset) => answer
            .header(axum::http::header::LOCATION, headers::value(path(repository, upload)))
            .header(RANGE, headers::value(range(offset))),
    }
}

/// Where an upload stands, as every answer about one says it.
fn standing(status: StatusCode, upload: &UploadRecord) -> Response {
    let mut response = empty(status);
    let map = response.headers_mut();
    headers::locate(map, path(&upload.repository, &upload.id));
    map.insert(RANGE, headers::value(range(upload.progress.offset)));
    map.insert(headers::UPLOAD_UUID, headers::value(upload.id.as_str().to_owned()));
    response
}

fn path(repository: &RepositoryName, upload: &UploadId) -> String {
    format!("/v2/{repository}/blobs/uploads/{upload}")
}

/// First and last byte, both included. Nothing at all has no such form; clients take `0-0` for it.
fn range(offset: u64) -> String {
    format!("0-{}", offset.saturating_sub(1))
}

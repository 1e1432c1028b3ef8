//! Blobs: read whole or in part, mounted from another repository, deleted.

use std::sync::Arc;

use axum::http::header::{CACHE_CONTROL, CONTENT_RANGE, LOCATION, RANGE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bulkhead_core::ports::catalog::BlobRecord;
use bulkhead_oci::{ByteRange, Digest, ErrorCode, Ranges, RepositoryName};

use super::{Visit, created, empty, uploads};
use crate::body::{Multipart, multipart, outgoing};
use crate::error::ApiError;
use crate::parse::Reading;
use crate::{Response, condition, headers, warning};

/// GET and HEAD of a blob. A HEAD has no range: it tells of the whole (RFC 9110, 14.2).
pub(super) async fn read(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    digest: &Digest,
    reading: Reading,
) -> Result<Response, ApiError> {
    let found = visit.registry.blob(repository, digest).await;
    let blob = visit.shown(repository, Some(digest.as_str()), found).await?;
    condition::require_match(request, digest)?;
    if condition::none_match(request, digest) {
        let mut response = empty(StatusCode::NOT_MODIFIED);
        headers::describe_blob(response.headers_mut(), digest);
        return Ok(response);
    }
    if reading == Reading::Head {
        return Ok(described(&blob, empty(StatusCode::OK), blob.size));
    }
    if let Some(link) = visit.registry.blob_link(&blob).await? {
        return Ok(elsewhere(digest, link));
    }
    let wanted = headers::one(request, &RANGE).filter(|_| condition::range_applies(request, digest));
    match Ranges::resolve(wanted, blob.size) {
        Ranges::Whole => send(visit, &blob, None, blob.size).await,
        Ranges::One(range) => {
            let mut response = send(visit, &blob, Some(range), range.length).await?;
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            response.headers_mut().insert(CONTENT_RANGE, headers::value(headers::content_range(range, blob.size)));
            Ok(response)
        }
        Ranges::Several(ranges) => send_several(visit, blob, ranges).await,
        Ranges::Unsatisfiable => {
            let size = blob.size;
            let message = format!("the blob has {size} bytes, and nothing of the wanted range");
            let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::SizeInvalid, message);
            Err(error.header(CONTENT_RANGE, headers::value(format!("bytes */{size}"))))
        }
    }
}

/// The client asks there, for a range too. The link is a secret: nothing between here and there may keep it.
fn elsewhere(digest: &Digest, link: String) -> Response {
    let mut response = empty(StatusCode::TEMPORARY_REDIRECT);
    let map = response.headers_mut();
    headers::describe_blob(map, digest);
    map.insert(LOCATION, headers::value(link));
    map.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn send(visit: &Visit, blob: &BlobRecord, range: Option<ByteRange>, length: u64) -> Result<Response, ApiError> {
    let object = visit.registry.read_blob(blob, range).await?;
    let body = outgoing(object, length, &visit.context.request_id)?;
    Ok(described(blob, Response::new(body), length))
}

/// Several ranges. The `Content-Range` of each stands in its part, and none in the head (RFC 9110, 15.3.7.2).
async fn send_several(visit: &Visit, blob: BlobRecord, ranges: Vec<ByteRange>) -> Result<Response, ApiError> {
    let first = visit.registry.read_blob(&blob, ranges.first().copied()).await?;
    let (registry, blob) = (Arc::clone(&visit.registry), Arc::new(blob));
    let opened = Arc::clone(&blob);
    let open = move |range| {
        let (registry, blob) = (Arc::clone(&registry), Arc::clone(&opened));
        async move { registry.read_blob(&blob, Some(range)).await }
    };
    let Multipart { body, media_type, length } = multipart(ranges, blob.size, first, open, &visit.context.request_id);
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let map = response.headers_mut();
    headers::describe_blob(map, &blob.digest);
    headers::describe_body(map, media_type, length);
    Ok(response)
}

fn described(blob: &BlobRecord, mut response: Response, length: u64) -> Response {
    let map = response.headers_mut();
    headers::describe_blob(map, &blob.digest);
    headers::describe_body(map, headers::OCTET_STREAM, length);
    response
}

/// DELETE of a blob.
pub(super) async fn delete(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Response, ApiError> {
    let condition = condition::of_change(request)?;
    let deleted = visit.registry.delete_blob(visit.act(), repository, digest, &condition).await;
    let warnings = deleted.map_err(|error| ApiError::not_deleted(error, "GET, HEAD"))?;
    let mut response = empty(StatusCode::ACCEPTED);
    warning::add(response.headers_mut(), &warnings);
    Ok(response)
}

/// POST with `mount`. Whatever stands in the way of a mount, the answer is an upload, as if the blob were not there.
pub(super) async fn mount(
    visit: &Visit,
    repository: &RepositoryName,
    digest: &Digest,
    from: Option<&RepositoryName>,
) -> Result<Response, ApiError> {
    let mounted = match from {
        Some(from) => mount_from(visit, from, repository, digest).await?,
        None => visit.registry.find_blob(visit.act(), repository, digest).await?,
    };
    match mounted {
        Some(_) => Ok(created(path(repository, digest), digest)),
        None => uploads::begin(visit, repository, digest.algorithm()).await,
    }
}

/// None: it is not there, or the caller may not read it, and is not told which.
async fn mount_from(
    visit: &Visit,
    from: &RepositoryName,
    to: &RepositoryName,
    digest: &Digest,
) -> Result<Option<BlobRecord>, ApiError> {
    if !visit.registry.gate().may_mount(&visit.context, &visit.caller, from).await {
        return Ok(None);
    }
    Ok(visit.registry.mount_blob(visit.act(), from, to, digest).await?)
}

/// Where a blob lies.
pub(super) fn path(repository: &RepositoryName, digest: &Digest) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

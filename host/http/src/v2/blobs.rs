//! Blobs: read whole or in part, mounted from another repository, deleted.

use axum::http::header::{CONTENT_RANGE, RANGE};
use axum::http::{HeaderMap, StatusCode};
use bulkhead_core::ports::catalog::BlobRecord;
use bulkhead_oci::{ByteRange, Digest, ErrorCode, Ranges, RepositoryName};

use super::{Visit, created, empty, uploads};
use crate::body::outgoing;
use crate::error::ApiError;
use crate::parse::Reading;
use crate::{Response, auth, headers};

/// GET and HEAD of a blob. A HEAD has no range: it tells of the whole (RFC 9110, 14.2).
pub(super) async fn read(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    digest: &Digest,
    reading: Reading,
) -> Result<Response, ApiError> {
    let blob = visit.registry.blob(repository, digest).await?;
    if headers::none_match(request, digest) {
        let mut response = empty(StatusCode::NOT_MODIFIED);
        headers::describe_blob(response.headers_mut(), digest);
        return Ok(response);
    }
    if reading == Reading::Head {
        return Ok(described(&blob, empty(StatusCode::OK), blob.size));
    }
    let wanted = headers::one(request, &RANGE).filter(|_| headers::range_applies(request, digest));
    match Ranges::resolve(wanted, blob.size) {
        Ranges::Whole => send(visit, &blob, None, blob.size).await,
        Ranges::One(range) => {
            let mut response = send(visit, &blob, Some(range), range.length).await?;
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let (first, last) = (range.offset, range.offset + range.length - 1);
            response.headers_mut().insert(CONTENT_RANGE, headers::value(format!("bytes {first}-{last}/{}", blob.size)));
            Ok(response)
        }
        Ranges::Unsatisfiable => {
            let size = blob.size;
            let message = format!("the blob has {size} bytes, and nothing of the wanted range");
            let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::SizeInvalid, message);
            Err(error.header(CONTENT_RANGE, headers::value(format!("bytes */{size}"))))
        }
    }
}

async fn send(visit: &Visit, blob: &BlobRecord, range: Option<ByteRange>, length: u64) -> Result<Response, ApiError> {
    let object = visit.registry.read_blob(blob, range).await?;
    let body = outgoing(object, length, &visit.context.request_id)?;
    Ok(described(blob, Response::new(body), length))
}

fn described(blob: &BlobRecord, mut response: Response, length: u64) -> Response {
    let map = response.headers_mut();
    headers::describe_blob(map, &blob.digest);
    headers::describe_body(map, headers::OCTET_STREAM, length);
    response
}

/// DELETE of a blob.
pub(super) async fn delete(visit: &Visit, repository: &RepositoryName, digest: &Digest) -> Result<Response, ApiError> {
    visit.registry.delete_blob(visit.act(), repository, digest).await?;
    Ok(empty(StatusCode::ACCEPTED))
}

/// POST with `mount` and `from`. Whatever stands in the way of a mount, the answer is an upload, as if the blob were not there.
pub(super) async fn mount(
    visit: &Visit,
    repository: &RepositoryName,
    digest: &Digest,
    from: &RepositoryName,
) -> Result<Response, ApiError> {
    let source = [auth::source_access(from)];
    if visit.registry.gate().permit(&visit.context, &visit.caller, &source).await.is_ok()
        && visit.registry.mount_blob(visit.act(), from, repository, digest).await?.is_some()
    {
        return Ok(created(path(repository, digest), digest));
    }
    uploads::begin(visit, repository, digest.algorithm()).await
}

/// Where a blob lies.
pub(super) fn path(repository: &RepositoryName, digest: &Digest) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

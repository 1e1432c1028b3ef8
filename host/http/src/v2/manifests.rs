//! Manifests: read, put, deleted, by tag and by digest. Bytes go out as they came in.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bulkhead_oci::{ErrorCode, MediaType, MediaTypeError, Reference, RepositoryName};
use bytes::Bytes;

use super::{Visit, created, empty};
use crate::error::ApiError;
use crate::parse::Reading;
use crate::{Response, headers};

/// GET and HEAD of a manifest. Webhooks hear of a GET alone: a HEAD, or a copy that is still good, is no pull.
pub(super) async fn read(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    reference: &Reference,
    reading: Reading,
) -> Result<Response, ApiError> {
    let manifest = visit.registry.manifest(repository, reference).await?;
    let digest = &manifest.digest;
    let mut response = if headers::none_match(request, digest) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        let mut response = match reading {
            Reading::Head => empty(StatusCode::OK),
            Reading::Get => {
                visit.registry.announce_pull(visit.act(), repository, reference, &manifest).await;
                Response::new(Body::from(manifest.body.clone()))
            }
        };
        let media_type = HeaderValue::from_str(manifest.media_type.as_str()).unwrap_or(headers::OCTET_STREAM);
        headers::describe_body(response.headers_mut(), media_type, manifest.body.len() as u64);
        response
    };
    let map = response.headers_mut();
    map.insert(headers::CONTENT_DIGEST, headers::value(digest.as_str().to_owned()));
    map.insert(ETAG, headers::etag(digest));
    Ok(response)
}

/// PUT of a manifest.
pub(super) async fn put(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    reference: &Reference,
    body: Bytes,
) -> Result<Response, ApiError> {
    let content_type = content_type(request)?;
    let pushed = visit.registry.put_manifest(visit.act(), repository, reference, content_type.as_ref(), body).await?;
    let mut response = created(format!("/v2/{repository}/manifests/{}", pushed.digest), &pushed.digest);
    if let Some(subject) = pushed.subject {
        response.headers_mut().insert(headers::OCI_SUBJECT, headers::value(subject.as_str().to_owned()));
    }
    Ok(response)
}

fn content_type(request: &HeaderMap) -> Result<Option<MediaType>, ApiError> {
    if !request.contains_key(CONTENT_TYPE) {
        return Ok(None);
    }
    let malformed = |error: MediaTypeError| {
        ApiError::new(StatusCode::BAD_REQUEST, ErrorCode::ManifestInvalid, format!("Content-Type: {error}"))
    };
    headers::one(request, &CONTENT_TYPE).unwrap_or_default().parse().map(Some).map_err(malformed)
}

/// DELETE of a manifest, or of a tag.
pub(super) async fn delete(visit: &Visit, repository: &RepositoryName, reference: &Reference) -> Result<Response, ApiError> {
    visit.registry.delete_manifest(visit.act(), repository, reference).await?;
    Ok(empty(StatusCode::ACCEPTED))
}

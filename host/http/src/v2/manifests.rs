//! Manifests: read, put, deleted, by tag and by digest. Bytes go out as they came in.

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bulkhead_core::registry::{ManifestPush, PushTarget};
use bulkhead_oci::{Accept, ErrorCode, MediaType, MediaTypeError, Reference, RepositoryName, Tag};

use super::{Visit, created, empty};
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::parse::Reading;
use crate::{Response, condition, headers, warning};

/// The most `OCI-Tag` lines of one answer: clients take a hundred header lines or so, and no more.
const MAX_TAG_LINES: usize = 50;

/// GET and HEAD of a manifest. What a tag points to is negotiated; a digest names its content itself. Webhooks hear of a GET alone: a
/// HEAD, or a copy that is still good, is no pull.
pub(super) async fn read(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    reference: &Reference,
    reading: Reading,
) -> Result<Response, ApiError> {
    let (found, target) = match reference {
        Reference::Tag(tag) => (visit.registry.acceptable_manifest(repository, tag, &accept(request)).await, tag.as_str()),
        Reference::Digest(digest) => (visit.registry.manifest(repository, reference).await, digest.as_str()),
    };
    let manifest = visit.shown(repository, Some(target), found).await?;
    let digest = &manifest.digest;
    condition::require_match(request, digest)?;
    let mut response = if condition::none_match(request, digest) {
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
    if matches!(reference, Reference::Tag(_)) {
        map.insert(VARY, headers::ACCEPT_VARIES);
    }
    Ok(response)
}

fn accept(request: &HeaderMap) -> Accept {
    Accept::parse(request.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()))
}

/// PUT of a manifest.
pub(super) async fn put(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    target: PushTarget,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let (content_type, condition) = (content_type(request)?, condition::of_change(request)?);
    let by_digest = matches!(target, PushTarget::Digest { .. });
    let body = body.read(visit.registry.rules().max_manifest_bytes).await?;
    let push = ManifestPush { target, content_type, body, condition };
    let pushed = visit.registry.put_manifest(visit.act(), repository, push).await?;
    let mut response = created(format!("/v2/{repository}/manifests/{}", pushed.digest), &pushed.digest);
    let map = response.headers_mut();
    map.insert(ETAG, headers::etag(&pushed.digest));
    if let Some(subject) = pushed.subject {
        map.insert(headers::OCI_SUBJECT, headers::value(subject.as_str().to_owned()));
    }
    if by_digest {
        name_tags(map, &pushed.tags);
    }
    warning::add(map, &pushed.warnings);
    Ok(response)
}

/// A line for each tag that was set beside the digest; where there are very many, several of them share a line.
fn name_tags(headers: &mut HeaderMap, tags: &[Tag]) {
    for line in tags.chunks(tags.len().div_ceil(MAX_TAG_LINES).max(1)) {
        let line: Vec<&str> = line.iter().map(Tag::as_str).collect();
        headers.append(headers::OCI_TAG, headers::value(line.join(", ")));
    }
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
pub(super) async fn delete(
    visit: &Visit,
    request: &HeaderMap,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Response, ApiError> {
    let condition = condition::of_change(request)?;
    let deleted = visit.registry.delete_manifest(visit.act(), repository, reference, &condition).await;
    let warnings = deleted.map_err(|error| ApiError::not_deleted(error, "GET, HEAD, PUT"))?;
    let mut response = empty(StatusCode::ACCEPTED);
    warning::add(response.headers_mut(), &warnings);
    Ok(response)
}

//! Header names and values that occur in more than one place.

use axum::http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bulkhead_oci::{ByteRange, Digest};

pub(crate) const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub(crate) const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
pub(crate) const OCI_CHUNK_MIN_LENGTH: HeaderName = HeaderName::from_static("oci-chunk-min-length");
pub(crate) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub(crate) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
pub(crate) const OCI_TAG: HeaderName = HeaderName::from_static("oci-tag");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");
pub(crate) const REGISTRY_2: HeaderValue = HeaderValue::from_static("registry/2.0");
pub(crate) const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
/// The value of `Vary` where the answer was chosen by `Accept`.
pub(crate) const ACCEPT_VARIES: HeaderValue = HeaderValue::from_static("Accept");

/// Content under a digest never changes; who may see it is decided for each caller, so that shared caches must not keep it.
const FOR_GOOD: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// A value made of parts whose grammars allow visible ASCII alone. Should one be otherwise, the value is empty rather than a way to
/// put a header of one's own into an answer.
pub(crate) fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// A header's one value, as text. None if it is missing, occurs twice, or is no visible ASCII.
pub(crate) fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    if values.next().is_some() { None } else { first.to_str().ok() }
}

/// The entity tag of content under this digest, with its quotes.
pub(crate) fn etag(digest: &Digest) -> HeaderValue {
    let text = digest.as_str();
    let mut tag = String::with_capacity(text.len() + 2);
    tag.push('"');
    tag.push_str(text);
    tag.push('"');
    value(tag)
}

/// What every answer about a blob bears, 304 and ranges included.
pub(crate) fn describe_blob(headers: &mut HeaderMap, digest: &Digest) {
    headers.insert(CONTENT_DIGEST, value(digest.as_str().to_owned()));
    headers.insert(ETAG, etag(digest));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, FOR_GOOD);
}

/// The value of `Content-Range` for a part of an object of `size` bytes.
pub(crate) fn content_range(range: ByteRange, size: u64) -> String {
    let (first, last) = (range.offset, range.offset + range.length - 1);
    format!("bytes {first}-{last}/{size}")
}

/// The type and length of an answer's body.
pub(crate) fn describe_body(headers: &mut HeaderMap, media_type: HeaderValue, length: u64) {
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
}

/// `Location`, on this host.
pub(crate) fn locate(headers: &mut HeaderMap, path: String) {
    headers.insert(LOCATION, value(path));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_a_line_break_becomes_none() {
        assert_eq!(value("a\r\nb: c".to_owned()), "");
    }

    #[test]
    fn a_header_that_occurs_twice_has_no_one_value() {
        let mut headers = HeaderMap::from_iter([(ETAG, HeaderValue::from_static("a"))]);
        assert_eq!(one(&headers, &ETAG), Some("a"));
        headers.append(ETAG, HeaderValue::from_static("b"));
        assert_eq!(one(&headers, &ETAG), None);
    }
}

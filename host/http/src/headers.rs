//! Header names and values that occur in more than one place.

use axum::http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bulkhead_oci::Digest;

pub(crate) const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
pub(crate) const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");
pub(crate) const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
pub(crate) const OCI_FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");
pub(crate) const REGISTRY_2: HeaderValue = HeaderValue::from_static("registry/2.0");
pub(crate) const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

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

/// Whether the client has this content already (RFC 9110, 13.1.2: weak comparison, any of the listed tags, or `*`).
pub(crate) fn none_match(headers: &HeaderMap, digest: &Digest) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|tag| {
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            tag == "*" || tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) == Some(digest.as_str())
        })
    })
}

/// Whether a `Range` is to be honoured (RFC 9110, 13.1.5: only if the client's part is of this very content).
pub(crate) fn range_applies(headers: &HeaderMap, digest: &Digest) -> bool {
    match headers.get(IF_RANGE) {
        None => true,
        Some(tag) => tag
            .to_str()
            .is_ok_and(|tag| tag.trim().strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) == Some(digest.as_str())),
    }
}

/// What every answer about a blob bears, 304 and ranges included.
pub(crate) fn describe_blob(headers: &mut HeaderMap, digest: &Digest) {
    headers.insert(CONTENT_DIGEST, value(digest.as_str().to_owned()));
    headers.insert(ETAG, etag(digest));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, FOR_GOOD);
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

    fn digest() -> Digest {
        format!("sha256:{}", "a".repeat(64)).parse().unwrap()
    }

    fn with(name: HeaderName, text: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(text).unwrap())])
    }

    #[test]
    fn a_client_that_has_the_content_is_recognised_by_any_of_its_tags() {
        let tag = format!("\"{}\"", digest());
        for list in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert!(none_match(&with(IF_NONE_MATCH, &list), &digest()), "{list}");
        }
        for list in ["\"x\"".to_owned(), digest().to_string(), String::new()] {
            assert!(!none_match(&with(IF_NONE_MATCH, &list), &digest()), "{list}");
        }
        assert!(!none_match(&HeaderMap::new(), &digest()));
    }

    #[test]
    fn a_range_of_other_content_is_not_honoured() {
        assert!(range_applies(&HeaderMap::new(), &digest()));
        assert!(range_applies(&with(IF_RANGE, &format!("\"{}\"", digest())), &digest()));
        assert!(!range_applies(&with(IF_RANGE, "\"other\""), &digest()));
        assert!(!range_applies(&with(IF_RANGE, "Wed, 21 Oct 2015 07:28:00 GMT"), &digest()));
    }

    #[test]
    fn a_value_with_a_line_break_becomes_none() {
        assert_eq!(value("a\r\nb: c".to_owned()), "");
    }

    #[test]
    fn a_header_that_occurs_twice_has_no_one_value() {
        let mut headers = with(ETAG, "a");
        assert_eq!(one(&headers, &ETAG), Some("a"));
        headers.append(ETAG, HeaderValue::from_static("b"));
        assert_eq!(one(&headers, &ETAG), None);
    }
}

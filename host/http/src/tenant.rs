//! Which registry a request is for: the one whose host name the client used; tenants are walls, and this is the door.

use std::sync::Arc;

use axum::http::header::HOST;
use axum::http::request::Parts;
use bulkhead_core::registry::{Host, Registry};

use crate::error::ApiError;
use crate::headers;

/// A name of 253 bytes, and a port.
const MAX_HOST: usize = 260;

/// The host as the client named it, in lower case.
///
/// # Errors
/// 400 if it is missing, twice there, or no `host` or `host:port`.
pub(crate) fn named_host(parts: &Parts) -> Result<Arc<str>, ApiError> {
    let named = match parts.uri.authority() {
        // HTTP/2 sends it here, and so does an HTTP/1.1 client that takes this host for a proxy (RFC 9112, 3.2.2).
        Some(authority) => authority.as_str(),
        None => headers::one(&parts.headers, &HOST).ok_or_else(ApiError::bad_host)?,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'_' | b'[' | b']');
    if named.is_empty() || named.len() > MAX_HOST || !named.bytes().all(plain) {
        return Err(ApiError::bad_host());
    }
    if named.bytes().any(|byte| byte.is_ascii_uppercase()) { Ok(named.to_ascii_lowercase().into()) } else { Ok(named.into()) }
}

/// The registry that answers to this host.
///
/// # Errors
/// 404 if none does.
pub(crate) fn registry_of<'a>(host: &'a Host, named: &str) -> Result<&'a Arc<Registry>, ApiError> {
    host.resolve(named).ok_or_else(ApiError::nobodys_host)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn named(uri: &str, hosts: &[&str]) -> Option<String> {
        let request = hosts.iter().fold(Request::builder().uri(uri), |request, host| request.header(HOST, *host));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        named_host(&parts).ok().map(|host| host.to_string())
    }

    #[test]
    fn a_host_is_named_by_header_or_by_the_request_line() {
        assert_eq!(named("/v2/", &["Registry.Test:5000"]).as_deref(), Some("registry.test:5000"));
        assert_eq!(named("/v2/", &["[::1]:5000"]).as_deref(), Some("[::1]:5000"));
        assert_eq!(named("http://a.test/v2/", &["b.test"]).as_deref(), Some("a.test"));
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        let long = "a".repeat(261);
        for bad in ["", "a b", "a/b", "user@a", "a\"b", "a,b", &long] {
            assert_eq!(named("/v2/", &[bad]), None, "{bad}");
        }
        assert_eq!(named("/v2/", &[]), None);
        assert_eq!(named("/v2/", &["a", "b"]), None);
        assert_eq!(named("http://user@a/v2/", &[]), None);
    }
}

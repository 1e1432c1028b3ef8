//! Requests to origins that the operator granted. Redirects are never followed by the host.

use super::host;
use crate::{Header, HttpRequest, HttpResponse, Result};

/// Sends a request and waits for its answer, whatever its status. `denied` if the origin is not granted.
pub fn send(request: &HttpRequest) -> Result<HttpResponse> {
    host::http::send(request)
}

/// Scheme, host and port of a URL of http or https, in lower case, as `https://ci.example.com:8443`. None: it is no such URL, or has a name
/// or a password in it. For the check of a setting, so that a mistake stops the start.
pub fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let is_known = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    let is_clean = url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_url = is_known && is_clean && !host.is_empty() && !host.starts_with(':') && host.bytes().all(is_plain);
    is_url.then(|| format!("{scheme}://{host}").to_ascii_lowercase())
}

/// Whether a header may have this name (RFC 9110, section 5.6.2).
pub fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

impl HttpRequest {
    /// A request without a body.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A request with a body of that media type.
    pub fn post(url: impl Into<String>, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let bare = Self { method: "POST".to_owned(), url: url.into(), headers: Vec::new(), body: body.into() };
        bare.with_header("content-type", media_type)
    }

    /// The same with one header more.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

impl HttpResponse {
    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

pub(crate) fn find<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_of_a_url_is_its_scheme_host_and_port() {
        for (url, expected) in [
            ("https://ci.example.com", "https://ci.example.com"),
            ("HTTPS://CI.example.com:8443/a?b#c", "https://ci.example.com:8443"),
            ("http://[::1]:80?x", "http://[::1]:80"),
            ("http://127.0.0.1/@", "http://127.0.0.1"),
        ] {
            assert_eq!(origin(url).as_deref(), Some(expected), "{url}");
        }
        for url in [
            "",
            "ci.example.com",
            "//ci",
            "ftp://ci/",
            "https://",
            "https:///a",
            "https://:80/",
            "https://a b/",
            "https://a/ b",
            "https://u:p@a/",
            "https://u@a/",
            "https://a\\b/",
            "https://ä/",
            "https://a/\n",
            " https://a/",
        ] {
            assert_eq!(origin(url), None, "{url}");
        }
    }

    #[test]
    fn a_headers_name_is_a_token() {
        assert!(is_header_name("X-Api-Key") && is_header_name("a!#$%&'*+-.^_`|~1"));
        for name in ["", "a b", "a:", "ä", "a\n", "(a)"] {
            assert!(!is_header_name(name), "{name}");
        }
    }
}

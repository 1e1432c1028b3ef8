//! Requests to origins that the operator granted. Redirects are never followed by the host.

use super::host;
use crate::{Header, HttpRequest, HttpResponse, Result};

/// Sends a request and waits for its answer, whatever its status. `denied` if the origin is not granted.
pub fn send(request: &HttpRequest) -> Result<HttpResponse> {
    host::http::send(request)
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

fn find<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    headers.iter().find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.as_str())
}

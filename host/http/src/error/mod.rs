//! What a client is told when something went wrong: a status, a code of the specification, a sentence, and never an inner text.

mod map;

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use bulkhead_oci::ErrorCode;
use serde::Serialize;
use serde_json::Value;

use crate::{Response, headers};

/// The most entries of one error body.
const MAX_ENTRIES: usize = 100;

/// An error on its way to the client.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: ErrorCode,
    message: Cow<'static, str>,
    /// One entry of the body each; none: one entry without detail.
    details: Vec<Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What happened inside. For the log alone.
    cause: Option<String>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    errors: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a Value>,
}

/// What a client is told of a fault that is none of its business.
pub(super) const COULD_NOT: &str = "the registry could not do this";

impl ApiError {
    /// A fault of the client's.
    pub(crate) fn new(status: StatusCode, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), details: Vec::new(), headers: Vec::new(), cause: None }
    }

    /// A fault of the host's own: the cause is logged, and the client gets the request's id.
    pub(crate) fn internal(cause: String) -> Self {
        Self { cause: Some(cause), ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Unknown, COULD_NOT) }
    }

    /// The same, with a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same, with a detail (an entry of its own for each).
    pub(crate) fn detail(mut self, detail: Value) -> Self {
        self.details.push(detail);
        self
    }

    /// The answer. Logs the cause, once.
    pub(crate) fn into_response(self, request_id: &str) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(request_id, status = self.status.as_u16(), cause, "request failed");
        }
        let message = match self.status.is_server_error() {
            true => Cow::Owned(format!("{}; the log says why, under request {request_id}", self.message)),
            false => self.message,
        };
        let entry = |detail| Entry { code: self.code.as_str(), message: &message, detail };
        let errors = match self.details.is_empty() {
            true => vec![entry(None)],
            false => self.details.iter().take(MAX_ENTRIES).map(|detail| entry(Some(detail))).collect(),
        };
        // Strings and values of serde_json always serialize; an empty body would still have its status.
        let body = serde_json::to_vec(&Envelope { errors }).unwrap_or_default();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let map = response.headers_mut();
        map.insert(CONTENT_TYPE, headers::JSON);
        map.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        for (name, value) in self.headers {
            map.insert(name, value);
        }
        *response.body_mut() = Body::from(body);
        response
    }
}

#[cfg(test)]
mod tests;

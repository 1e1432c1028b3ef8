//! What a client is told when something went wrong: a status, a code of the specification, a sentence, and never an inner text.

mod map;
mod problem;

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
    /// The same to clients that speak OAuth.
    oauth: Option<OAuthCode>,
    /// What happened inside. For the log alone.
    cause: Option<String>,
}

/// A code of OAuth 2.0 (RFC 6749, sections 4.1.2.1 and 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OAuthCode {
    /// A form that makes no sense.
    InvalidRequest,
    /// A way of asking that is not answered here.
    UnsupportedGrantType,
    /// A credential that is worth nothing here.
    InvalidGrant,
    /// A caller who may not.
    AccessDenied,
    /// Nobody can say for the moment.
    TemporarilyUnavailable,
    /// A fault of the host's own.
    ServerError,
}

#[derive(Serialize)]
struct Envelope<'a> {
    errors: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<OAuthCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'a str>,
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
        Self { status, code, message: message.into(), details: Vec::new(), headers: Vec::new(), oauth: None, cause: None }
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

    /// What the client reads. Logs the cause.
    fn told(&self, request_id: &str) -> Cow<'static, str> {
        if let Some(cause) = &self.cause {
            tracing::error!(request_id, status = self.status.as_u16(), cause, "request failed");
        }
        match self.status.is_server_error() {
            true => Cow::Owned(format!("{}; the log says why, under request {request_id}", self.message)),
            false => self.message.clone(),
        }
    }

    /// The same, with both forms of an error in one body: OAuth's, and the one that registry clients print.
    pub(crate) fn for_oauth(mut self) -> Self {
        self.oauth.get_or_insert(match self.status {
            StatusCode::UNAUTHORIZED => OAuthCode::InvalidGrant,
            StatusCode::FORBIDDEN => OAuthCode::AccessDenied,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => OAuthCode::TemporarilyUnavailable,
            status if status.is_server_error() => OAuthCode::ServerError,
            _ => OAuthCode::InvalidRequest,
        });
        self
    }

    /// A way of asking for tokens that is not answered.
    pub(crate) fn unsupported_grant(message: &'static str) -> Self {
        let answer = Self::new(StatusCode::BAD_REQUEST, ErrorCode::Unsupported, message);
        Self { oauth: Some(OAuthCode::UnsupportedGrantType), ..answer }
    }

    /// The answer to a registry's client. Logs the cause, once.
    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let message = self.told(request_id);
        let entry = |detail| Entry { code: self.code.as_str(), message: &message, detail };
        let errors = match self.details.is_empty() {
            true => vec![entry(None)],
            false => self.details.iter().take(MAX_ENTRIES).map(|detail| entry(Some(detail))).collect(),
        };
        let error_description = self.oauth.map(|_| &*message);
        // Strings and values of serde_json always serialize; an empty body would still have its status.
        let body = serde_json::to_vec(&Envelope { errors, error: self.oauth, error_description }).unwrap_or_default();
        self.answer(headers::JSON, body)
    }

    fn answer(self, media_type: HeaderValue, body: Vec<u8>) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let map = response.headers_mut();
        map.insert(CONTENT_TYPE, media_type);
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

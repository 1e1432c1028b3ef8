//! Errors of the administration API, in the form of RFC 9457.

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use serde::Serialize;

use super::ApiError;
use crate::Response;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    request: &'a str,
}

impl ApiError {
    /// The answer to a request of `/api/`. Logs the cause, once.
    pub(crate) fn into_problem(self, request_id: &str) -> Response {
        let detail = self.told(request_id);
        let problem = Problem {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or_default(),
            status: self.status.as_u16(),
            detail: &detail,
            request: request_id,
        };
        // Strings and numbers always serialize; an empty body would still have its status.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = self.answer(HeaderValue::from_static("application/problem+json"), body);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

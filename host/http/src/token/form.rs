//! The forms of the token service, within bounds.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use bulkhead_core::auth::AuthFailure;
use bulkhead_oci::{ErrorCode, MediaType};
use bytes::Bytes;

use crate::body::ClientBody;
use crate::error::ApiError;
use crate::headers;
use crate::parse::Query;

/// The largest form, in bytes. The largest part of it is a token.
pub(super) const MAX_FORM: usize = 64 * 1024;
/// The longest token that is looked at, in bytes; as in a header.
const MAX_TOKEN: usize = 16 * 1024;

/// A form as it came.
pub(super) struct Form(Bytes);

/// Reads a form.
///
/// # Errors
/// 400 if the body is said to be something else, and what a body that is too large or broken means.
pub(super) async fn read(request: &HeaderMap, body: ClientBody) -> Result<Form, ApiError> {
    let kind: Option<MediaType> = headers::one(request, &CONTENT_TYPE).and_then(|kind| kind.parse().ok());
    if kind.is_none_or(|kind| !kind.as_str().eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return Err(invalid("the body must be a form: send Content-Type: application/x-www-form-urlencoded"));
    }
    body.read(MAX_FORM).await.map(Form)
}

impl Form {
    /// What is in it.
    pub(super) fn fields(&self) -> Result<Query<'_>, ApiError> {
        let text = std::str::from_utf8(&self.0).map_err(|_| invalid("the form is not UTF-8"))?;
        Query::parse(Some(text)).map_err(|_| invalid("the form cannot be read: it is wrongly encoded, or has too many fields"))
    }
}

/// A field that the form cannot do without.
pub(super) fn needed<'a>(form: &'a Query<'_>, name: &'static str) -> Result<&'a str, ApiError> {
    form.one(name)?.ok_or_else(|| missing(name))
}

/// A field that holds a token. Whatever cannot be one is answered as one that is worth nothing.
pub(super) fn token<'a>(form: &'a Query<'_>, name: &'static str) -> Result<&'a str, ApiError> {
    let token = needed(form, name)?;
    let sound = !token.is_empty() && token.len() <= MAX_TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { Ok(token) } else { Err(ApiError::no_token(AuthFailure::InvalidToken)) }
}

/// The form lacks a field.
pub(super) fn missing(name: &'static str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, ErrorCode::Unsupported, format!("the form has no {name}"))
}

fn invalid(message: &'static str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, ErrorCode::Unsupported, message)
}

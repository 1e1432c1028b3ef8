//! The token service (Docker token specification; OAuth 2.0 as registries use it): credentials in, a token for what the caller may out.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bulkhead_core::auth::{IssuedToken, ScopeRequest};
use bulkhead_core::ports::auth::Credential;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::registry::Registry;
use bulkhead_oci::{ErrorCode, MediaType};
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;
use crate::parse::Query;
use crate::{Response, auth};

/// The largest form, in bytes.
const MAX_FORM: usize = 64 * 1024;

/// Clients differ in which of the two names they read.
#[derive(Serialize)]
struct Answer<'a> {
    token: &'a str,
    access_token: &'a str,
    expires_in: u64,
    issued_at: String,
    scope: &'a str,
}

/// An error as RFC 6749, section 5.2, has it.
#[derive(Serialize)]
struct OAuthError {
    error: &'static str,
    error_description: &'static str,
}

/// `GET /oauth2/token?service=&scope=&scope=` with Basic credentials, or none for an anonymous token. Other parameters (`account`,
/// `client_id`, `offline_token`) change nothing: the audience is the host that was asked.
pub(crate) async fn by_query(
    registry: &Registry,
    context: &RequestContext,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Response, ApiError> {
    let query = Query::parse(query)?;
    let credential = auth::credential(headers).map_err(ApiError::no_token_for)?;
    issue(registry, context, credential.as_ref(), &scopes(&query)).await
}

/// `POST /oauth2/token` with a form. Only `grant_type=password`: this host gives no refresh tokens, and a client that holds none goes on
/// with GET.
pub(crate) async fn by_form(
    registry: &Registry,
    context: &RequestContext,
    headers: &HeaderMap,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let kind: Option<MediaType> = crate::headers::one(headers, &CONTENT_TYPE).and_then(|kind| kind.parse().ok());
    if kind.is_none_or(|kind| !kind.as_str().eq_ignore_ascii_case("application/x-www-form-urlencoded")) {
        return Ok(oauth_error("invalid_request", "the body must be application/x-www-form-urlencoded"));
    }
    let form = body.read(MAX_FORM).await?;
    let Ok(form) = std::str::from_utf8(&form) else {
        return Ok(oauth_error("invalid_request", "the form is not UTF-8"));
    };
    let form = Query::parse(Some(form))?;
    match form.one("grant_type")? {
        Some("password") => {}
        Some(_) => return Ok(oauth_error("unsupported_grant_type", "only grant_type=password is answered here")),
        None => return Ok(oauth_error("invalid_request", "the form has no grant_type")),
    }
    let (Some(user), Some(secret)) = (form.one("username")?, form.one("password")?) else {
        return Ok(oauth_error("invalid_request", "the form has no username or no password"));
    };
    let credential = auth::basic(user, secret).map_err(ApiError::no_token_for)?;
    issue(registry, context, Some(&credential), &scopes(&form)).await
}

fn scopes(parameters: &Query<'_>) -> Vec<ScopeRequest> {
    parameters.all("scope").flat_map(ScopeRequest::parse_list).collect()
}

async fn issue(
    registry: &Registry,
    context: &RequestContext,
    credential: Option<&Credential>,
    scopes: &[ScopeRequest],
) -> Result<Response, ApiError> {
    let token = registry.gate().issue(context, credential, scopes).await.map_err(ApiError::no_token)?;
    let IssuedToken { token, expires_in, issued_at, scope } = &token;
    let issued_at = rfc3339(*issued_at);
    let mut response = json(&Answer { token, access_token: token, expires_in: *expires_in, issued_at, scope });
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The beginning of time if the clock is beyond what a date can say.
fn rfc3339(at: Timestamp) -> String {
    let seconds = i64::try_from(at.seconds()).unwrap_or_default();
    let at = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    at.format(&Rfc3339).unwrap_or_default()
}

/// Both forms of an error in one body: OAuth's, and the one that registry clients print.
fn oauth_error(error: &'static str, description: &'static str) -> Response {
    #[derive(Serialize)]
    struct Both {
        #[serde(flatten)]
        oauth: OAuthError,
        errors: [serde_json::Value; 1],
    }
    let errors = [serde_json::json!({ "code": ErrorCode::Unsupported.as_str(), "message": description })];
    let mut response = json(&Both { oauth: OAuthError { error, error_description: description }, errors });
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;

//! The token service (Docker token specification; OAuth 2.0 as registries use it; Azure Container Registry's exchange): credentials in, a token
//! for what the caller may out.
//!
//! It reads requests and writes answers. Who a caller is, what it may, and how long a token lives is `bulkhead_core::auth::Gate`'s business. A
//! token is for the host that was asked, whatever `service` says: clients repeat there what the challenge told them.

mod exchange;
mod form;

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue};
use bulkhead_core::auth::{IssuedToken, Offline, ScopeRequest};
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::registry::Registry;
use serde::Serialize;

use crate::Response;
use crate::auth::{self, Presented};
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;
use crate::moment::rfc3339;
use crate::parse::Query;

pub(crate) use exchange::exchange;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Clients differ in which of the two names they read.
#[derive(Serialize)]
struct Answer<'a> {
    token: &'a str,
    access_token: &'a str,
    expires_in: u64,
    issued_at: String,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

/// `GET /oauth2/token?service=&scope=&scope=` with Basic credentials or a certificate, or none for an anonymous token. `offline_token=true`
/// asks for a refresh token too. Other parameters (`account`, `client_id`) change nothing.
pub(crate) async fn by_query(
    registry: &Registry,
    context: &RequestContext,
    presented: Presented,
    query: Option<&str>,
) -> Result<Response, ApiError> {
    let issued = async {
        let query = Query::parse(query)?;
        let credential = presented.map_err(ApiError::no_token_for)?;
        let offline = offline(query.one("offline_token")?, "true");
        let issued = registry.gate().issue(context, credential.as_ref(), &scopes(&query), offline).await;
        issued.map(|issued| answer(&issued)).map_err(ApiError::no_token)
    };
    told(issued.await)
}

/// `POST /oauth2/token` with a form: `grant_type=password` with `username` and `password`, or `refresh_token` with one. `access_type=offline`
/// asks for a refresh token beside a password. `scope` is repeated, or one text with spaces.
pub(crate) async fn by_form(
    registry: &Registry,
    context: &RequestContext,
    headers: &HeaderMap,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let issued = async {
        let form = form::read(headers, body).await?;
        let form = form.fields()?;
        let gate = registry.gate();
        let issued = match form.one("grant_type")? {
            Some("password") => {
                let (user, secret) = (form::needed(&form, "username")?, form::needed(&form, "password")?);
                let credential = auth::basic(user, secret).map_err(ApiError::no_token_for)?;
                let offline = offline(form.one("access_type")?, "offline");
                gate.issue(context, Some(&credential), &scopes(&form), offline).await
            }
            Some("refresh_token") => {
                let token = form::token(&form, "refresh_token")?;
                gate.refresh(context, token, &scopes(&form)).await
            }
            Some(_) => return Err(ApiError::unsupported_grant("grant_type is password or refresh_token here")),
            None => return Err(form::missing("grant_type")),
        };
        issued.map(|issued| answer(&issued)).map_err(ApiError::no_token)
    };
    told(issued.await)
}

fn offline(said: Option<&str>, wanted: &str) -> Offline {
    if said == Some(wanted) { Offline::Wanted } else { Offline::NotWanted }
}

fn scopes(parameters: &Query<'_>) -> Vec<ScopeRequest> {
    parameters.all("scope").flat_map(ScopeRequest::parse_list).collect()
}

fn answer(issued: &IssuedToken) -> Response {
    let IssuedToken { token, expires_in, issued_at, scope, refresh_token } = issued;
    json(&Answer {
        token,
        access_token: token,
        expires_in: *expires_in,
        issued_at: rfc3339(*issued_at),
        scope,
        refresh_token: refresh_token.as_deref(),
    })
}

/// Nothing of this service is kept by anybody on the way, and an error is told in both of the forms that clients read.
fn told(answer: Result<Response, ApiError>) -> Result<Response, ApiError> {
    match answer {
        Ok(mut response) => {
            response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
            Ok(response)
        }
        Err(error) => Err(error.for_oauth().header(CACHE_CONTROL, NO_STORE)),
    }
}

#[cfg(test)]
mod tests;

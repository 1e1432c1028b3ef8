//! `POST /oauth2/exchange`, as Azure Container Registry has it: the token of an identity provider in, a refresh token of this host out.

use axum::http::HeaderMap;
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::registry::Registry;
use serde::Serialize;

use super::{form, told};
use crate::Response;
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;

#[derive(Serialize)]
struct Exchanged<'a> {
    refresh_token: &'a str,
}

/// A form with `grant_type=access_token` and an `access_token`. `access_token_refresh_token` is the same: what else it brings (a refresh token
/// of that provider) is of no use here. `service` and `tenant` change nothing: the token itself says where it is from.
pub(crate) async fn exchange(
    registry: &Registry,
    context: &RequestContext,
    headers: &HeaderMap,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let exchanged = async {
        let form = form::read(headers, body).await?;
        let form = form.fields()?;
        match form.one("grant_type")? {
            Some("access_token" | "access_token_refresh_token") => {}
            Some(_) => {
                let message = "grant_type is access_token or access_token_refresh_token here";
                return Err(ApiError::unsupported_grant(message));
            }
            None => return Err(form::missing("grant_type")),
        }
        let token = form::token(&form, "access_token")?;
        let exchanged = registry.gate().exchange(context, token).await.map_err(ApiError::no_token)?;
        Ok(json(&Exchanged { refresh_token: &exchanged }))
    };
    told(exchanged.await)
}

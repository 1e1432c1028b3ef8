//! The way of a request: its registry, its meaning, its caller, its answer.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, USER_AGENT, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use bulkhead_core::auth::Caller;
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::registry::Registry;
use bytes::Bytes;
use http_body::Body as HttpBody;

use crate::api::ApiCall;
use crate::body::{ClientBody, Sending};
use crate::error::ApiError;
use crate::parse::{API, Call, ParseError, parse};
use crate::peer::{Door, Origin, Peer, operator};
use crate::v2::Visit;
use crate::{Response, api, auth, headers, tenant, token, v2};

/// What is kept of a client's own words.
const MAX_USER_AGENT: usize = 512;

/// Answers a request, whatever it is.
pub(crate) async fn answer<B>(peer: &Peer, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let (parts, body) = request.into_parts();
    let sending = if parts.headers.contains_key(EXPECT) { Sending::WhenTold } else { Sending::Now };
    let body = ClientBody::new(body, sending, peer.app.limits.idle);
    let id = request_id();
    let response = match route(peer, &parts, body, &id).await {
        Ok(response) => response,
        Err(error) if parts.uri.path().starts_with(API) => error.into_problem(&id),
        Err(error) => error.into_response(&id),
    };
    let response = finish(response, &parts, &id);
    tracing::debug!(
        request_id = &*id,
        address = peer.address(),
        method = parts.method.as_str(),
        path = parts.uri.path(),
        status = response.status().as_u16(),
        "answered"
    );
    response
}

/// What is rarer than a pull is boxed, so that the future of a pull stays small.
async fn route(peer: &Peer, parts: &Parts, body: ClientBody, id: &Arc<str>) -> Result<Response, ApiError> {
    let call = parse(&parts.method, parts.uri.path(), parts.uri.query());
    // Probes come by address, so they are answered whatever the host.
    match call {
        Ok(Call::Live) => return Ok(text(StatusCode::OK, "ok")),
        Ok(Call::Ready) if peer.app.is_draining() => return Ok(text(StatusCode::SERVICE_UNAVAILABLE, "draining")),
        Ok(Call::Ready) => return Ok(text(StatusCode::OK, "ok")),
        _ => {}
    }
    let call = match peer.door {
        Door::Network => call,
        Door::Admin => return Box::pin(route_admin(peer, parts, call?, body, id)).await,
    };
    let host = tenant::named_host(parts)?;
    let registry = tenant::registry_of(&peer.app.host, &host)?;
    let call = call?;
    let now = peer.app.clock.now();
    let Origin { address, source, encrypted, certificate } = peer.origin(&parts.headers, now);
    let context = RequestContext {
        request_id: Arc::clone(id),
        registry: registry.name().clone(),
        received: now,
        address,
        source,
        host,
        method: parts.method.as_str().into(),
        user_agent: user_agent(&parts.headers),
        encrypted,
    };
    let presented = auth::presented(&parts.headers, certificate);
    match call {
        Call::Live | Call::Ready => Ok(text(StatusCode::OK, "ok")),
        Call::Keys => Ok(json(&registry.gate().jwks())),
        Call::TokenByQuery => Box::pin(token::by_query(registry, &context, presented, parts.uri.query())).await,
        Call::TokenByForm => Box::pin(token::by_form(registry, &context, &parts.headers, body)).await,
        Call::Exchange => Box::pin(token::exchange(registry, &context, &parts.headers, body)).await,
        Call::Registry(operation) => {
            let caller = auth::admit(registry, &context, presented, &operation).await?;
            let visit = Visit { registry: Arc::clone(registry), context, caller };
            v2::perform(&visit, operation, &parts.headers, body).await
        }
        Call::Api(call) => {
            let caller = auth::admit_administrator(registry, &context, presented).await?;
            match call {
                // An administrator of one registry is nobody at another, and learns nothing of it.
                ApiCall::Registry { registry: named, operation } if named == *registry.name() => {
                    let visit = Visit { registry: Arc::clone(registry), context, caller };
                    Box::pin(api::perform(&peer.app, &visit, operation, &parts.headers, body)).await
                }
                ApiCall::Registry { .. } | ApiCall::RotateKeys => Err(ParseError::NoRoute.into()),
            }
        }
    }
}

/// What the operator asks. There is nothing but administration, and it names its registry itself.
async fn route_admin(peer: &Peer, parts: &Parts, call: Call, body: ClientBody, id: &Arc<str>) -> Result<Response, ApiError> {
    let app = &peer.app;
    let (named, operation) = match call {
        Call::Api(ApiCall::RotateKeys) => return api::rotate_keys(app).await,
        Call::Api(ApiCall::Registry { registry, operation }) => (registry, operation),
        _ => return Err(ParseError::NoRoute.into()),
    };
    let found = app.host.registries().find(|registry| *registry.name() == named);
    let registry: &Arc<Registry> = found.ok_or_else(|| api::unknown_registry(&named, &app.host))?;
    let now = app.clock.now();
    let Origin { address, source, encrypted, .. } = peer.origin(&parts.headers, now);
    let context = RequestContext {
        request_id: Arc::clone(id),
        registry: named,
        received: now,
        address,
        source,
        host: "localhost".into(),
        method: parts.method.as_str().into(),
        user_agent: user_agent(&parts.headers),
        encrypted,
    };
    let visit = Visit { registry: Arc::clone(registry), context, caller: Caller::Known(Arc::new(operator())) };
    api::perform(app, &visit, operation, &parts.headers, body).await
}

/// What every answer bears, and what none to a HEAD may have.
fn finish(mut response: Response, parts: &Parts, id: &str) -> Response {
    let map = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        map.insert(headers::REQUEST_ID, id);
    }
    map.insert(X_CONTENT_TYPE_OPTIONS, headers::NOSNIFF);
    if parts.uri.path().starts_with("/v2") {
        map.insert(headers::API_VERSION, headers::REGISTRY_2);
    }
    if parts.method == Method::HEAD {
        let length = HttpBody::size_hint(response.body()).exact();
        if let Some(length) = length.filter(|length| *length > 0) {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        *response.body_mut() = Body::empty();
    }
    response
}

/// 16 hex digits.
fn request_id() -> Arc<str> {
    let mut digits = [0; 16];
    let mut rest = rand::random::<u64>();
    for digit in &mut digits {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
    String::from_utf8_lossy(&digits).into()
}

fn user_agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    // It is ASCII, so every byte is a boundary.
    Some(text[..text.len().min(MAX_USER_AGENT)].into())
}

fn text(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A JSON document.
pub(crate) fn json(value: &impl serde::Serialize) -> Response {
    // Maps with text keys, lists and numbers always serialize.
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    response.headers_mut().insert(CONTENT_TYPE, headers::JSON);
    response
}

#[cfg(test)]
mod tests;

//! The way of a request: its registry, its meaning, its caller, its answer.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, USER_AGENT, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use bulkhead_core::ports::context::RequestContext;
use bytes::Bytes;
use http_body::Body as HttpBody;

use crate::app::App;
use crate::body::{ClientBody, Sending};
use crate::error::ApiError;
use crate::parse::{Call, parse};
use crate::v2::Visit;
use crate::{Response, auth, headers, tenant, token, v2};

/// What is kept of a client's own words.
const MAX_USER_AGENT: usize = 512;

/// Who is at the other end.
pub(crate) struct Peer {
    pub app: Arc<App>,
    /// Address and port.
    pub address: Arc<str>,
    /// Whether it is TLS.
    pub encrypted: bool,
}

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
        Err(error) => error.into_response(&id),
    };
    let response = finish(response, &parts, &id);
    tracing::debug!(
        request_id = &*id,
        address = &*peer.address,
        method = parts.method.as_str(),
        path = parts.uri.path(),
        status = response.status().as_u16(),
        "answered"
    );
    response
}

async fn route(peer: &Peer, parts: &Parts, body: ClientBody, id: &Arc<str>) -> Result<Response, ApiError> {
    let call = parse(&parts.method, parts.uri.path(), parts.uri.query());
    // Probes come by address, so they are answered whatever the host.
    match call {
        Ok(Call::Live) => return Ok(text(StatusCode::OK, "ok")),
        Ok(Call::Ready) if peer.app.is_draining() => return Ok(text(StatusCode::SERVICE_UNAVAILABLE, "draining")),
        Ok(Call::Ready) => return Ok(text(StatusCode::OK, "ok")),
        _ => {}
    }
    let host = tenant::named_host(parts)?;
    let registry = tenant::registry_of(&peer.app.host, &host)?;
    let call = call?;
    let context = RequestContext {
        request_id: Arc::clone(id),
        registry: registry.name().clone(),
        received: peer.app.clock.now(),
        address: Arc::clone(&peer.address),
        host,
        method: parts.method.as_str().into(),
        user_agent: user_agent(&parts.headers),
        encrypted: peer.encrypted,
    };
    match call {
        Call::Live | Call::Ready => Ok(text(StatusCode::OK, "ok")),
        Call::Keys => Ok(json(&registry.gate().jwks())),
        Call::TokenByQuery => token::by_query(registry, &context, &parts.headers, parts.uri.query()).await,
        Call::TokenByForm => token::by_form(registry, &context, &parts.headers, body).await,
        Call::Registry(operation) => {
            let caller = auth::admit(registry, &context, &parts.headers, &operation).await?;
            let visit = Visit { registry: Arc::clone(registry), context, caller };
            v2::perform(&visit, operation, &parts.headers, body).await
        }
    }
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

//! Requests as plugins write them, checked and bounded, and answers as plugins get them.

use std::time::Duration;

use bulkhead_core::ports::event::HttpRequest;
use bulkhead_core::ports::plugin::PluginError;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Request, StatusCode, Url};

use super::origin::Origin;

/// The longest URL, in bytes.
const MAX_URL_BYTES: usize = 8 * 1024;
/// The most headers of a request or an answer.
const MAX_HEADERS: usize = 100;
/// The most bytes of all their names and values together.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// What a plugin may not say itself, since it governs the connection: the client says it.
const HOP_BY_HOP: [&str; 9] =
    ["connection", "expect", "http2-settings", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// Why a request was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    /// The origin is not granted, or its name stands for an address that no plugin may reach. Nothing was sent.
    #[error("{0}")]
    NotGranted(String),
    /// The request makes no sense. Nothing was sent.
    #[error("{0}")]
    Invalid(String),
    /// No answer came, or none that can be handed on.
    #[error("{0}")]
    Away(String),
}

impl From<SendError> for PluginError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NotGranted(text) => Self::NotGranted(text),
            SendError::Invalid(text) => Self::Nonsense(text),
            SendError::Away(reason) => Self::Unavailable { reason, retry_after: None },
        }
    }
}

/// A plugin's request without its body, if its origin is one of `granted`.
pub(super) fn head(granted: &[Origin], request: &HttpRequest) -> Result<Request, SendError> {
    if request.url.len() > MAX_URL_BYTES {
        return Err(SendError::Invalid(format!("a URL of {} bytes: at most {MAX_URL_BYTES}", request.url.len())));
    }
    let url = Url::parse(&request.url).map_err(|error| SendError::Invalid(format!("not an absolute URL: {error}")))?;
    let origin = Origin::of(&url).map_err(|error| SendError::Invalid(error.to_string()))?;
    if !granted.contains(&origin) {
        return Err(SendError::NotGranted(format!("the origin {origin} is not granted: add it to grants.http")));
    }
    let method = Method::from_bytes(request.method.as_bytes())
        .ok()
        .filter(|method| !matches!(*method, Method::CONNECT | Method::TRACE))
        .ok_or_else(|| SendError::Invalid(format!("{:?} is no method that can be sent", request.method)))?;
    let headers = checked(&url, &request.headers)?;
    let mut head = Request::new(method, url);
    *head.headers_mut() = headers;
    Ok(head)
}

/// `Host` would reach another server behind a granted address, so it must be the URL's; the length is what the client sends.
fn checked(url: &Url, headers: &[(String, String)]) -> Result<HeaderMap, SendError> {
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(SendError::Invalid(format!(
            "{} headers of {bytes} bytes: at most {MAX_HEADERS} of {MAX_HEADER_BYTES}",
            headers.len()
        )));
    }
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let parsed: HeaderName = name.parse().map_err(|_| SendError::Invalid(format!("{name:?} is no header name")))?;
        if HOP_BY_HOP.contains(&parsed.as_str()) || parsed.as_str().starts_with("proxy-") {
            return Err(SendError::Invalid(format!("the header {parsed} is the host's to send, not a plugin's")));
        }
        if parsed == HOST && !is_host_of(url, value) {
            return Err(SendError::Invalid("the header host must be the URL's host and port".to_owned()));
        }
        if parsed == HOST || parsed == CONTENT_LENGTH {
            continue;
        }
        let value = HeaderValue::from_str(value).map_err(|_| {
            SendError::Invalid(format!("the value of the header {parsed} has characters that no header may have"))
        })?;
        map.append(parsed, value);
    }
    Ok(map)
}

fn is_host_of(url: &Url, value: &str) -> bool {
    let Some(host) = url.host_str() else { return false };
    let with_port = |port: u16| value.eq_ignore_ascii_case(&format!("{host}:{port}"));
    match url.port() {
        Some(port) => with_port(port),
        None => value.eq_ignore_ascii_case(host) || url.port_or_known_default().is_some_and(with_port),
    }
}

/// An answer's headers, in order, values that are no UTF-8 with replacement characters. What is beyond the bounds is left out.
pub(crate) fn headers_of(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut bytes = 0;
    headers
        .iter()
        .take(MAX_HEADERS)
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .take_while(|(name, value)| {
            bytes += name.len() + value.len();
            bytes <= MAX_HEADER_BYTES
        })
        .collect()
}

/// What an answer with this status means for a storage driver that sent the host there.
pub(crate) fn status_error(status: StatusCode, headers: &HeaderMap) -> PluginError {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => PluginError::NotFound,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => PluginError::Denied(format!("the storage answered {status}")),
        StatusCode::RANGE_NOT_SATISFIABLE => PluginError::Invalid(format!("the storage answered {status}")),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => away(status, headers),
        _ if status.is_server_error() => away(status, headers),
        _ => PluginError::Nonsense(format!("the storage answered {status}, which is no answer to what the plugin asked")),
    }
}

fn away(status: StatusCode, headers: &HeaderMap) -> PluginError {
    PluginError::Unavailable { reason: format!("the storage answered {status}"), retry_after: retry_after(headers) }
}

/// `Retry-After` in seconds; one with a date is as none.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse::<u32>().ok()?;
    Some(Duration::from_secs(u64::from(seconds)))
}

#[cfg(test)]
mod tests;

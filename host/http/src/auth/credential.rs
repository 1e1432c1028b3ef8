//! The `Authorization` header (RFC 9110, 11.6.2), with bounds.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bulkhead_core::ports::auth::Credential;

/// The longest credential that is looked at, in bytes as sent.
const MAX_HEADER: usize = 16 * 1024;
const MAX_USER: usize = 1024;
const MAX_SECRET: usize = 8 * 1024;

/// Clients differ about padding.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// A header that says something, but no credential that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the Authorization header is neither Basic nor Bearer as RFC 7617 and RFC 6750 have them, or too long")]
pub(crate) struct MalformedCredential;

/// What the client presents. None: nothing at all.
///
/// # Errors
/// [`MalformedCredential`]. It is never taken for none: who tried to say who they are is not anonymous.
pub(crate) fn credential(headers: &HeaderMap) -> Result<Option<Credential>, MalformedCredential> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() || value.len() > MAX_HEADER {
        return Err(MalformedCredential);
    }
    let text = value.to_str().map_err(|_| MalformedCredential)?.trim();
    let (scheme, rest) = text.split_once(' ').ok_or(MalformedCredential)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = BASE64.decode(rest).map_err(|_| MalformedCredential)?;
        let decoded = String::from_utf8(decoded).map_err(|_| MalformedCredential)?;
        let (user, secret) = decoded.split_once(':').ok_or(MalformedCredential)?;
        return basic(user, secret).map(Some);
    }
    let is_token = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic());
    if scheme.eq_ignore_ascii_case("bearer") && is_token {
        return Ok(Some(Credential::Bearer(rest.to_owned())));
    }
    Err(MalformedCredential)
}

/// A user's name and secret, within their bounds and without control characters.
///
/// # Errors
/// [`MalformedCredential`].
pub(crate) fn basic(user: &str, secret: &str) -> Result<Credential, MalformedCredential> {
    let sound = |text: &str, most: usize| text.len() <= most && !text.chars().any(char::is_control);
    if sound(user, MAX_USER) && sound(secret, MAX_SECRET) {
        Ok(Credential::Basic { user: user.to_owned(), secret: secret.to_owned() })
    } else {
        Err(MalformedCredential)
    }
}

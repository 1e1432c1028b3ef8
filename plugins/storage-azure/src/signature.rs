//! Shared Key: each request is signed with the account key in its `authorization` header.
//!
//! What is signed is written down in "Authorize with Shared Key" of the service's reference. The signature has the body's length in it, so it
//! is for requests alone whose body is known.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bulkhead_plugin_sdk::prelude::*;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// An account key.
pub struct Key(Hmac<Sha256>);

impl Key {
    /// From base64, as the service hands it out. The error says nothing of the key.
    pub fn parse(text: &str) -> Result<Self> {
        let bytes = STANDARD.decode(text).map_err(|_| Error::invalid("an account key is base64"))?;
        if bytes.is_empty() {
            return Err(Error::invalid("the account key is empty"));
        }
        Ok(Self(Hmac::new_from_slice(&bytes).expect("HMAC takes keys of any length")))
    }

    /// The signature of a text, in base64.
    pub fn sign(&self, text: &str) -> String {
        let mut signing = self.0.clone();
        signing.update(text.as_bytes());
        STANDARD.encode(signing.finalize().into_bytes())
    }

    /// The value of the `authorization` header for a request as it is.
    pub fn authorization(&self, account: &str, request: &HttpRequest) -> String {
        format!("SharedKey {account}:{}", self.sign(&text_to_sign(account, request)))
    }
}

/// The request as it is signed.
fn text_to_sign(account: &str, request: &HttpRequest) -> String {
    const HEADERS: [&str; 11] = [
        "content-encoding",
        "content-language",
        "content-length",
        "content-md5",
        "content-type",
        "date",
        "if-modified-since",
        "if-match",
        "if-none-match",
        "if-unmodified-since",
        "range",
    ];
    let length = if request.body.is_empty() { String::new() } else { request.body.len().to_string() };
    let value = |name: &str| if name == "content-length" { length.as_str() } else { request.header(name).unwrap_or_default() };
    let mut text = format!("{}\n", request.method);
    for name in HEADERS {
        text.push_str(value(name));
        text.push('\n');
    }
    text.push_str(&own_headers(request));
    text.push_str(&resource(account, &request.url));
    text
}

/// The service's own headers in the order of their names.
fn own_headers(request: &HttpRequest) -> String {
    let lower = request.headers.iter().map(|header| (header.name.to_ascii_lowercase(), header.value.trim()));
    let mut own: Vec<(String, &str)> = lower.filter(|(name, _)| name.starts_with("x-ms-")).collect();
    own.sort();
    own.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
}

/// The account, the path as it is sent, and the query's parameters, decoded, in the order of their names. Where the path begins with the
/// account, as an emulator's does, it is there twice.
fn resource(account: &str, url: &str) -> String {
    let (url, query) = url.split_once('?').unwrap_or((url, ""));
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut parameters: Vec<(String, String)> =
        pairs.map(|(name, value)| (decode(name).to_ascii_lowercase(), decode(value))).collect();
    parameters.sort();
    let parameters: String = parameters.iter().map(|(name, value)| format!("\n{name}:{value}")).collect();
    format!("/{account}/{path}{parameters}")
}

/// Text as a value of a query.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// What [`encode`] was given.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let coded = after.get(..2).filter(|_| *first == b'%').and_then(|digits| str::from_utf8(digits).ok());
        match coded.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

//! A token in the compact form of JWS (RFC 7515): taken apart, and nothing of it believed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// A token whose signature nobody has checked yet.
pub struct Token<'a> {
    /// What the signature is over: header and payload as they came.
    pub signed: &'a str,
    /// In base64url.
    pub signature: &'a str,
    /// The payload.
    pub claims: Map<String, Value>,
    header: &'a str,
}

/// What of a header counts. A key that it brings along, or says where to find (`jwk`, `jku`, `x5c`, `x5u`), never does.
#[derive(serde::Deserialize)]
pub struct Header {
    /// The algorithm that the token claims for itself.
    pub alg: String,
    /// Which of the issuer's keys.
    #[serde(default)]
    pub kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

impl<'a> Token<'a> {
    /// None: this is no such token.
    pub fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        Some(Self { signed, signature, claims: decode(payload)?, header })
    }

    /// Who it says has issued it.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// Its header. The error says why no token of an issuer has such a one.
    pub fn header(&self) -> Result<Header, String> {
        let header: Header = decode(self.header).ok_or("its header is not understood")?;
        if header.crit.is_some() {
            return Err("its header has extensions that have to be understood, and none is".to_owned());
        }
        // What an issuer signs for other purposes, such as a logout, is no login.
        let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
        match typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ)) {
            None | Some("jwt" | "at+jwt") => Ok(header),
            Some(_) => Err("its type is neither `JWT` nor `at+jwt`".to_owned()),
        }
    }
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

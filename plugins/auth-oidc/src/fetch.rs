//! Where an issuer's keys are, and getting them: by discovery (OpenID Connect Discovery 1.0, section 4), or from where the settings say.
//!
//! The host sends the requests, to granted origins alone, and follows no redirect.

use bulkhead_plugin_sdk::prelude::*;
use serde_json::Value;

use crate::jwk::{self, Key};

/// Where the keys of an issuer are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A document that names the issuer, and says where its keys are.
    Discovery(String),
    /// The key set itself.
    KeySet(String),
}

impl Source {
    /// The issuer's keys as they are now, at least one. Errors say what was not as it should be, with its URL.
    pub fn fetch(&self, issuer: &str) -> Result<Vec<Key>> {
        let uri = match self {
            Self::KeySet(uri) => uri.clone(),
            Self::Discovery(uri) => discover(uri, issuer)?,
        };
        let keys = jwk::read_set(&get(&uri)?).ok_or_else(|| Error::unavailable(format!("{uri} is no key set")))?;
        if keys.is_empty() {
            return Err(Error::unavailable(format!("{uri} has no key that can be used, for RS256, ES256 or EdDSA")));
        }
        Ok(keys)
    }
}

fn discover(uri: &str, issuer: &str) -> Result<String> {
    let document = get(uri)?;
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("issuer") != issuer {
        return Err(Error::unavailable(format!("{uri} is of the issuer `{}`, and not of `{issuer}`", short(text("issuer")))));
    }
    let keys = text("jwks_uri");
    let is_safe =
        http::origin(keys).is_some_and(|of_keys| of_keys.starts_with("https://") || http::origin(issuer) == Some(of_keys));
    if !is_safe {
        return Err(Error::unavailable(format!(
            "{uri} says that the keys are at `{}`, which is neither https nor of the issuer's own origin",
            short(keys)
        )));
    }
    Ok(keys.to_owned())
}

fn get(uri: &str) -> Result<Value> {
    let request = HttpRequest::get(uri).with_header("accept", "application/json");
    let answer = http::send(&request).map_err(|error| error.context(uri))?;
    if answer.status != 200 {
        return Err(Error::unavailable(format!("{uri} answers {}", answer.status)));
    }
    serde_json::from_slice(&answer.body).map_err(|error| Error::unavailable(format!("{uri} is no JSON: {error}")))
}

/// As much of a stranger's text as belongs into a log.
pub fn short(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

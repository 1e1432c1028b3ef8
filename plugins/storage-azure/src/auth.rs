//! What requests are authorized with: an account key, a SAS query, or a token of the machine's own identity.
//!
//! A secret is read again after a minute, and at once after the service refused it, so that one that was rotated is used without a restart. A
//! token is fetched again five minutes before it ends.

use bulkhead_plugin_sdk::Timestamp;
use bulkhead_plugin_sdk::prelude::*;
use serde_json::Value;

use crate::settings::How;
use crate::signature::{Key, encode};

/// How long a secret is used before it is read again.
const SECRET_LIVES: u64 = 60_000;
/// How long before its end a token is not used any more.
const TOKEN_MARGIN: u64 = 300_000;
/// The metadata service may hand out the same token until it ends: it is not asked more often than this.
const TOKEN_LEAST: u64 = 30_000;
/// What a token is for.
const RESOURCE: &str = "https://storage.azure.com/";

/// What a request bears.
pub enum Credential {
    /// Signs it.
    Key(Key),
    /// Goes into its URL.
    Sas(String),
    /// Goes into its `authorization` header.
    Token(String),
}

/// Where credentials come from, and the last one.
pub struct Authority {
    how: How,
    held: Option<(Credential, Timestamp)>,
}

impl Authority {
    /// Checks the secret, where it is one: a grant that is missing stops the server's start.
    pub fn new(how: How) -> Result<Self> {
        let named = match &how {
            How::Key(name) => format!("shared-key: secret `{name}`"),
            How::Sas(name) => format!("sas: secret `{name}`"),
            // The metadata service may be away for the moment.
            How::Identity(..) => return Ok(Self { how, held: None }),
        };
        let held = fetch(&how, clock::now()).map_err(|error| error.context(named))?;
        Ok(Self { how, held: Some(held) })
    }

    /// What holds now.
    pub fn get(&mut self) -> Result<&Credential> {
        let now = clock::now();
        let held = match self.held.take().filter(|(_, until)| now < *until) {
            Some(held) => held,
            None => fetch(&self.how, now)?,
        };
        Ok(&self.held.insert(held).0)
    }

    /// The service refused it: the next one is fetched.
    pub fn forget(&mut self) {
        self.held = None;
    }
}

/// A new credential, and until when it may be used.
fn fetch(how: &How, now: Timestamp) -> Result<(Credential, Timestamp)> {
    match how {
        How::Key(name) => Ok((Credential::Key(Key::parse(secrets::text(name)?.trim())?), now + SECRET_LIVES)),
        How::Sas(name) => Ok((Credential::Sas(sas(&secrets::text(name)?)?), now + SECRET_LIVES)),
        How::Identity(origin, client) => token(origin, client.as_deref(), now),
    }
}

fn sas(text: &str) -> Result<String> {
    let query = text.trim().trim_start_matches('?');
    let is_query = query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        && query.split('&').any(|pair| pair.starts_with("sig="));
    is_query.then(|| query.to_owned()).or_invalid("a SAS is the query of a URL, with `sig=` in it")
}

#[derive(serde::Deserialize)]
struct Answer {
    access_token: String,
    /// In seconds since 1970; services write it as text or as a number.
    expires_on: Value,
}

fn token(origin: &str, client: Option<&str>, now: Timestamp) -> Result<(Credential, Timestamp)> {
    let client = client.map(|id| format!("&client_id={id}")).unwrap_or_default();
    let url = format!("{origin}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}{client}", encode(RESOURCE));
    let answer = http::send(&HttpRequest::get(url).with_header("metadata", "true"))?;
    match answer.status {
        200 => {}
        status @ (400..=407 | 409..=428) => {
            return Err(Error::denied(format!("the metadata service gives no token: it answers {status}")));
        }
        status => return Err(Error::unavailable(format!("the metadata service answers {status}"))),
    }
    // Not with the parser's own text, which quotes what it read.
    let unknown = || Error::unavailable("the metadata service's answer is not understood");
    let Answer { access_token, expires_on } = serde_json::from_slice(&answer.body).map_err(|_| unknown())?;
    let seconds = expires_on.as_u64().or_else(|| expires_on.as_str()?.parse().ok()).ok_or_else(unknown)?;
    if access_token.is_empty() || !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unknown());
    }
    let ends = seconds.saturating_mul(1000);
    let until = ends.saturating_sub(TOKEN_MARGIN).max(ends.min(now + TOKEN_LEAST));
    Ok((Credential::Token(access_token), until))
}

//! One issuer: what a token of it has to be, and who its bearer is then.

use std::collections::BTreeSet;

use bulkhead_plugin_sdk::prelude::*;
use serde_json::{Map, Value};

use crate::claims;
use crate::fetch::short;
use crate::keyring::{Candidates, Keyring};
use crate::token::Token;

/// The longest subject, and the longest group, in bytes, without a prefix.
const MOST_NAME: usize = 200;

/// An issuer, with its keys.
pub struct Issuer {
    /// What tokens have as `iss`, to the letter.
    pub name: String,
    /// One of them has to be in `aud`.
    pub audiences: Vec<String>,
    /// The claim that is the subject.
    pub subject: String,
    /// Put before subjects and groups of this issuer.
    pub prefix: String,
    /// The claim that is a list of groups.
    pub groups: Option<String>,
    /// The claims that identities keep.
    pub kept: BTreeSet<String>,
    /// How far the issuer's clock may be ahead, in milliseconds.
    pub leeway: u64,
    /// How old a token may be, in milliseconds.
    pub max_token_age: Option<u64>,
    /// Its keys.
    pub keyring: Keyring,
}

/// Why a token lets nobody in.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is a wrong one. For the log.
    Rejected(String),
    /// Nobody can say.
    Failed(Error),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Rejected(reason)
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::Rejected(reason.to_owned())
    }
}

impl Issuer {
    /// What tokens have as `iss`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whose token this is. What is cheap to refuse is refused before a key is looked for.
    pub fn accept(&mut self, token: &Token<'_>, now: u64) -> Result<Identity, Fault> {
        let header = token.header()?;
        if !matches!(header.alg.as_str(), "RS256" | "ES256" | "EdDSA") {
            return Err(Fault::Rejected(format!(
                "its algorithm is `{}`, which is none of RS256, ES256 and EdDSA",
                short(&header.alg)
            )));
        }
        let expires = self.check(&token.claims, now)?;
        let Candidates::Keys(keys) = self.keyring.find(&header, now).map_err(Fault::Failed)? else {
            let kid = header.kid.as_deref().map_or("without a name".to_owned(), |kid| format!("`{}`", short(kid)));
            return Err(Fault::Rejected(format!("the issuer has no key {kid} for {}", header.alg)));
        };
        if !keys.iter().any(|key| key.verifies(token.signed, token.signature)) {
            return Err("its signature is not of the issuer's key".into());
        }
        let identity = self.identity(&token.claims)?;
        Ok(Identity { expires: Some(expires), ..identity })
    }

    /// Audience and times. Answers when it ends.
    fn check(&self, claims: &Map<String, Value>, now: u64) -> Result<u64, String> {
        let is_ours =
            |audience: &Value| audience.as_str().is_some_and(|audience| self.audiences.iter().any(|ours| ours == audience));
        let for_us = match claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
            Some(audience) => is_ours(audience),
            None => false,
        };
        if !for_us {
            return Err(format!(
                "its audience is {}",
                claims.get("aud").map_or("missing".to_owned(), |aud| short(&aud.to_string()))
            ));
        }
        let expires = time(claims, "exp")?.ok_or("it has no end (`exp`)")?;
        if expires <= now {
            return Err(format!("it ended {} seconds ago", (now - expires) / 1000));
        }
        let latest = now.saturating_add(self.leeway);
        if time(claims, "nbf")?.is_some_and(|begins| begins > latest) {
            return Err("it is not valid yet (`nbf`)".to_owned());
        }
        let issued = time(claims, "iat")?;
        if issued.is_some_and(|issued| issued > latest) {
            return Err("it was issued in the future (`iat`)".to_owned());
        }
        match self.max_token_age {
            None => Ok(expires),
            Some(most) => {
                let ends = issued.ok_or("it does not say when it was issued (`iat`)")?.saturating_add(most);
                if ends <= now {
                    Err("it is older than `max-token-age-seconds` allows".to_owned())
                } else {
                    Ok(expires.min(ends))
                }
            }
        }
    }

    fn identity(&self, claims: &Map<String, Value>) -> Result<Identity, String> {
        let subject = claims.get(&self.subject).and_then(Value::as_str).filter(|subject| is_name(subject));
        let subject = subject.ok_or_else(|| format!("its claim `{}` is no name of 1 to {MOST_NAME} bytes", self.subject))?;
        let identity = Identity::new(format!("{}{subject}", self.prefix)).with_groups(self.groups(claims)?);
        Ok(Identity { claims: claims::keep(claims, &self.kept), ..identity })
    }

    fn groups(&self, claims: &Map<String, Value>) -> Result<Vec<String>, String> {
        let Some((claim, value)) = self.groups.as_ref().and_then(|claim| claims.get(claim).map(|value| (claim, value))) else {
            return Ok(Vec::new());
        };
        let group = |value: &Value| match value.as_str() {
            Some(group) if is_name(group) => Ok(format!("{}{group}", self.prefix)),
            _ => Err(format!("its claim `{claim}` has a group that is no name of 1 to {MOST_NAME} bytes")),
        };
        match value {
            Value::Array(groups) => groups.iter().map(group).collect(),
            other => Ok(vec![group(other)?]),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MOST_NAME && !text.chars().any(char::is_control)
}

/// A time in milliseconds. Issuers write seconds, some with a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<u64>, String> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    match value.as_f64() {
        // 2^43 seconds are 278,000 years.
        Some(seconds) if (0.0..8_796_093_022_208.0).contains(&seconds) => Ok(Some((seconds * 1000.0) as u64)),
        _ => Err(format!("its claim `{name}` is no time")),
    }
}

//! What requests are signed with: two secrets, a file of them, or what a metadata service gives. Held for a while, never for long: secrets
//! are read again every minute, and at once after a refusal, so that one that was changed is noticed.

mod file;
mod metadata;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::prelude::*;

use crate::settings::Credentials as Settings;
use crate::sigv4::Keys;
use metadata::Service;

/// For how long secrets are used before they are read again, in milliseconds.
const READ_AGAIN: u64 = 60_000;
/// So long before their end, keys of a metadata service are fetched again, in milliseconds.
const FETCH_AHEAD: u64 = 300_000;

/// Where keys come from, and those of the moment.
pub struct Credentials {
    source: Source,
    held: Option<Held>,
}

enum Source {
    Secrets { id: Id, secret: String, token: Option<String> },
    File { name: String, profile: String },
    Metadata(Service),
}

enum Id {
    Plain(String),
    Secret(String),
}

#[derive(Clone)]
struct Held {
    keys: Keys,
    /// Milliseconds since 1970.
    fetched: u64,
    ends: Option<u64>,
}

impl Credentials {
    /// Checks the settings. A secret that is not granted shows here; a metadata service is not asked yet.
    pub fn new(settings: Settings) -> Result<Self> {
        let mut new = Self { source: Source::new(settings)?, held: None };
        if !matches!(new.source, Source::Metadata(_)) {
            new.held = Some(new.fetch()?);
        }
        Ok(new)
    }

    /// The keys of the moment.
    pub fn keys(&mut self) -> Result<Keys> {
        let now = clock::now();
        if let Some(held) = self.held.as_ref().filter(|held| !held.is_old(now)) {
            return Ok(held.keys.clone());
        }
        match (self.fetch(), &self.held) {
            (Ok(fresh), _) => Ok(self.held.insert(fresh).keys.clone()),
            // The service is away: what it gave is good to its end.
            (Err(Error::Unavailable(_)), Some(held)) if held.ends.is_some_and(|end| now < end) => Ok(held.keys.clone()),
            (Err(error), _) => Err(error),
        }
    }

    /// Reads the keys again, after a refusal; whether they are others now.
    pub fn renew(&mut self) -> Result<bool> {
        let fresh = self.fetch()?;
        let changed = self.held.as_ref().is_none_or(|held| held.keys != fresh.keys);
        self.held = Some(fresh);
        Ok(changed)
    }

    /// Has the next request read the keys again.
    pub fn forget(&mut self) {
        self.held = None;
    }

    /// When the keys of the moment end, if they do.
    pub fn end(&self) -> Option<u64> {
        self.held.as_ref().and_then(|held| held.ends)
    }

    fn fetch(&self) -> Result<Held> {
        let now = clock::now();
        let (keys, ends) = match &self.source {
            Source::Secrets { id, secret, token } => (from_secrets(id, secret, token.as_deref())?, None),
            Source::File { name, profile } => (file::read(&text("credentials.file", name)?, profile)?, None),
            Source::Metadata(service) => service.fetch()?,
        };
        let sane = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !sane(&keys.id) || !sane(&keys.secret) || !keys.token.as_ref().is_none_or(sane) {
            return Err(Error::invalid("credentials: a key or token is empty, or has spaces or control characters in it"));
        }
        Ok(Held { keys, fetched: now, ends })
    }
}

impl Held {
    fn is_old(&self, now: u64) -> bool {
        match self.ends {
            Some(end) => now + FETCH_AHEAD >= end,
            None => now >= self.fetched + READ_AGAIN || now < self.fetched,
        }
    }
}

impl Source {
    fn new(settings: Settings) -> Result<Self> {
        let Settings { access_key_id, secret_access_key, session_token, file, profile, metadata, metadata_token } = settings;
        let rule = "credentials: give `access-key-id` and `secret-access-key` (and `session-token`), or `file` (and `profile`), \
                    or `metadata` (and `metadata-token`)";
        match (access_key_id, secret_access_key, session_token, file, profile, metadata, metadata_token) {
            (Some(id), Some(secret), token, None, None, None, None) => {
                let id = id.strip_prefix("secret:").map_or_else(|| Id::Plain(id.clone()), |name| Id::Secret(name.to_owned()));
                Ok(Self::Secrets { id, secret, token })
            }
            (None, None, None, Some(name), profile, None, None) => {
                Ok(Self::File { name, profile: profile.unwrap_or_else(|| "default".to_owned()) })
            }
            (None, None, None, None, None, Some(url), token) => Ok(Self::Metadata(Service::new(url, token)?)),
            _ => Err(Error::invalid(rule)),
        }
    }
}

fn from_secrets(id: &Id, secret: &str, token: Option<&str>) -> Result<Keys> {
    let id = match id {
        Id::Plain(id) => id.clone(),
        Id::Secret(name) => text("credentials.access-key-id", name)?,
    };
    let token = token.map(|name| text("credentials.session-token", name)).transpose()?;
    Ok(Keys { id, secret: text("credentials.secret-access-key", secret)?, token })
}

fn text(setting: &str, name: &str) -> Result<String> {
    secrets::text(name).map_err(|error| error.context(setting))
}

//! The plugin's `config` table, and what it is checked for. Errors name the setting.

use bulkhead_plugin_sdk::prelude::*;

use crate::name;

/// The most bytes of one block: what the host gathers in memory for one request.
pub const MOST_PART: u64 = 64 * 1024 * 1024;
/// With smaller blocks the largest uploads would not fit into an upload's state.
const LEAST_PART: u64 = 1024 * 1024;
/// A page of a listing has to fit into 1 MiB, however long the names are.
const MOST_PREFIX: usize = 200;

/// The whole table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The storage account's name.
    pub account: String,
    /// The container's name.
    pub container: String,
    /// The account's URL.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// What every blob's name begins with.
    #[serde(default)]
    pub prefix: String,
    /// The name of the secret that is an account key.
    #[serde(default)]
    pub shared_key: Option<String>,
    /// The name of the secret that is a SAS query.
    #[serde(default)]
    pub sas: Option<String>,
    /// The origin of the metadata service that gives tokens.
    #[serde(default)]
    pub identity: Option<String>,
    /// Which of several identities is meant.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The account's URL as clients reach it.
    #[serde(default)]
    pub link_endpoint: Option<String>,
    /// How many bytes go into one block at first.
    #[serde(default = "default_part")]
    pub part_bytes: u64,
    /// The tier of the objects.
    #[serde(default)]
    pub access_tier: Option<Tier>,
}

/// Tiers that can be read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// For what is read often.
    Hot,
    /// For what is read seldom.
    Cool,
    /// For what is hardly ever read.
    Cold,
}

impl Tier {
    /// As the service has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hot => "Hot",
            Self::Cool => "Cool",
            Self::Cold => "Cold",
        }
    }
}

/// How requests are authorized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// With the account key in this secret.
    Key(String),
    /// With the SAS query in this secret.
    Sas(String),
    /// With tokens of the metadata service at this origin, for this identity.
    Identity(String, Option<String>),
}

fn default_part() -> u64 {
    5 * 1024 * 1024
}

impl Settings {
    /// The error names what is wrong.
    pub fn check(&self) -> Result<()> {
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if !(3..=24).contains(&self.account.len()) || !is_plain(&self.account) {
            return invalid("account", &self.account, "must be 3 to 24 lower-case letters and digits, such as `contosoregistry`");
        }
        let parts_are_plain = self.container.split('-').all(|part| !part.is_empty() && is_plain(part));
        if !(3..=63).contains(&self.container.len()) || !parts_are_plain {
            return invalid(
                "container",
                &self.container,
                "must be 3 to 63 lower-case letters, digits and single `-`, such as `layers`",
            );
        }
        if !self.prefix.is_empty() && !is_prefix(&self.prefix) {
            return invalid(
                "prefix",
                &self.prefix,
                "must be like `team/layers/`: at most 200 of a-z 0-9 . _ - /, with a `/` at its end",
            );
        }
        if !(LEAST_PART..=MOST_PART).contains(&self.part_bytes) {
            let text = format!("part-bytes: {} must be {LEAST_PART} to {MOST_PART}", self.part_bytes);
            return Err(Error::invalid(text));
        }
        Ok(())
    }

    /// The account's URL, without `/` at its end.
    pub fn endpoint(&self) -> Result<String> {
        match &self.endpoint {
            None => Ok(format!("https://{}.blob.core.windows.net", self.account)),
            Some(url) => base("endpoint", url),
        }
    }

    /// The account's URL as clients reach it.
    pub fn link_endpoint(&self) -> Result<String> {
        self.link_endpoint.as_ref().map_or_else(|| self.endpoint(), |url| base("link-endpoint", url))
    }

    /// The one way that was chosen.
    pub fn how(&self) -> Result<How> {
        if self.client_id.is_some() && self.identity.is_none() {
            return Err(Error::invalid("client-id: it is for `identity` alone: leave it out"));
        }
        match (&self.shared_key, &self.sas, &self.identity) {
            (Some(secret), None, None) => Ok(How::Key(secret.clone())),
            (None, Some(secret), None) => Ok(How::Sas(secret.clone())),
            (None, None, Some(url)) => Ok(How::Identity(origin("identity", url)?, self.checked_client()?)),
            (None, None, None) => Err(Error::invalid(
                "shared-key: name a granted secret here or in `sas`, or set `identity` to the metadata service's origin",
            )),
            _ => Err(Error::invalid(
                "shared-key: only one of `shared-key`, `sas` and `identity` can be used: leave out the others",
            )),
        }
    }

    fn checked_client(&self) -> Result<Option<String>> {
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match &self.client_id {
            Some(id) if !is_id(id) => invalid("client-id", id, "must be the UUID of an identity"),
            id => Ok(id.clone()),
        }
    }
}

fn is_prefix(prefix: &str) -> bool {
    prefix.len() <= MOST_PREFIX && prefix.strip_suffix('/').is_some_and(name::is_key)
}

/// A URL that paths can be put behind.
fn base(key: &str, url: &str) -> Result<String> {
    let origin = origin(key, url)?;
    let path = url[origin.len()..].trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    if path.bytes().all(is_plain) && !path.split('/').skip(1).any(|part| matches!(part, "" | "." | "..")) {
        return Ok(format!("{origin}{path}"));
    }
    invalid(key, url, "must be without a query, such as `https://contoso.blob.core.windows.net`")
}

fn origin(key: &str, url: &str) -> Result<String> {
    http::origin(url).map_or_else(|| invalid(key, url, "must be a URL such as `https://contoso.blob.core.windows.net`"), Ok)
}

fn invalid<T>(key: &str, value: &str, must: &str) -> Result<T> {
    Err(Error::invalid(format!("{key}: `{}` {must}", value.escape_debug())))
}

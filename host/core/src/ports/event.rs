//! Events and the plugins that turn them into requests.

use async_trait::async_trait;
use bulkhead_oci::{Digest, RepositoryName, Tag};
use serde::{Deserialize, Serialize};

use super::plugin::{PluginError, PluginLabel};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventAction {
    /// A manifest was pushed (with its tag, where it was pushed by one).
    Push,
    /// A manifest was pulled.
    Pull,
    /// A manifest or blob was deleted by digest.
    Delete,
    /// A blob was mounted from another repository.
    Mount,
    /// A tag was set on a manifest that was there.
    Tag,
    /// A tag was deleted.
    Untag,
    /// A test.
    Ping,
}

/// Something that happened at a registry, as kept in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// 32 hex digits; the same at each attempt of its delivery.
    pub id: String,
    /// What happened.
    pub action: EventAction,
    /// The registry's name.
    pub registry: String,
    /// As the client named it: `host` or `host:port`.
    pub host: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What it happened to; none for a ping.
    pub target: Option<EventTarget>,
    /// Who did it; none: anonymous.
    pub actor: Option<String>,
    /// The request's id.
    pub request_id: String,
    /// The request's method.
    pub method: String,
    /// The client's own words.
    pub user_agent: Option<String>,
    /// The client's address.
    pub address: String,
}

/// What an event happened to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTarget {
    /// The repository.
    pub repository: String,
    /// The manifest or blob.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The tag, where one was named.
    pub tag: Option<String>,
    /// Where a blob was mounted from.
    pub mounted_from: Option<String>,
    /// The manifest's artifact type.
    pub artifact_type: Option<String>,
}

/// Which events a webhook wants: `repository`, `repository:tag`, `repository:*`, `prefix/*`, `*` or empty for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub(crate) repository: ScopeName,
    pub(crate) tag: Option<String>,
}

/// The repository half of a [`Scope`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScopeName {
    Any,
    Exact(String),
    /// With its trailing slash.
    Below(String),
}

/// What a text that is no scope is told.
const SCOPE_FORMS: &str = "a scope is NAME, NAME:TAG, PREFIX/* (every level below) or *, and no other pattern";

impl Scope {
    /// Reads a scope as it stands in the configuration.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, tag) = match text.split_once(':') {
            Some((name, "*")) => (name, None),
            Some((name, tag)) => {
                tag.parse::<Tag>().map_err(|error| format!("the scope {text:?}: {error}; {SCOPE_FORMS}"))?;
                (name, Some(tag.to_owned()))
            }
            None => (text, None),
        };
        let repository = match name {
            "" | "*" | "**" => ScopeName::Any,
            _ => {
                let (literal, below) = match name.strip_suffix("/**").or_else(|| name.strip_suffix("/*")) {
                    Some(prefix) => (prefix, true),
                    None => (name, false),
                };
                literal.parse::<RepositoryName>().map_err(|error| format!("the scope {text:?}: {error}; {SCOPE_FORMS}"))?;
                if below { ScopeName::Below(format!("{literal}/")) } else { ScopeName::Exact(literal.to_owned()) }
            }
        };
        Ok(Self { repository, tag })
    }

    /// Whether it takes in anything of this repository.
    pub fn touches(&self, repository: &str) -> bool {
        match &self.repository {
            ScopeName::Any => true,
            ScopeName::Exact(name) => name == repository,
            ScopeName::Below(prefix) => repository.starts_with(prefix.as_str()),
        }
    }

    /// Whether it takes in this repository and tag.
    pub fn matches(&self, repository: &str, tag: Option<&str>) -> bool {
        self.touches(repository) && self.tag.as_deref().is_none_or(|wanted| tag == Some(wanted))
    }
}

/// A request that the host sends for a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The headers, in order.
    pub headers: Vec<(String, String)>,
    /// The body, bounded.
    pub body: Vec<u8>,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Delivered.
    Delivered,
    /// Try again, after so many seconds or as the host's back-off has it.
    Retry(Option<u32>),
    /// Never try again.
    GiveUp(String),
}

/// Turns events into requests and judges the answers; sends them to granted origins alone.
#[async_trait]
pub trait WebhookPlugin: Send + Sync {
    /// Which plugin this is.
    fn label(&self) -> &PluginLabel;

    /// The requests that tell of this event; at most 16. None: of no interest.
    ///
    /// # Errors
    /// [`PluginError`]: the delivery is tried again.
    async fn format(&self, event: &Event) -> Result<Vec<HttpRequest>, PluginError>;

    /// Sends one of them, by the host, if its origin is granted. Redirects are not followed.
    ///
    /// # Errors
    /// [`PluginError::NotGranted`], or [`PluginError::Unavailable`] if no answer came.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, PluginError>;

    /// What the answer means.
    ///
    /// # Errors
    /// [`PluginError`]: the delivery is tried again.
    async fn judge(&self, answer: HttpResponse) -> Result<Judgement, PluginError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_repository_a_prefix_a_tag_or_everything() {
        let matches = |scope: &str, repository: &str, tag: Option<&str>| Scope::parse(scope).unwrap().matches(repository, tag);
        assert!(matches("", "a/b", None));
        assert!(matches("a/*", "a/b/c", None) && !matches("a/*", "a", None) && !matches("a/*", "ab/c", None));
        assert!(matches("a:v1", "a", Some("v1")) && !matches("a:v1", "a", None) && !matches("a:v1", "a", Some("v2")));
        assert!(matches("a:*", "a", Some("x")) && matches("a", "a", None) && !matches("a", "b", None));
        assert!(Scope::parse("A").is_err() && Scope::parse("a:.").is_err());
    }
}

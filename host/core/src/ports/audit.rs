//! The audit log: one line for each decision that changes or refuses something. `server` implements it with a file.
//!
//! No secret is ever in an entry: neither a password, a token nor a hash of one.
//!
//! What nobody decided is no entry: that a token's time is over, which every token's is some day and clients find out by being told so; that something
//! is not there; that an anonymous caller is asked to log in. Refusals are bounded on their way here, by caller and minute
//! ([`Refusals`](crate::auth::Refusals)); changes never are.

use async_trait::async_trait;
use bulkhead_oci::RepositoryName;
use serde::Serialize;

use super::clock::Timestamp;
use super::context::{Identity, RequestContext};
use super::ids::RegistryName;

/// The most targets of a refusal that are named. Of a change that was made, all are.
const MOST_TARGETS: usize = 16;

/// What was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditAction {
    /// A credential was checked.
    Login,
    /// Scopes were asked for in a token.
    Token,
    /// A refresh token was used.
    Refresh,
    /// An issuer's token was exchanged.
    Exchange,
    /// A request needed an access.
    Access,
    /// A blob was pushed.
    PushBlob,
    /// A blob was mounted.
    MountBlob,
    /// A manifest was pushed, with its tags.
    PushManifest,
    /// A tag was deleted.
    DeleteTag,
    /// A manifest was deleted.
    DeleteManifest,
    /// A blob was deleted.
    DeleteBlob,
    /// A repository was deleted.
    DeleteRepository,
    /// Attributes were changed: locks set or taken.
    ChangeAttributes,
    /// An account was created.
    CreateAccount,
    /// An account was enabled, disabled, or given other roles or another scope map.
    ChangeAccount,
    /// An account was deleted.
    DeleteAccount,
    /// A secret of an account was made anew.
    RenewSecret,
    /// A secret of an account was withdrawn.
    WithdrawSecret,
    /// A scope map was created or changed.
    PutScopeMap,
    /// A scope map was deleted.
    DeleteScopeMap,
    /// The host's tokens are signed with a new key.
    RotateKeys,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
    /// Something failed on the way, and so it was refused.
    Failed,
    /// It came too often, and nobody was asked.
    Throttled,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditCaller {
    /// The plugin that vouches.
    pub plugin: String,
    /// The subject, as that plugin names it.
    pub subject: String,
}

/// What one plugin of the chain said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditStep {
    /// Its name.
    pub plugin: String,
    /// Its component, `sha256:...`.
    pub digest: String,
    /// `accepted`, `rejected`, `abstained`, `allowed`, `denied`, `failed`, `refused`.
    pub said: &'static str,
    /// Why, in its words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970.
    #[serde(skip)]
    pub at: Timestamp,
    /// The registry; none: the host as a whole.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub registry: Option<RegistryName>,
    /// The request's id; none for what no request did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Who; none: anonymous, or nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<AuditCaller>,
    /// The user name that was claimed, where a login was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
    /// What was decided on.
    pub action: AuditAction,
    /// The repository.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_option")]
    pub repository: Option<RepositoryName>,
    /// What of it or of the registry: digests, tags, an action, an account's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Why, in the host's words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Which plugins said what, in the order in which they were asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<AuditStep>,
    /// How many refusals of the same caller before this one were counted and not written.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

impl AuditEntry {
    /// An entry about a request: nobody, nothing and no reason so far.
    pub fn of(context: &RequestContext, at: Timestamp, action: AuditAction, outcome: AuditOutcome) -> Self {
        Self {
            registry: Some(context.registry.clone()),
            request: Some(context.request_id.to_string()),
            address: Some(context.address.to_string()),
            ..Self::of_host(at, action, outcome)
        }
    }

    /// An entry about the host as a whole: nobody, nothing and no reason so far.
    pub const fn of_host(at: Timestamp, action: AuditAction, outcome: AuditOutcome) -> Self {
        Self {
            at,
            registry: None,
            request: None,
            address: None,
            who: None,
            claimed: None,
            action,
            repository: None,
            targets: Vec::new(),
            outcome,
            reason: String::new(),
            steps: Vec::new(),
            omitted: 0,
        }
    }

    /// The same, done by this caller.
    #[must_use]
    pub fn by(mut self, who: Option<&Identity>) -> Self {
        self.who = who.map(|who| AuditCaller { plugin: who.plugin.to_string(), subject: who.subject.clone() });
        self
    }
}

/// Keeps the audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Takes an entry, in order. Waits while too many are on their way; an entry that was taken is written even if the caller goes away. What
    /// cannot be written is logged and counted, and changes nothing for the client.
    async fn record(&self, entry: AuditEntry);
}

/// For a host without an audit log.
pub struct NoAudit;

#[async_trait]
impl Audit for NoAudit {
    async fn record(&self, _: AuditEntry) {}
}

/// The first [`MOST_TARGETS`] of what was refused, and how many more there were.
pub(crate) fn some(targets: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = targets.len().saturating_sub(MOST_TARGETS);
    let named = targets.take(MOST_TARGETS);
    named.chain((more > 0).then(|| format!("{more} more"))).collect()
}

fn as_text<S: serde::Serializer>(name: &Option<RegistryName>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name.as_ref().map_or("", RegistryName::as_str))
}

fn as_option<S: serde::Serializer>(name: &Option<RepositoryName>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name.as_ref().map_or("", RepositoryName::as_str))
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

//! What is asked and answered, as JSON. Names are in kebab case; what is none is left out, except `caller` and `repository`.
//!
//! Who is it? POST to `url`:
//!
//! ```json
//! {"version": 1, "registry": "default", "plugin": "company", "request": {"id": "...", "address": "192.0.2.1", "user-agent": "docker/29", "encrypted": true},
//!  "credential": {"kind": "basic", "user": "alice", "secret": "..."}}
//! ```
//!
//! or `{"kind": "bearer", "token": "..."}`, or `{"kind": "certificate", "subject": "CN=ci", "names": ["dns:ci"], "fingerprint": "...",
//! "expires": 1767225600}`. The answer: 200 with the identity, of which `user` is needed; times are in seconds since 1970:
//!
//! ```json
//! {"user": "alice", "groups": ["ops"], "claims": {"team": "build"}, "expires": 1767225600, "reuse-seconds": 60}
//! ```
//!
//! 401 or 403: known, and wrong; with `{"reason": "..."}` for the log if it likes. 404: not known here, the next plugin is asked. Anything else:
//! nobody can say, and nobody is let in.
//!
//! What may it do? POST to `authorize-url`, where `caller` is null for an anonymous one, and `repository` for the registry as a whole:
//!
//! ```json
//! {"version": 1, "registry": "default", "plugin": "company", "request": {...},
//!  "caller": {"vouched-by": "company", "user": "alice", "groups": ["ops"], "claims": {"team": "build"}},
//!  "accesses": [{"action": "push", "repository": "team/app"}, {"action": "list", "repository": null}]}
//! ```
//!
//! The answer: 200 with one verdict for each access, in the same order: `allow`, `deny` or `abstain`.
//!
//! ```json
//! {"verdicts": [{"verdict": "allow", "reason": "a maintainer"}, {"verdict": "abstain"}], "reuse-seconds": 10}
//! ```

use std::collections::BTreeMap;

use bulkhead_plugin_sdk::authorizer::Action;
use bulkhead_plugin_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// The longest reason that is taken over, in letters.
const MOST_REASON: usize = 200;

/// A question.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Question<'a> {
    version: u8,
    registry: &'a str,
    plugin: &'a str,
    request: Request<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<AskedCredential<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<Option<AskedCaller<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accesses: Option<&'a [AskedAccess<'a>]>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Request<'a> {
    id: &'a str,
    address: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    encrypted: bool,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum AskedCredential<'a> {
    Basic { user: &'a str, secret: &'a str },
    Bearer { token: &'a str },
    Certificate { subject: &'a str, names: &'a [String], fingerprint: &'a str, expires: u64 },
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct AskedCaller<'a> {
    vouched_by: &'a str,
    user: &'a str,
    groups: &'a [String],
    claims: BTreeMap<&'a str, &'a str>,
}

/// An action on a repository, or on the registry as a whole.
#[derive(Serialize)]
pub struct AskedAccess<'a> {
    action: &'static str,
    repository: Option<&'a str>,
}

/// An identity as the service writes it. A key that is misspelled is an error: an `expires` that is overlooked would be a login without end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identified {
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    claims: BTreeMap<String, String>,
    #[serde(default)]
    expires: Option<u64>,
    #[serde(default)]
    /// For how many seconds it may be used again.
    pub reuse_seconds: Option<u32>,
}

/// Verdicts as the service writes them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Decided {
    /// One for each access, in the same order.
    pub verdicts: Vec<SaidVerdict>,
    /// For how many seconds they may be used again.
    #[serde(default)]
    pub reuse_seconds: Option<u32>,
}

/// One verdict.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaidVerdict {
    verdict: Said,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Said {
    Allow,
    Deny,
    Abstain,
}

/// What comes with 401 and 403, if it is JSON.
#[derive(Deserialize)]
pub struct Refused {
    reason: String,
}

impl<'a> Question<'a> {
    /// What every question has.
    pub fn new(context: &'a RequestContext) -> Self {
        let RequestContext { request_id, registry, address, user_agent, encrypted, plugin, .. } = context;
        let request = Request { id: request_id, address, user_agent: user_agent.as_deref(), encrypted: *encrypted };
        Self { version: 1, registry, plugin, request, credential: None, caller: None, accesses: None }
    }

    /// Who is it?
    pub fn about(self, credential: &'a Credential) -> Self {
        Self { credential: Some(AskedCredential::of(credential)), ..self }
    }

    /// What may it do? `who` is none for an anonymous caller.
    pub fn on(self, who: Option<&'a Caller>, accesses: &'a [AskedAccess<'a>]) -> Self {
        Self { caller: Some(who.map(AskedCaller::of)), accesses: Some(accesses), ..self }
    }
}

impl<'a> AskedCredential<'a> {
    fn of(credential: &'a Credential) -> Self {
        match credential {
            Credential::Basic(Basic { user, secret }) => Self::Basic { user, secret },
            Credential::Bearer(token) => Self::Bearer { token },
            Credential::Certificate(certificate) => Self::Certificate {
                subject: &certificate.subject,
                names: &certificate.names,
                fingerprint: &certificate.fingerprint,
                expires: certificate.expires / 1000,
            },
        }
    }
}

impl<'a> AskedCaller<'a> {
    fn of(caller: &'a Caller) -> Self {
        let claims = caller.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self { vouched_by: &caller.vouched_by, user: &caller.subject, groups: &caller.groups, claims }
    }
}

impl<'a> AskedAccess<'a> {
    /// The access as it is asked about.
    pub fn of(access: &'a Access) -> Self {
        let action = match access.action {
            Action::Pull => "pull",
            Action::Push => "push",
            Action::Delete => "delete",
            Action::ReadMetadata => "read-metadata",
            Action::WriteMetadata => "write-metadata",
            Action::ListRepositories => "list",
            Action::Administer => "administer",
        };
        Self { action, repository: access.repository.as_deref() }
    }
}

impl Identified {
    /// As an identity; the host checks the lengths. An error if its end is no time.
    pub fn identity(self) -> Result<Identity> {
        let expires =
            self.expires.map(|seconds| seconds.checked_mul(1000).or_internal("`expires` is no time in seconds since 1970"));
        let claims = self.claims.into_iter().collect();
        Ok(Identity { subject: self.user, groups: self.groups, claims, expires: expires.transpose()? })
    }
}

impl From<SaidVerdict> for Verdict {
    fn from(said: SaidVerdict) -> Self {
        let reason = said.reason.chars().take(MOST_REASON).collect();
        match said.verdict {
            Said::Allow => Self::Allow(reason),
            Said::Deny => Self::Deny(reason),
            Said::Abstain => Self::Abstain,
        }
    }
}

impl Refused {
    /// Why the service refused, for the log.
    pub fn reason(answer: &HttpResponse) -> String {
        match serde_json::from_slice::<Self>(&answer.body) {
            Ok(refused) => refused.reason.chars().take(MOST_REASON).flat_map(char::escape_debug).collect(),
            Err(_) => format!("the service answers {}", answer.status),
        }
    }
}

//! What the host writes into its tokens, and reads from them. Two kinds, told apart by `grant_type`, so that neither is taken for the other.

use serde::{Deserialize, Serialize};

use super::caller::Grant;
use super::scope::{ScopeRequest, action_name, resource_of};
use crate::ports::auth::Access;
use crate::ports::clock::Timestamp;
use crate::ports::context::Identity;

/// The most bytes of an identity in a token, as JSON: a client sends its token with each request, and requests' heads are bounded.
pub(super) const MAX_IDENTITY_BYTES: usize = 4 * 1024;

/// What the shape of the claims is called, in both kinds.
const VERSION: &str = "1.0";

/// Of what kind a token is. One of the other kind does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum AccessKind {
    #[serde(rename = "access_token")]
    Access,
}

/// See [`AccessKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RefreshKind {
    #[serde(rename = "refresh_token")]
    Refresh,
}

/// What both kinds have; `K` is the kind.
#[derive(Serialize, Deserialize)]
pub(super) struct Common<K> {
    jti: String,
    iss: String,
    aud: String,
    /// The registry's name: a token of one registry is worthless at another of the same host.
    registry: String,
    grant_type: K,
    version: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

/// An access token: what its bearer may.
#[derive(Serialize, Deserialize)]
pub(super) struct AccessClaims {
    #[serde(flatten)]
    pub common: Common<AccessKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    pub access: Vec<ClaimedAccess>,
    /// Whom plugins are told of; together with `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<ClaimedIdentity>,
}

/// A refresh token: who its bearer is.
#[derive(Serialize, Deserialize)]
pub(super) struct RefreshClaims {
    #[serde(flatten)]
    pub common: Common<RefreshKind>,
    pub sub: String,
    pub identity: ClaimedIdentity,
    /// What the plugin marks the credential with that this token was given for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// Whether the plugin can tell what has become of the subject. If so it is asked at each use, and the identity here says no more than
    /// which plugin.
    pub tracked: bool,
}

/// An identity but for its subject.
#[derive(Serialize, Deserialize)]
pub(super) struct ClaimedIdentity {
    pub plugin: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    claims: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

/// Actions on one resource, as the Docker token specification lists them.
#[derive(Serialize, Deserialize)]
pub(super) struct ClaimedAccess {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

/// Where a token is of use.
#[derive(Clone, Copy)]
pub(super) struct TokenUse<'a> {
    pub audience: &'a str,
    pub registry: &'a str,
}

/// From when to when a token is of use.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl<K> Common<K> {
    pub fn new(kind: K, of: TokenUse<'_>, life: Life) -> Self {
        Self {
            jti: hex::encode(rand::random::<[u8; 16]>()),
            iss: of.audience.to_owned(),
            aud: of.audience.to_owned(),
            registry: of.registry.to_owned(),
            grant_type: kind,
            version: VERSION.to_owned(),
            iat: life.from.seconds(),
            nbf: life.from.seconds(),
            exp: life.until.seconds(),
        }
    }

    /// Whether it is of use here and now.
    pub fn holds(&self, of: TokenUse<'_>, now: Timestamp) -> bool {
        self.is_for(of) && self.has_begun(now) && !self.has_ended(now)
    }

    /// Whether it is of use here.
    pub fn is_for(&self, of: TokenUse<'_>) -> bool {
        self.iss == of.audience && self.aud == of.audience && self.registry == of.registry
    }

    pub const fn has_begun(&self, now: Timestamp) -> bool {
        self.nbf <= now.seconds()
    }

    pub const fn has_ended(&self, now: Timestamp) -> bool {
        self.exp <= now.seconds()
    }

    pub const fn expires(&self) -> Timestamp {
        Timestamp(self.exp.saturating_mul(1000))
    }

    /// In seconds.
    pub const fn life(&self) -> u64 {
        self.exp.saturating_sub(self.iat)
    }
}

impl ClaimedIdentity {
    /// All of it.
    pub fn whole(identity: &Identity) -> Self {
        Self {
            plugin: identity.plugin.to_string(),
            groups: identity.groups.clone(),
            claims: identity.claims.clone(),
            expires: identity.expires.map(|expires| expires.0),
        }
    }

    /// No more than which plugin vouched: where that plugin is asked again, what it said once does not count.
    pub fn plugin_alone(identity: &Identity) -> Self {
        Self { plugin: identity.plugin.to_string(), groups: Vec::new(), claims: Vec::new(), expires: None }
    }

    pub fn of(self, subject: String) -> Identity {
        let Self { plugin, groups, claims, expires } = self;
        Identity { plugin: plugin.into(), subject, groups, claims, expires: expires.map(Timestamp) }
    }
}

/// Accesses as a token lists them: one entry a resource.
pub(super) fn claimed(accesses: &[Access]) -> Vec<ClaimedAccess> {
    let mut list: Vec<ClaimedAccess> = Vec::new();
    for access in accesses {
        let (kind, name) = resource_of(access);
        let action = action_name(access.action).to_owned();
        match list.iter_mut().find(|claimed| claimed.kind == kind && claimed.name == name) {
            Some(claimed) if claimed.actions.contains(&action) => {}
            Some(claimed) => claimed.actions.push(action),
            None => list.push(ClaimedAccess { kind: kind.to_owned(), name, actions: vec![action] }),
        }
    }
    list
}

/// The same as a scope (RFC 6749, section 3.3).
pub(super) fn scope_of(access: &[ClaimedAccess]) -> String {
    let scope = |access: &ClaimedAccess| format!("{}:{}:{}", access.kind, access.name, access.actions.join(","));
    access.iter().map(scope).collect::<Vec<_>>().join(" ")
}

/// What an entry of a token grants. None: nothing that this host knows.
pub(super) fn granted(claimed: ClaimedAccess) -> Option<Grant> {
    let request = ScopeRequest { kind: claimed.kind, name: claimed.name, actions: claimed.actions };
    let accesses = request.accesses();
    let repository = accesses.first()?.repository.clone();
    Some(Grant { repository, actions: accesses.into_iter().map(|access| access.action).collect() })
}

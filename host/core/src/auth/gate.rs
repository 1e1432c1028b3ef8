//! The gate of one registry: credentials in, callers, permits and tokens out. What it remembers never crosses to another registry.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use tracing::{debug, error, info};

use super::caller::{Caller, TokenGrant};
use super::chain::{Chain, Outcome, Ruling};
use super::scope::ScopeRequest;
use super::tokens::{IssuedToken, MintError, TokenKey, TokenUse};
use crate::ports::auth::{Access, Credential};
use crate::ports::clock::{Clock, Timestamp};
use crate::ports::context::{Identity, RequestContext};

/// The most scopes that one token request is answered for; what comes after is left out.
const MAX_SCOPES: usize = 64;
/// Verified tokens and accepted credentials that are remembered, each.
const REMEMBERED: usize = 10_000;

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthFailure {
    /// The credential is wrong, or nobody knows it.
    #[error("unknown user name or wrong password")]
    Rejected,
    /// A bearer token is expired, forged, or for somewhere else.
    #[error("the token is not valid here: get a new one")]
    InvalidToken,
    /// A plugin failed, so nobody can say.
    #[error("who you are could not be checked for the moment")]
    Unavailable,
    /// It is known, and no token can hold what is known of it.
    #[error(
        "your account has more groups and claims than a token can hold: ask whoever runs this registry to have fewer of them given"
    )]
    IdentityTooLarge,
}

/// Why a caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It did not say who it is, and nobody may.
    #[error("authentication required")]
    Anonymous,
    /// Its token does not cover this; another one might.
    #[error("requested access to the resource is denied")]
    InsufficientScope,
    /// It is known, and may not.
    #[error("requested access to the resource is denied")]
    Denied,
}

/// How a gate works.
#[derive(Clone, Copy, Debug)]
pub struct GateOptions {
    /// A token's life; at least 60 s, which Docker's clients take for granted.
    pub token_life: Duration,
}

impl Default for GateOptions {
    fn default() -> Self {
        Self { token_life: Duration::from_secs(300) }
    }
}

/// Lets callers of one registry in.
pub struct Gate {
    chain: Chain,
    key: TokenKey,
    clock: Arc<dyn Clock>,
    options: GateOptions,
    tokens: Cache<[u8; 32], Arc<TokenGrant>>,
    accepted: Cache<[u8; 32], Remembered>,
}

#[derive(Clone)]
struct Remembered {
    identity: Arc<Identity>,
    until: Timestamp,
}

impl Gate {
    /// A gate over this chain.
    pub fn new(chain: Chain, key: TokenKey, clock: Arc<dyn Clock>, options: GateOptions) -> Self {
        Self { chain, key, clock, options, tokens: Cache::new(REMEMBERED), accepted: Cache::new(REMEMBERED) }
    }

    /// The chain, for explanations.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    #[cfg(test)]
    pub(super) fn key_for_tests(&self) -> TokenKey {
        self.key.clone()
    }

    /// The public keys of its tokens, as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": [self.key.jwk()] })
    }

    /// Who presents this?
    ///
    /// # Errors
    /// [`AuthFailure`]: nobody is let in.
    pub async fn identify(&self, context: &RequestContext, credential: Option<&Credential>) -> Result<Caller, AuthFailure> {
        match credential {
            None => Ok(Caller::Anonymous),
            Some(Credential::Bearer(token)) if self.key.made(token) => {
                self.check_token(context, token).map(Caller::Token).ok_or(AuthFailure::InvalidToken)
            }
            Some(credential) => match self.vouch(context, credential).await {
                Ok(identity) => Ok(Caller::Known(identity)),
                Err(AuthFailure::Rejected) if matches!(credential, Credential::Bearer(_)) => Err(AuthFailure::InvalidToken),
                Err(failure) => Err(failure),
            },
        }
    }

    fn check_token(&self, context: &RequestContext, token: &str) -> Option<Arc<TokenGrant>> {
        let now = self.clock.now();
        let mut hasher = Sha256::new();
        for part in [context.registry.as_str(), &*context.host] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        hasher.update(token.as_bytes());
        let id: [u8; 32] = hasher.finalize().into();
        if let Some(grant) = self.tokens.get(&id) {
            return (now < grant.expires).then_some(grant);
        }
        let grant = Arc::new(self.key.verify(token, &self.token_use(context), now)?);
        self.tokens.insert(id, Arc::clone(&grant));
        Some(grant)
    }

    fn token_use<'a>(&self, context: &'a RequestContext) -> TokenUse<'a> {
        TokenUse { audience: &context.host, registry: context.registry.as_str() }
    }

    /// Asks the chain, or remembers what it said of the same credential.
    async fn vouch(&self, context: &RequestContext, credential: &Credential) -> Result<Arc<Identity>, AuthFailure> {
        let id = credential_id(credential);
        let now = self.clock.now();
        if let Some(remembered) = self.accepted.get(&id) {
            if now < remembered.until {
                return Ok(remembered.identity);
            }
            self.accepted.remove(&id);
        }
        match self.chain.authenticate(context, credential).await {
            Outcome::Rejected => Err(AuthFailure::Rejected),
            Outcome::Failed => Err(AuthFailure::Unavailable),
            Outcome::Accepted { identity, reuse } => {
                if identity.expires.is_some_and(|expires| expires <= now) {
                    info!(request_id = %context.request_id, plugin = %identity.plugin, "credential rejected: it has expired");
                    return Err(AuthFailure::Rejected);
                }
                let until = now.after(Duration::from_secs(u64::from(reuse)));
                let until = identity.expires.map_or(until, |expires| expires.min(until));
                let identity = Arc::new(identity);
                if until > now {
                    self.accepted.insert(id, Remembered { identity: Arc::clone(&identity), until });
                }
                Ok(identity)
            }
        }
    }

    /// Whether the caller may do all of this.
    ///
    /// # Errors
    /// [`Refusal`] if it may not do one of them.
    pub async fn permit(&self, context: &RequestContext, caller: &Caller, accesses: &[Access]) -> Result<(), Refusal> {
        let who = match caller {
            Caller::Token(token) => {
                let covered = accesses.iter().all(|access| token.covers(access));
                return if covered { Ok(()) } else { Err(Refusal::InsufficientScope) };
            }
            Caller::Known(identity) => Some(&**identity),
            Caller::Anonymous => None,
        };
        let decisions = self.chain.authorize(context, who, accesses).await;
        for (access, decision) in accesses.iter().zip(&decisions) {
            if decision.ruling != Ruling::Allowed {
                let by = decision.by.as_ref().map_or("nobody", |label| &*label.name);
                let repository = access.repository.as_ref().map_or("", |name| name.as_str());
                let who = caller.actor().unwrap_or_default();
                debug!(request_id = %context.request_id, who, action = ?access.action, repository, by, reason = decision.reason, "denied");
                return Err(match caller {
                    Caller::Anonymous => Refusal::Anonymous,
                    Caller::Known(_) | Caller::Token(_) => Refusal::Denied,
                });
            }
        }
        Ok(())
    }

    /// A token for what of these scopes the caller may. What it may not is left out.
    ///
    /// # Errors
    /// [`AuthFailure`]: no token.
    pub async fn issue(
        &self,
        context: &RequestContext,
        credential: Option<&Credential>,
        scopes: &[ScopeRequest],
    ) -> Result<IssuedToken, AuthFailure> {
        let identity = match self.identify(context, credential).await? {
            Caller::Anonymous => None,
            Caller::Known(identity) => Some(identity),
            // A token is not exchanged for a newer one: its life is bounded.
            Caller::Token(_) => return Err(AuthFailure::Rejected),
        };
        let accesses: Vec<Access> = scopes.iter().take(MAX_SCOPES).flat_map(ScopeRequest::accesses).collect();
        let granted = self.granted(context, identity.as_deref(), accesses).await;
        let now = self.clock.now();
        let expires = now.after(self.options.token_life);
        let expires = identity.as_ref().and_then(|identity| identity.expires).map_or(expires, |end| end.min(expires));
        if expires <= now {
            return Err(AuthFailure::Rejected);
        }
        self.key.mint(&self.token_use(context), identity.as_deref(), &granted, now, expires).map_err(|error| {
            error!(request_id = %context.request_id, %error, "no token could be made");
            match error {
                MintError::IdentityTooLarge(_) => AuthFailure::IdentityTooLarge,
                MintError::Signing(_) => AuthFailure::Unavailable,
            }
        })
    }

    async fn granted(&self, context: &RequestContext, who: Option<&Identity>, accesses: Vec<Access>) -> Vec<Access> {
        if accesses.is_empty() {
            return accesses;
        }
        let decisions = self.chain.authorize(context, who, &accesses).await;
        let allowed = accesses.into_iter().zip(decisions).filter(|(_, decision)| decision.ruling == Ruling::Allowed);
        allowed.map(|(access, _)| access).collect()
    }
}

fn credential_id(credential: &Credential) -> [u8; 32] {
    let mut hasher = Sha256::new();
    match credential {
        Credential::Basic { user, secret } => {
            hasher.update([b'b']);
            hasher.update((user.len() as u64).to_le_bytes());
            hasher.update(user.as_bytes());
            hasher.update(secret.as_bytes());
        }
        Credential::Bearer(token) => {
            hasher.update([b't']);
            hasher.update(token.as_bytes());
        }
    }
    hasher.finalize().into()
}

//! What a gate remembers of credentials: who presented one that was accepted, and what a token of this host says. Never what was refused,
//! never a secret, and nothing for longer than it is worth.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::caller::TokenGrant;
use crate::ports::auth::Credential;
use crate::ports::clock::Timestamp;
use crate::ports::context::{Identity, RequestContext};

/// Verified tokens and accepted credentials that are remembered, each.
const REMEMBERED: usize = 10_000;

/// A credential, presented to a registry under one of its names: SHA-256 of all of it.
pub(super) type CredentialId = [u8; 32];

/// Somebody for whom a plugin vouches.
#[derive(Clone)]
pub(super) struct Vouched {
    pub identity: Arc<Identity>,
    /// The plugin's mark of the credential.
    pub proof: Option<Arc<str>>,
    /// Until when the plugin need not be asked again.
    pub until: Timestamp,
}

/// What one gate remembers.
pub(super) struct Memory {
    tokens: Cache<CredentialId, KnownToken>,
    accepted: Cache<CredentialId, Vouched>,
}

#[derive(Clone)]
struct KnownToken {
    grant: Arc<TokenGrant>,
    /// The generation of the key ring that it was checked with.
    generation: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Self { tokens: Cache::new(REMEMBERED), accepted: Cache::new(REMEMBERED) }
    }
}

impl Memory {
    /// What a token says that was found good by keys that are all still there.
    pub fn token(&self, id: &CredentialId, generation: u64, now: Timestamp) -> Option<Arc<TokenGrant>> {
        let known = self.tokens.get(id)?;
        (known.generation == generation && now < known.grant.expires).then_some(known.grant)
    }

    pub fn keep_token(&self, id: CredentialId, generation: u64, grant: &Arc<TokenGrant>) {
        self.tokens.insert(id, KnownToken { grant: Arc::clone(grant), generation });
    }

    /// Who presented this, if it was accepted not too long ago.
    pub fn vouched(&self, id: &CredentialId, now: Timestamp) -> Option<Vouched> {
        let vouched = self.accepted.get(id)?;
        if now < vouched.until {
            return Some(vouched);
        }
        self.accepted.remove(id);
        None
    }

    /// Remembers it until it says, if that is later than now.
    pub fn keep(&self, id: CredentialId, vouched: &Vouched, now: Timestamp) {
        if now < vouched.until {
            self.accepted.insert(id, vouched.clone());
        }
    }

    pub fn forget(&self, id: &CredentialId) {
        self.accepted.remove(id);
    }
}

/// The registry and its name count: what is accepted at one place says nothing of another.
pub(super) fn credential_id(context: &RequestContext, credential: &Credential) -> CredentialId {
    match credential {
        Credential::Basic { user, secret } => digest(b"basic", context, &[user, secret]),
        Credential::Bearer(token) => digest(b"bearer", context, &[token]),
        Credential::Certificate(certificate) => digest(b"certificate", context, &[&certificate.fingerprint]),
    }
}

/// The same of a refresh token that is presented as one.
pub(super) fn refresh_id(context: &RequestContext, token: &str) -> CredentialId {
    digest(b"refresh", context, &[token])
}

fn digest(kind: &[u8], context: &RequestContext, parts: &[&str]) -> CredentialId {
    let mut hasher = Sha256::new();
    hasher.update(kind);
    for part in [context.registry.as_str(), &*context.host].iter().chain(parts) {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

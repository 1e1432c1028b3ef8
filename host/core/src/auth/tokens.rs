//! The host's own tokens: ES256, short-lived, for one registry and one audience. Made and checked here alone; no plugin sees one.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::caller::{Grant, TokenGrant};
use super::scope::{action_name, resource_of};
use crate::auth::ScopeRequest;
use crate::ports::auth::Access;
use crate::ports::clock::Timestamp;
use crate::ports::context::Identity;

/// A token as handed to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token itself.
    pub token: String,
    /// Its life in seconds.
    pub expires_in: u64,
    /// When it was made.
    pub issued_at: Timestamp,
    /// What it grants, as scopes divided by spaces.
    pub scope: String,
}

/// A signing key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ES256 private key in PKCS#8 PEM: {0}")]
pub struct KeyError(String);

/// Why a token was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MintError {
    /// A client sends its token with each request, and requests' heads are bounded.
    #[error(
        "the identity's groups and claims are {0} bytes, more than the {MAX_IDENTITY_BYTES} that a token holds: have the authenticator give fewer"
    )]
    IdentityTooLarge(usize),
    #[error("signing failed: {0}")]
    Signing(String),
}

/// The most bytes of an identity in a token, as JSON.
const MAX_IDENTITY_BYTES: usize = 4 * 1024;

/// The key that signs and checks.
#[derive(Clone)]
pub struct TokenKey {
    id: Arc<str>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    jwk: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    jti: String,
    iss: String,
    aud: String,
    /// The registry's name: a token of one registry is worthless at another of the same host.
    registry: String,
    sub: Option<String>,
    iat: u64,
    nbf: u64,
    exp: u64,
    access: Vec<ClaimedAccess>,
    /// Whom plugins are told of; together with `sub`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<ClaimedIdentity>,
}

#[derive(Serialize, Deserialize)]
struct ClaimedIdentity {
    plugin: String,
    groups: Vec<String>,
    claims: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct ClaimedAccess {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

/// What a token is for.
pub(super) struct TokenUse<'a> {
    pub audience: &'a str,
    pub registry: &'a str,
}

impl TokenKey {
    /// A new key, as PKCS#8 PEM. Keep it secret, and keep it: without it every token is worthless.
    ///
    /// # Errors
    /// [`KeyError`] if the key cannot be written as PEM.
    pub fn generate() -> Result<String, KeyError> {
        let key = loop {
            // Out of 2^256 values, fewer than 2^224 are no key.
            if let Ok(key) = p256::SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
                break key;
            }
        };
        key.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.to_string()).map_err(|error| KeyError(error.to_string()))
    }

    /// Reads a key that [`generate`](Self::generate) made.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let fault = |error: &dyn std::fmt::Display| KeyError(error.to_string());
        let key = p256::SecretKey::from_pkcs8_pem(pem).map_err(|error| fault(&error))?;
        let point = key.public_key().to_encoded_point(false);
        let id: Arc<str> = hex::encode(&Sha256::digest(point.as_bytes())[..8]).into();
        let encoding = EncodingKey::from_ec_pem(pem.as_bytes()).map_err(|error| fault(&error))?;
        let (Some(x), Some(y)) = (point.x(), point.y()) else { return Err(KeyError("no point".to_owned())) };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let jwk = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": &*id, "x": x, "y": y });
        let decoding = DecodingKey::from_ec_components(&x, &y).map_err(|error| fault(&error))?;
        Ok(Self { id, encoding, decoding, jwk })
    }

    /// The public half, as a JSON Web Key (RFC 7517).
    pub fn jwk(&self) -> &serde_json::Value {
        &self.jwk
    }

    /// Makes a token that grants these accesses to `who` (none: an anonymous caller) until `expires`.
    pub(super) fn mint(
        &self,
        of: &TokenUse<'_>,
        who: Option<&Identity>,
        accesses: &[Access],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<IssuedToken, MintError> {
        let access = claimed(accesses);
        let scope = access
            .iter()
            .map(|access| format!("{}:{}:{}", access.kind, access.name, access.actions.join(",")))
            .collect::<Vec<_>>()
            .join(" ");
        let claims = Claims {
            jti: hex::encode(rand::random::<[u8; 16]>()),
            iss: of.audience.to_owned(),
            aud: of.audience.to_owned(),
            registry: of.registry.to_owned(),
            sub: who.map(|identity| identity.subject.clone()),
            iat: now.seconds(),
            nbf: now.seconds(),
            exp: expires.seconds(),
            access,
            identity: who.map(claimed_identity).transpose()?,
        };
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.to_string());
        let token =
            jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(|error| MintError::Signing(error.to_string()))?;
        Ok(IssuedToken { token, expires_in: claims.exp.saturating_sub(claims.iat), issued_at: now, scope })
    }

    /// Whether a bearer token names this key: if not, it may be somebody else's.
    pub(super) fn made(&self, token: &str) -> bool {
        jsonwebtoken::decode_header(token).is_ok_and(|header| header.kid.as_deref() == Some(&*self.id))
    }

    /// Checks signature, registry, audience and time.
    pub(super) fn verify(&self, token: &str, of: &TokenUse<'_>, now: Timestamp) -> Option<TokenGrant> {
        let mut validation = Validation::new(Algorithm::ES256);
        // Time is checked below, against the injected clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_audience(&[of.audience]);
        validation.set_issuer(&[of.audience]);
        validation.set_required_spec_claims(&["aud", "iss", "exp"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation).ok()?.claims;
        let in_time = claims.nbf <= now.seconds() && now.seconds() < claims.exp;
        if !in_time || claims.registry != of.registry {
            return None;
        }
        let identity = claims.sub.clone().zip(claims.identity).map(|(subject, claimed)| claimed.of(subject));
        Some(TokenGrant {
            subject: claims.sub,
            identity,
            grants: claims.access.into_iter().filter_map(granted).collect(),
            expires: Timestamp(claims.exp.saturating_mul(1000)),
        })
    }
}

impl ClaimedIdentity {
    fn of(self, subject: String) -> Identity {
        let Self { plugin, groups, claims, expires } = self;
        Identity { plugin: plugin.into(), subject, groups, claims, expires: expires.map(Timestamp) }
    }
}

fn claimed_identity(identity: &Identity) -> Result<ClaimedIdentity, MintError> {
    let claimed = ClaimedIdentity {
        plugin: identity.plugin.to_string(),
        groups: identity.groups.clone(),
        claims: identity.claims.clone(),
        expires: identity.expires.map(|expires| expires.0),
    };
    let size = serde_json::to_vec(&claimed).map_err(|error| MintError::Signing(error.to_string()))?.len();
    if size > MAX_IDENTITY_BYTES { Err(MintError::IdentityTooLarge(size)) } else { Ok(claimed) }
}

/// Accesses as a token lists them: one entry a resource.
fn claimed(accesses: &[Access]) -> Vec<ClaimedAccess> {
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

fn granted(claimed: ClaimedAccess) -> Option<Grant> {
    let request = ScopeRequest { kind: claimed.kind, name: claimed.name, actions: claimed.actions };
    let accesses = request.accesses();
    let repository = accesses.first()?.repository.clone();
    Some(Grant { repository, actions: accesses.into_iter().map(|access| access.action).collect() })
}

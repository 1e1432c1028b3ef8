//! The host's own tokens, for one registry and one audience: short-lived ones that say what their bearer may, and refresh tokens that say
//! who their bearer is. Made and checked here alone; no plugin sees one.

use super::caller::TokenGrant;
use super::claims::{
    AccessClaims, AccessKind, ClaimedIdentity, Common, Life, MAX_IDENTITY_BYTES, RefreshClaims, RefreshKind, TokenUse, claimed,
    granted, scope_of,
};
use super::key::TokenKey;
use crate::ports::auth::Access;
use crate::ports::clock::Timestamp;
use crate::ports::context::Identity;

/// A token as handed to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token itself.
    pub token: String,
    /// Its life in seconds, at least 60.
    pub expires_in: u64,
    /// When it was made.
    pub issued_at: Timestamp,
    /// What it grants, as scopes divided by spaces.
    pub scope: String,
    /// What buys the next one without a password.
    pub refresh_token: Option<String>,
}

/// Why a token was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MintError {
    /// See [`MAX_IDENTITY_BYTES`].
    #[error(
        "the identity's groups and claims are {0} bytes, more than the {MAX_IDENTITY_BYTES} that a token holds: have the authenticator give fewer"
    )]
    IdentityTooLarge(usize),
    #[error("signing failed: {0}")]
    Signing(String),
}

/// Why a token that names one of our keys gives no access here and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worthless {
    /// The key has not signed it.
    Forged,
    /// It is one of ours for something else.
    OtherKind,
    /// It is for another registry, or another name of this host.
    Elsewhere,
    /// It is not valid yet.
    Early,
    /// Its time is over, as every token's is some day.
    Ended,
}

/// Whether the plugin that vouches can tell later what has become of the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tracking {
    /// It is asked at each use.
    Tracked,
    /// It cannot tell: what it said holds until the token ends.
    Untracked,
}

/// What a refresh token says.
pub(super) struct RefreshGrant {
    /// Who, as the plugin described them if it is untracked; else no more than plugin and subject.
    pub identity: Identity,
    /// A mark of the credential that it was given for.
    pub proof: Option<String>,
    pub tracking: Tracking,
    pub expires: Timestamp,
}

impl TokenKey {
    /// Makes a token that grants these accesses to `who` (none: an anonymous caller).
    pub(super) fn mint(
        &self,
        of: TokenUse<'_>,
        who: Option<&Identity>,
        accesses: &[Access],
        life: Life,
    ) -> Result<IssuedToken, MintError> {
        let access = claimed(accesses);
        let scope = scope_of(&access);
        let claims = AccessClaims {
            common: Common::new(AccessKind::Access, of, life),
            sub: who.map(|identity| identity.subject.clone()),
            access,
            identity: who.map(fitting).transpose()?,
        };
        let token = self.sign(&claims).map_err(MintError::Signing)?;
        Ok(IssuedToken { token, expires_in: claims.common.life(), issued_at: life.from, scope, refresh_token: None })
    }

    /// Checks signature, kind, registry, audience and time.
    pub(super) fn verify(&self, token: &str, of: TokenUse<'_>, now: Timestamp) -> Result<TokenGrant, Worthless> {
        let signed = self.signed(token).ok_or(Worthless::Forged)?;
        let claims: AccessClaims = serde_json::from_slice(&signed).map_err(|_| Worthless::OtherKind)?;
        let common = &claims.common;
        let faults = [
            (!common.is_for(of), Worthless::Elsewhere),
            (common.has_ended(now), Worthless::Ended),
            (!common.has_begun(now), Worthless::Early),
        ];
        if let Some((_, worthless)) = faults.into_iter().find(|(is_so, _)| *is_so) {
            return Err(worthless);
        }
        let expires = claims.common.expires();
        let identity = claims.sub.clone().zip(claims.identity).map(|(subject, claimed)| claimed.of(subject));
        let grants = claims.access.into_iter().filter_map(granted).collect();
        Ok(TokenGrant { subject: claims.sub, identity, grants, expires })
    }

    /// Makes a token by which `who` gets others without a password.
    pub(super) fn mint_refresh(
        &self,
        of: TokenUse<'_>,
        who: &Identity,
        proof: Option<&str>,
        tracking: Tracking,
        life: Life,
    ) -> Result<String, MintError> {
        let identity = match tracking {
            Tracking::Tracked => ClaimedIdentity::plugin_alone(who),
            Tracking::Untracked => fitting(who)?,
        };
        let claims = RefreshClaims {
            common: Common::new(RefreshKind::Refresh, of, life),
            sub: who.subject.clone(),
            identity,
            proof: proof.map(str::to_owned),
            tracked: tracking == Tracking::Tracked,
        };
        self.sign(&claims).map_err(MintError::Signing)
    }

    /// Checks the same of a refresh token.
    pub(super) fn verify_refresh(&self, token: &str, of: TokenUse<'_>, now: Timestamp) -> Option<RefreshGrant> {
        let claims: RefreshClaims = serde_json::from_slice(&self.signed(token)?).ok()?;
        if !claims.common.holds(of, now) {
            return None;
        }
        Some(RefreshGrant {
            expires: claims.common.expires(),
            identity: claims.identity.of(claims.sub),
            proof: claims.proof,
            tracking: if claims.tracked { Tracking::Tracked } else { Tracking::Untracked },
        })
    }
}

impl Worthless {
    /// As the audit log writes it. None: nobody decided anything, so there is nothing to write.
    pub(super) const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Forged => Some("the token names a key of this host that has not signed it"),
            Self::OtherKind => Some("the token is one of this host, and gives no access"),
            Self::Elsewhere => Some("the token is for another registry, or for another name of this host"),
            Self::Early => Some("the token is not valid yet"),
            Self::Ended => None,
        }
    }
}

fn fitting(identity: &Identity) -> Result<ClaimedIdentity, MintError> {
    let claimed = ClaimedIdentity::whole(identity);
    let size = serde_json::to_vec(&claimed).map_err(|error| MintError::Signing(error.to_string()))?.len();
    if size > MAX_IDENTITY_BYTES { Err(MintError::IdentityTooLarge(size)) } else { Ok(claimed) }
}

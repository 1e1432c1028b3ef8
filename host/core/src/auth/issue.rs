//! Access tokens: a credential in, a token for what its bearer may out. What it may not is left out, never an error.

use std::sync::Arc;
use std::time::Duration;

use tracing::error;

use super::chain::standing;
use super::check::{Check, NOBODY};
use super::claims::Life;
use super::decision::Ruling;
use super::failure::AuthFailure;
use super::gate::{Found, Gate, SHORTEST_LIFE, token_use};
use super::login::{Login, earlier};
use super::record;
use super::refresh::Basis;
use super::remember::{Vouched, credential_id};
use super::scope::ScopeRequest;
use super::tokens::{IssuedToken, MintError};
use crate::ports::auth::{Access, Credential, Standing};
use crate::ports::clock::Timestamp;
use crate::ports::context::{Identity, RequestContext};

/// The most scopes that one token request is answered for; what comes after is left out.
const MAX_SCOPES: usize = 64;

/// Whether a refresh token is asked for (`offline_token=true`, `access_type=offline`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offline {
    /// It is; it is given where it can be.
    Wanted,
    /// It is not.
    NotWanted,
}

impl Gate {
    /// A token for what of these scopes the caller may. What it may not is left out.
    ///
    /// # Errors
    /// [`AuthFailure`]: no token.
    pub async fn issue(
        &self,
        context: &RequestContext,
        credential: Option<&Credential>,
        scopes: &[ScopeRequest],
        offline: Offline,
    ) -> Result<IssuedToken, AuthFailure> {
        let Some(credential) = credential else { return self.token_for(context, None, scopes).await };
        if let Credential::Basic { user, secret } = credential
            && user == NOBODY
        {
            return self.issue_to_nobody(context, secret, scopes, offline).await;
        }
        let vouched = match self.find(context, credential).await? {
            Found::Vouched(vouched) => vouched,
            Found::Remembered(vouched) => self.confirmed(context, credential, vouched).await?,
            Found::Nobody => return self.token_for(context, None, scopes).await,
            // A token is not exchanged for a newer one: its life is bounded.
            Found::Token(_) => return Err(AuthFailure::Rejected),
        };
        let basis = match credential {
            Credential::Basic { .. } => Some(Basis::Password),
            Credential::Bearer(_) => Some(Basis::Token),
            // Whoever has the certificate's key needs nothing else, and who has not shall not have it either.
            Credential::Certificate(_) => None,
        };
        let mut refresh_token = None;
        if let (Offline::Wanted, Some(basis)) = (offline, basis) {
            refresh_token = self.refresh_token_for(context, &vouched, basis, &credential_id(context, credential)).await?;
        }
        let issued = self.token_for(context, Some(&vouched.identity), scopes).await?;
        Ok(IssuedToken { refresh_token, ..issued })
    }

    /// A login that is remembered, as its plugin knows it now: a token outlives what is remembered, so nobody gets one whose account or password
    /// is gone. Where the plugin marks no credential, or cannot say, what it said holds for as long as it lets it be reused.
    async fn confirmed(
        &self,
        context: &RequestContext,
        credential: &Credential,
        vouched: Vouched,
    ) -> Result<Vouched, AuthFailure> {
        let Vouched { identity, proof: Some(proof), .. } = &vouched else { return Ok(vouched) };
        let plugin = self.chain.authenticator(&identity.plugin).ok_or(AuthFailure::Rejected)?;
        match standing(&**plugin, context, &identity.subject, Some(proof)).await.map_err(|_| AuthFailure::Unavailable)? {
            Standing::Known(known) if known.subject == identity.subject => {
                let known = Identity { expires: earlier(known.expires, identity.expires), ..known };
                Ok(Vouched { identity: Arc::new(known), ..vouched })
            }
            Standing::Untracked => Ok(vouched),
            Standing::Known(_) | Standing::Gone => {
                let id = credential_id(context, credential);
                self.memory.forget(&id);
                // The password may be right all the same: as that of an account that was made anew.
                match self.log_in(context, &Check::of(credential, id)).await? {
                    Login::Vouched(vouched) => Ok(vouched),
                    Login::Nobody => Err(AuthFailure::Rejected),
                }
            }
        }
    }

    /// The password is a refresh token, as in `docker login` with the user [`NOBODY`].
    async fn issue_to_nobody(
        &self,
        context: &RequestContext,
        token: &str,
        scopes: &[ScopeRequest],
        offline: Offline,
    ) -> Result<IssuedToken, AuthFailure> {
        let Login::Vouched(vouched) = self.log_in(context, &Check::of_nobody(context, token)).await? else {
            return Err(AuthFailure::Rejected);
        };
        let issued = self.token_for(context, Some(&vouched.identity), scopes).await?;
        let refresh_token = (offline == Offline::Wanted).then(|| token.to_owned());
        Ok(IssuedToken { refresh_token, ..issued })
    }

    /// A token for somebody who has been identified, or for an anonymous caller.
    pub(super) async fn token_for(
        &self,
        context: &RequestContext,
        who: Option<&Arc<Identity>>,
        scopes: &[ScopeRequest],
    ) -> Result<IssuedToken, AuthFailure> {
        let who = who.map(|identity| &**identity);
        let life = self.life(self.options.token_life, who.and_then(|identity| identity.expires))?;
        let accesses: Vec<Access> = scopes.iter().take(MAX_SCOPES).flat_map(ScopeRequest::accesses).collect();
        let granted = self.granted(context, who, accesses).await;
        let issued = self.keys.current().mint(token_use(context), who, &granted, life);
        issued.map_err(|error| Self::not_minted(context, &error))
    }

    async fn granted(&self, context: &RequestContext, who: Option<&Identity>, accesses: Vec<Access>) -> Vec<Access> {
        if accesses.is_empty() {
            return accesses;
        }
        let decisions = self.decide(context, who, &accesses).await;
        if let Some(who) = who
            && let Some(entry) = record::left_out(context, self.clock.now(), who, accesses.iter().zip(&decisions))
        {
            self.audit.record(entry).await;
        }
        let allowed = accesses.into_iter().zip(decisions).filter(|(_, decision)| decision.ruling == Ruling::Allowed);
        allowed.map(|(access, _)| access).collect()
    }

    /// From now on, for `longest`, and never beyond the end of whom it is for.
    ///
    /// # Errors
    /// [`AuthFailure::EndsTooSoon`] if that is less than the shortest life of a token.
    pub(super) fn life(&self, longest: Duration, end: Option<Timestamp>) -> Result<Life, AuthFailure> {
        let from = self.clock.now();
        let until = from.after(longest);
        let until = end.map_or(until, |end| end.min(until));
        if until < from.after(SHORTEST_LIFE) { Err(AuthFailure::EndsTooSoon) } else { Ok(Life { from, until }) }
    }

    pub(super) fn not_minted(context: &RequestContext, error: &MintError) -> AuthFailure {
        error!(request_id = %context.request_id, %error, "no token could be made");
        match error {
            MintError::IdentityTooLarge(_) => AuthFailure::IdentityTooLarge,
            MintError::Signing(_) => AuthFailure::Unavailable,
        }
    }
}

//! Refresh tokens: how one is earned, and what it is worth when it is shown.
//!
//! Where the plugin that vouched can tell what has become of the subject, it is asked each time, and its word is what counts. Where it
//! cannot, the token is short-lived and given only for what is short-lived itself.

use std::time::Duration;

use super::chain::standing;
use super::check::Check;
use super::decision::{Said, Step};
use super::failure::AuthFailure;
use super::gate::{Gate, token_use};
use super::login::Login;
use super::remember::{CredentialId, Vouched, credential_id};
use super::scope::ScopeRequest;
use super::tokens::{IssuedToken, RefreshGrant, Tracking};
use crate::ports::auth::{Credential, Standing};
use crate::ports::clock::Timestamp;
use crate::ports::context::{Identity, RequestContext};

/// The longest life of a refresh token whose subject nobody can tell anything of later.
const UNTRACKED_LIFE: Duration = Duration::from_secs(3 * 60 * 60);

/// What a login is that asks for a refresh token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// A password, which the client can keep where it gets no token for it.
    Password,
    /// Somebody else's token, which ends soon.
    Token,
}

impl Gate {
    /// A new access token for whom a refresh token was given to (`grant_type=refresh_token`). The reply has the refresh token again.
    ///
    /// # Errors
    /// [`AuthFailure::InvalidToken`] if it is worth nothing here and now; else as [`issue`](Self::issue).
    pub async fn refresh(
        &self,
        context: &RequestContext,
        refresh_token: &str,
        scopes: &[ScopeRequest],
    ) -> Result<IssuedToken, AuthFailure> {
        let check = Check::of_refresh_token(context, refresh_token);
        let vouched = match self.log_in(context, &check).await {
            Ok(Login::Vouched(vouched)) => vouched,
            Ok(Login::Nobody) | Err(AuthFailure::Rejected) => return Err(AuthFailure::InvalidToken),
            Err(failure) => return Err(failure),
        };
        let issued = self.token_for(context, Some(&vouched.identity), scopes).await?;
        Ok(IssuedToken { refresh_token: Some(refresh_token.to_owned()), ..issued })
    }

    /// A refresh token for a token of an identity provider (`/oauth2/exchange`). A token of this host buys none.
    ///
    /// # Errors
    /// [`AuthFailure`]: there is none.
    pub async fn exchange(&self, context: &RequestContext, access_token: &str) -> Result<String, AuthFailure> {
        if self.keys.maker(access_token).is_some() {
            return Err(AuthFailure::InvalidToken);
        }
        let credential = Credential::Bearer(access_token.to_owned());
        let id = credential_id(context, &credential);
        let vouched = match self.memory.vouched(&id, self.clock.now()) {
            Some(vouched) => vouched,
            None => match self.log_in(context, &Check::of_exchange(&credential, id)).await {
                Ok(Login::Vouched(vouched)) => vouched,
                Ok(Login::Nobody) | Err(AuthFailure::Rejected) => return Err(AuthFailure::InvalidToken),
                Err(failure) => return Err(failure),
            },
        };
        self.refresh_token_for(context, &vouched, Basis::Token, &id).await?.ok_or(AuthFailure::InvalidToken)
    }

    /// A refresh token for somebody who has just logged in. None: a password is worth more than what could be given for it.
    pub(super) async fn refresh_token_for(
        &self,
        context: &RequestContext,
        vouched: &Vouched,
        basis: Basis,
        id: &CredentialId,
    ) -> Result<Option<String>, AuthFailure> {
        let Vouched { identity, proof, .. } = vouched;
        let plugin = self.chain.authenticator(&identity.plugin).ok_or(AuthFailure::Rejected)?;
        let standing = standing(&**plugin, context, &identity.subject, proof.as_deref()).await;
        let (tracking, longest) = match standing.map_err(|_| AuthFailure::Unavailable)? {
            Standing::Known(known) if known.subject == identity.subject => (Tracking::Tracked, self.options.refresh_life),
            Standing::Known(_) | Standing::Gone => {
                // It was accepted a moment ago, or is remembered, and has been withdrawn since.
                self.memory.forget(id);
                return Err(AuthFailure::Rejected);
            }
            Standing::Untracked if basis == Basis::Password => return Ok(None),
            Standing::Untracked => (Tracking::Untracked, self.options.refresh_life.min(UNTRACKED_LIFE)),
        };
        let life = self.life(longest, identity.expires)?;
        let key = self.keys.current();
        let token = key.mint_refresh(token_use(context), identity, proof.as_deref(), tracking, life);
        token.map(Some).map_err(|error| Self::not_minted(context, &error))
    }

    /// What a refresh token says that is valid here and now.
    pub(super) fn refresh_grant(&self, context: &RequestContext, token: &str, now: Timestamp) -> Option<RefreshGrant> {
        self.keys.maker(token)?.verify_refresh(token, token_use(context), now)
    }

    /// Whom a refresh token stands for now, and what its plugin said.
    ///
    /// # Errors
    /// For whom it was given, and what the plugin said instead; no step: there is no such plugin any more.
    pub(super) async fn stands(
        &self,
        context: &RequestContext,
        grant: RefreshGrant,
    ) -> Result<(Identity, Step), (Identity, Option<Step>)> {
        let RefreshGrant { identity, proof, tracking, .. } = grant;
        let Some(plugin) = self.chain.authenticator(&identity.plugin) else { return Err((identity, None)) };
        let label = plugin.label();
        let rejected = |reason: &str| Some(Step::new(label, Said::Rejected, reason));
        match standing(&**plugin, context, &identity.subject, proof.as_deref()).await {
            Ok(Standing::Known(known)) if known.subject == identity.subject => Ok((known, Step::new(label, Said::Accepted, ""))),
            Ok(Standing::Known(_)) => Err((identity, rejected("it tells of another subject than it was asked about"))),
            Ok(Standing::Gone) => Err((identity, rejected("the subject or the credential is gone"))),
            Ok(Standing::Untracked) if tracking == Tracking::Untracked => Ok((identity, Step::new(label, Said::Abstained, ""))),
            Ok(Standing::Untracked) => Err((identity, rejected("it cannot tell any more what has become of the subject"))),
            Err(step) => Err((identity, Some(step))),
        }
    }
}

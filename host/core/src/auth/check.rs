//! What there is to check of what a client presents: the credential itself by the chain, or a refresh token by the plugin that vouched.

use super::key::is_token;
use super::remember::{CredentialId, refresh_id};
use crate::ports::audit::AuditAction;
use crate::ports::auth::{Certificate, Credential};
use crate::ports::context::RequestContext;

/// The user name whose password is a refresh token, as Azure Container Registry has it.
pub(super) const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
/// For so many seconds a refresh token that is the password of a request is not asked about again.
const REFRESH_REUSE: u32 = 60;

/// What is to be checked.
pub(super) struct Check<'a> {
    pub id: CredentialId,
    pub action: AuditAction,
    pub presented: Presented<'a>,
    password: Password<'a>,
}

/// See [`Check`].
pub(super) enum Presented<'a> {
    /// Who it is says the chain.
    Credential(&'a Credential),
    /// Who it is says the token, and the plugin that vouched whether that still holds, for `reuse` seconds.
    Refresh { token: &'a str, reuse: u32 },
}

/// Whether a name and a password were presented.
#[derive(Clone, Copy)]
enum Password<'a> {
    /// Those of this user.
    Of(&'a str),
    /// Those of nobody: the password is a token.
    Nobody,
    /// Something else was.
    No,
}

impl<'a> Check<'a> {
    /// A credential, wherever it is presented.
    pub fn of(credential: &'a Credential, id: CredentialId) -> Self {
        let (presented, password) = match credential {
            Credential::Basic { user, secret } if user == NOBODY => {
                return Self { password: Password::Nobody, ..Self::refresh(secret, id, REFRESH_REUSE) };
            }
            Credential::Basic { user, .. } => (Presented::Credential(credential), Password::Of(user)),
            Credential::Bearer(_) | Credential::Certificate(_) => (Presented::Credential(credential), Password::No),
        };
        Self { id, action: AuditAction::Login, presented, password }
    }

    /// Somebody else's token that buys a refresh token.
    pub fn of_exchange(credential: &'a Credential, id: CredentialId) -> Self {
        Self { action: AuditAction::Exchange, ..Self::of(credential, id) }
    }

    /// A refresh token that buys a token: its plugin is asked each time.
    pub fn of_refresh_token(context: &RequestContext, token: &'a str) -> Self {
        Self::refresh(token, refresh_id(context, token), 0)
    }

    /// The same, as the password of nobody.
    pub fn of_nobody(context: &RequestContext, token: &'a str) -> Self {
        Self { password: Password::Nobody, ..Self::of_refresh_token(context, token) }
    }

    fn refresh(token: &'a str, id: CredentialId, reuse: u32) -> Self {
        Self { id, action: AuditAction::Refresh, presented: Presented::Refresh { token, reuse }, password: Password::No }
    }

    /// The user name that is claimed.
    pub const fn user(&self) -> Option<&'a str> {
        match self.password {
            Password::Of(user) => Some(user),
            Password::Nobody | Password::No => None,
        }
    }

    /// The same, where failing counts against it. Whoever presents a token as a password guesses no password of that user; and where jobs log in
    /// with their tokens under a name of their choice, nobody shall be able to use up what may fail under that name.
    pub fn counted_user(&self) -> Option<&'a str> {
        match self.presented {
            Presented::Credential(Credential::Basic { secret, .. }) if is_token(secret) => None,
            Presented::Credential(_) | Presented::Refresh { .. } => self.user(),
        }
    }

    pub fn certificate(&self) -> Option<&'a Certificate> {
        match self.presented {
            Presented::Credential(Credential::Certificate(certificate)) => Some(certificate),
            Presented::Credential(_) | Presented::Refresh { .. } => None,
        }
    }

    /// Whether it is a name and a password, of whatever kind.
    pub const fn is_basic(&self) -> bool {
        !matches!(self.password, Password::No)
    }
}

//! Why nobody is let in, and why a caller may not: what `http` turns into statuses.

use std::time::Duration;

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthFailure {
    /// The credential is wrong, or nobody knows it.
    #[error("unknown user name or wrong password")]
    Rejected,
    /// A token is expired, forged, withdrawn, of the wrong kind, or for somewhere else.
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
    /// Too many logins failed from there or as that account, or too many are under way, and nobody was asked.
    #[error("too many logins failed, or came at once: wait before you try again")]
    TooManyFailures {
        /// When the next one is looked at; whole seconds, at least one.
        retry_after: Duration,
    },
    /// It is known, and ends before the shortest life that a token has.
    #[error("your credential ends in less than a minute: renew it")]
    EndsTooSoon,
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

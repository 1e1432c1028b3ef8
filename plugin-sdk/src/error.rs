//! Errors as the interface knows them, and ways to make one.
//!
//! The host fails closed on every error: an authenticator's or authorizer's denies, an admission's refuses the change, a storage's becomes
//! a 4xx or 5xx, a webhook's is tried again. The text of [`Error::Internal`] is for the log alone.

use crate::{Error, Unavailable};

/// What every call of a plugin and every call to the host answers.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// The plugin's own counterpart refused.
    pub fn denied(reason: impl Into<String>) -> Self {
        Self::Denied(reason.into())
    }

    /// The question, or a setting, makes no sense, whoever asks.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }

    /// A fault of the plugin. The text goes to the log, never to a client.
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::Internal(reason.into())
    }

    /// The counterpart is away; the same call may go through later.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable(Unavailable { reason: reason.into(), retry_after: None })
    }

    /// Like [`Error::unavailable`], with the seconds after which to try again.
    pub fn unavailable_for(reason: impl Into<String>, seconds: u32) -> Self {
        Self::Unavailable(Unavailable { reason: reason.into(), retry_after: Some(seconds) })
    }

    /// The same error with `what` before its text: `reading /users: not found`. The two variants without text become [`Error::Invalid`],
    /// so use it where what is missing is a mistake, as in [`Plugin::new`](crate::Plugin::new).
    #[must_use]
    pub fn context(self, what: impl core::fmt::Display) -> Self {
        match self {
            Self::NotFound => Self::Invalid(format!("{what}: not found")),
            Self::Conflict => Self::Invalid(format!("{what}: it exists already, or changed meanwhile")),
            Self::Denied(text) => Self::Denied(format!("{what}: {text}")),
            Self::Invalid(text) => Self::Invalid(format!("{what}: {text}")),
            Self::Internal(text) => Self::Internal(format!("{what}: {text}")),
            Self::Unavailable(away) => Self::Unavailable(Unavailable { reason: format!("{what}: {}", away.reason), ..away }),
        }
    }
}

/// Turns any error or an absent value into one of the interface's, with a word on what was being done.
pub trait OrError<T> {
    /// [`Error::Invalid`]: whoever wrote the settings or asked the question has to change it.
    fn or_invalid(self, what: &str) -> Result<T>;
    /// [`Error::Internal`]: for the log.
    fn or_internal(self, what: &str) -> Result<T>;
}

impl<T, E: core::fmt::Display> OrError<T> for core::result::Result<T, E> {
    fn or_invalid(self, what: &str) -> Result<T> {
        self.map_err(|error| Error::Invalid(format!("{what}: {error}")))
    }

    fn or_internal(self, what: &str) -> Result<T> {
        self.map_err(|error| Error::Internal(format!("{what}: {error}")))
    }
}

impl<T> OrError<T> for Option<T> {
    fn or_invalid(self, what: &str) -> Result<T> {
        self.ok_or_else(|| Error::Invalid(what.to_owned()))
    }

    fn or_internal(self, what: &str) -> Result<T> {
        self.ok_or_else(|| Error::Internal(what.to_owned()))
    }
}

macro_rules! internal_from {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Internal(error.to_string())
            }
        })+
    };
}

internal_from!(serde_json::Error, core::str::Utf8Error, std::string::FromUtf8Error, core::num::ParseIntError, core::fmt::Error,);

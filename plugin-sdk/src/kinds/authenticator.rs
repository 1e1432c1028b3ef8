//! Says who a caller is.

use crate::bindings::authenticator::exports::bulkhead::plugin::authenticator as generated;
use crate::export::{Adapter, Held, with};
use crate::{Identity, Plugin, RequestContext, Result};

pub use generated::{Acceptance, Authentication, Basic, Certificate, Credential, Standing};

/// A plugin that says who a caller is.
pub trait Authenticator: Plugin {
    /// Accepted, rejected, or not mine. An error denies.
    fn authenticate(&mut self, context: &RequestContext, credential: &Credential) -> Result<Authentication>;

    /// What has become of somebody whom this plugin may have accepted earlier; `proof` is what [`Authentication::with_proof`] said then, or
    /// none where an operator asks. An error denies.
    ///
    /// Write it where the plugin knows its people: then a `docker login` is kept as a refresh token in place of a password, and ends when the
    /// account does. Without it, such a token is given for no password, and for a token of an issuer only for hours.
    fn lookup(&mut self, context: &RequestContext, subject: &str, proof: Option<&str>) -> Result<Standing> {
        let _ = (context, subject, proof);
        Ok(Standing::Untracked)
    }
}

impl Authentication {
    /// Accepted, and asked again at the next login.
    pub fn accept(identity: impl Into<Identity>) -> Self {
        Self::accept_for(identity, 0)
    }

    /// Accepted, and the host may reuse the answer for so many seconds.
    pub fn accept_for(identity: impl Into<Identity>, reuse: u32) -> Self {
        Self::Accepted(Acceptance { identity: identity.into(), reuse, proof: None })
    }

    /// Accepted with a mark of the credential, which [`Authenticator::lookup`] is handed back: at most 256 bytes and no secret. Anything but an
    /// acceptance stays what it is.
    #[must_use]
    pub fn with_proof(self, proof: impl Into<String>) -> Self {
        match self {
            Self::Accepted(acceptance) => Self::Accepted(Acceptance { proof: Some(proof.into()), ..acceptance }),
            other => other,
        }
    }

    /// Known here, and wrong. The reason goes to the log.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Rejected(reason.into())
    }
}

impl Identity {
    /// A caller without groups or claims, for as long as the host likes.
    pub fn new(subject: impl Into<String>) -> Self {
        Self { subject: subject.into(), groups: Vec::new(), claims: Vec::new(), expires: None }
    }

    /// The same with these groups.
    #[must_use]
    pub fn with_groups<S: Into<String>>(mut self, groups: impl IntoIterator<Item = S>) -> Self {
        self.groups = groups.into_iter().map(Into::into).collect();
        self
    }

    /// The same with one claim more. A name must occur once.
    #[must_use]
    pub fn with_claim(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.claims.push((name.into(), value.into()));
        self
    }
}

impl From<&String> for Identity {
    fn from(subject: &String) -> Self {
        Self::new(subject)
    }
}

impl From<&str> for Identity {
    fn from(subject: &str) -> Self {
        Self::new(subject)
    }
}

impl<P: Held + Authenticator> generated::Guest for Adapter<P> {
    fn authenticate(context: RequestContext, credential: Credential) -> Result<Authentication> {
        with(|plugin: &mut P| plugin.authenticate(&context, &credential))
    }

    fn lookup(context: RequestContext, subject: String, proof: Option<String>) -> Result<Standing> {
        with(|plugin: &mut P| plugin.lookup(&context, &subject, proof.as_deref()))
    }
}

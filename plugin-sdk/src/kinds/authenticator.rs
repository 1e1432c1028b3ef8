//! Says who a caller is.

use crate::bindings::authenticator::exports::bulkhead::plugin::authenticator as generated;
use crate::export::{Adapter, Held, with};
use crate::{Identity, Plugin, RequestContext, Result};

pub use generated::{Acceptance, Authentication, Basic, Certificate, Credential};

/// A plugin that says who a caller is.
pub trait Authenticator: Plugin {
    /// Accepted, rejected, or not mine. An error denies.
    fn authenticate(&mut self, context: &RequestContext, credential: &Credential) -> Result<Authentication>;
}

impl Authentication {
    /// Accepted, and asked again at the next login.
    pub fn accept(identity: impl Into<Identity>) -> Self {
        Self::accept_for(identity, 0)
    }

    /// Accepted, and the host may reuse the answer for so many seconds.
    pub fn accept_for(identity: impl Into<Identity>, reuse: u32) -> Self {
        Self::Accepted(Acceptance { identity: identity.into(), reuse })
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
}

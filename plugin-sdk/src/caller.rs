//! Somebody whom an authenticator vouches for, as authorizers and admission plugins see them.

use std::ops::Deref;

use crate::{Caller, Identity, RequestContext};

impl Caller {
    /// The same person as this plugin itself accepts. Ask before you trust a subject or a claim that is yours alone: another authenticator of
    /// the chain may give the same subject to somebody else.
    pub fn is_own(&self, context: &RequestContext) -> bool {
        self.vouched_by == context.plugin
    }
}

/// A caller is who it is: `caller.subject` and `caller.groups` are its identity's.
impl Deref for Caller {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.identity
    }
}

impl Identity {
    /// As a caller whom this plugin vouches for.
    pub fn vouched_by(self, plugin: impl Into<String>) -> Caller {
        Caller { vouched_by: plugin.into(), identity: self }
    }
}

//! Says what a caller may do.

use crate::bindings::authorizer::exports::bulkhead::plugin::authorizer as generated;
use crate::export::{Adapter, Held, with};
use crate::{Identity, Plugin, RequestContext, Result};

pub use generated::{Access, Action, Verdict};

/// A plugin that says what a caller may do.
pub trait Authorizer: Plugin {
    /// Allowed, denied, or no opinion. `who` is none for an anonymous caller. An error denies.
    fn authorize(&mut self, context: &RequestContext, who: Option<&Identity>, access: &Access) -> Result<Verdict>;

    /// All that one request needs: one verdict for each access, in the same order. Write it where one look answers many.
    fn authorize_all(&mut self, context: &RequestContext, who: Option<&Identity>, accesses: &[Access]) -> Result<Vec<Verdict>> {
        accesses.iter().map(|access| self.authorize(context, who, access)).collect()
    }
}

impl Verdict {
    /// Denied. The reason goes to the log.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny(reason.into())
    }
}

impl<P: Held + Authorizer> generated::Guest for Adapter<P> {
    fn authorize(context: RequestContext, who: Option<Identity>, accesses: Vec<Access>) -> Result<Vec<Verdict>> {
        with(|plugin: &mut P| plugin.authorize_all(&context, who.as_ref(), &accesses))
    }
}

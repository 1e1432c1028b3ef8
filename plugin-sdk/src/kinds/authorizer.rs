//! Says what a caller may do.

use crate::bindings::authorizer::exports::bulkhead::plugin::authorizer as generated;
use crate::export::{Adapter, Held, with};
use crate::{Caller, Plugin, RequestContext, Result};

pub use generated::{Access, Action, Answer, Verdict};

/// A plugin that says what a caller may do.
pub trait Authorizer: Plugin {
    /// Allowed, denied, or no opinion. `who` is none for an anonymous caller. An error denies.
    fn authorize(&mut self, context: &RequestContext, who: Option<&Caller>, access: &Access) -> Result<Verdict>;

    /// All that one request needs: one verdict for each access, in the same order. Write it where one look answers many.
    fn authorize_all(&mut self, context: &RequestContext, who: Option<&Caller>, accesses: &[Access]) -> Result<Vec<Verdict>> {
        accesses.iter().map(|access| self.authorize(context, who, access)).collect()
    }

    /// Seconds for which the host may reuse a verdict for the same caller, with the same groups and claims, and the same access at the same
    /// registry, whatever the address, the time or anything else: none unless said otherwise. Asked after each call.
    fn reuse(&self) -> u32 {
        0
    }
}

impl Verdict {
    /// Allowed, without a reason.
    pub const fn allow() -> Self {
        Self::Allow(String::new())
    }

    /// Allowed. The reason is for explanations.
    pub fn allow_because(reason: impl Into<String>) -> Self {
        Self::Allow(reason.into())
    }

    /// Denied. The reason goes to the log.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny(reason.into())
    }
}

impl<P: Held + Authorizer> generated::Guest for Adapter<P> {
    fn authorize(context: RequestContext, who: Option<Caller>, accesses: Vec<Access>) -> Result<Answer> {
        with(|plugin: &mut P| {
            let verdicts = plugin.authorize_all(&context, who.as_ref(), &accesses)?;
            Ok(Answer { verdicts, reuse: plugin.reuse() })
        })
    }
}

//! Looks at content before it changes.

use crate::bindings::admission::exports::bulkhead::plugin::admission as generated;
use crate::export::{Adapter, Held, with};
use crate::{Identity, Plugin, RequestContext, Result};

pub use generated::{Change, Manifest, Opinion, TagMove};

/// A plugin that says whether a change may pass.
pub trait Admission: Plugin {
    /// Admitted, with warnings or without, or refused with a reason that the client sees. An error refuses.
    fn review(&mut self, context: &RequestContext, who: Option<&Identity>, repository: &str, change: &Change) -> Result<Opinion>;
}

impl Opinion {
    /// Admitted without a warning.
    pub fn admit() -> Self {
        Self::Admit(Vec::new())
    }

    /// Refused, with what the client is told.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse(reason.into())
    }
}

impl<P: Held + Admission> generated::Guest for Adapter<P> {
    fn review(context: RequestContext, who: Option<Identity>, repository: String, change: Change) -> Result<Opinion> {
        with(|plugin: &mut P| plugin.review(&context, who.as_ref(), &repository, &change))
    }
}

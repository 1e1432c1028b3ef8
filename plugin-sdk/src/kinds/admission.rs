//! Looks at content before it changes.

use crate::bindings::admission::exports::bulkhead::plugin::admission as generated;
use crate::export::{Adapter, Held, with};
use crate::{Caller, Plugin, RequestContext, Result};

pub use generated::{Change, Manifest, ManifestDeletion, Opinion, TagState};

/// A plugin that says whether a change may pass.
pub trait Admission: Plugin {
    /// Admitted, with warnings or without, or refused with a reason that the client sees. An error refuses too, with a text for the log
    /// alone. `who` is none for an anonymous caller, who may make this change: the authorizers were asked before.
    ///
    /// It may be asked twice about one change, where a tag moved meanwhile, and a change that it admitted need not come to pass, since
    /// another plugin may refuse it. So only look here, and do nothing.
    fn review(&mut self, context: &RequestContext, who: Option<&Caller>, repository: &str, change: &Change) -> Result<Opinion>;
}

impl Opinion {
    /// Admitted without a warning.
    pub fn admit() -> Self {
        Self::Admit(Vec::new())
    }

    /// Admitted, with a warning that the client shows to its user. Visible ASCII; the host writes anything else in another way.
    pub fn warn(warning: impl Into<String>) -> Self {
        Self::Admit(vec![warning.into()])
    }

    /// Refused, with what the client is told: say what is wrong, and what would be right. The host cuts it after 1 KiB.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse(reason.into())
    }
}

impl Change {
    /// The tags that it sets, or that go with it, by their names.
    pub fn tags(&self) -> Vec<&str> {
        match self {
            Self::PutManifest(Manifest { tags, .. }) | Self::DeleteRepository(tags) => {
                tags.iter().map(|state| state.tag.as_str()).collect()
            }
            Self::DeleteTag(state) => vec![&state.tag],
            Self::DeleteManifest(deletion) => deletion.tags.iter().map(String::as_str).collect(),
            Self::DeleteBlob(_) => Vec::new(),
        }
    }
}

impl<P: Held + Admission> generated::Guest for Adapter<P> {
    fn review(context: RequestContext, who: Option<Caller>, repository: String, change: Change) -> Result<Opinion> {
        with(|plugin: &mut P| plugin.review(&context, who.as_ref(), &repository, &change))
    }
}

//! Events on their way out: which webhook wants which, and the delivery from the outbox. The outbox itself is the catalog's.

mod delivery;

use std::collections::BTreeSet;

pub use delivery::{Courier, MAX_ATTEMPTS};

use crate::ports::event::{EventAction, EventTarget, Scope};

/// What a webhook of a registry wants to hear.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// The webhook's name.
    pub webhook: String,
    /// Of which actions.
    pub actions: BTreeSet<EventAction>,
    /// Of which repositories and tags.
    pub scope: Scope,
}

impl Subscription {
    /// Whether it wants to hear of this.
    pub fn wants(&self, action: EventAction, target: &EventTarget) -> bool {
        self.actions.contains(&action) && self.scope.matches(&target.repository, target.tag.as_deref())
    }
}

//! A caller, once it is known by whose word.

use std::sync::Arc;

use bulkhead_oci::RepositoryName;

use crate::ports::auth::{Access, AccessAction};
use crate::ports::clock::Timestamp;
use crate::ports::context::Identity;

/// Who a request comes from.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Nobody said who.
    Anonymous,
    /// An authenticator vouches for it; authorizers are asked at each request.
    Known(Arc<Identity>),
    /// A token of this host says what it may. What it may see of other repositories, in lists and for mounts, is asked of the chain.
    Token(Arc<TokenGrant>),
}

impl Caller {
    /// The name for events and logs; none for an anonymous one.
    pub fn actor(&self) -> Option<String> {
        match self {
            Self::Anonymous => None,
            Self::Known(identity) => Some(identity.subject.clone()),
            Self::Token(token) => token.subject.clone(),
        }
    }

    /// Who it is, for plugins; none for an anonymous one.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Anonymous => None,
            Self::Known(identity) => Some(identity),
            Self::Token(token) => token.identity.as_ref(),
        }
    }
}

/// What a token of this host grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenGrant {
    /// Whom it was given to; none: an anonymous caller.
    pub subject: Option<String>,
    /// The same as plugins know it; none: an anonymous caller.
    pub identity: Option<Identity>,
    /// What it grants.
    pub grants: Vec<Grant>,
    /// From when on it is worth nothing.
    pub expires: Timestamp,
}

/// The actions that a token grants on one repository, or on the registry as a whole (none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Where.
    pub repository: Option<RepositoryName>,
    /// What.
    pub actions: Vec<AccessAction>,
}

impl TokenGrant {
    /// Whether it grants this access.
    pub fn covers(&self, access: &Access) -> bool {
        self.grants.iter().any(|grant| grant.repository == access.repository && grant.actions.contains(&access.action))
    }
}

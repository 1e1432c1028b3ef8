//! Authenticators say who a caller is, authorizers what a caller may do.

use async_trait::async_trait;
use bulkhead_oci::RepositoryName;

use super::context::{Identity, RequestContext};
use super::plugin::{PluginError, PluginLabel};

/// What a caller presents.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user's name and secret.
    Basic {
        /// At most 1 KiB.
        user: String,
        /// At most 8 KiB.
        secret: String,
    },
    /// A token of somebody else than this host, at most 16 KiB.
    Bearer(String),
}

/// An authenticator's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Known, and right.
    Accepted {
        /// Who it is.
        identity: Identity,
        /// For how many seconds the same credential at the same registry needs no second asking.
        reuse: u32,
    },
    /// Known here, and wrong: nobody further down is asked. The reason is for the log.
    Rejected(String),
    /// Not mine.
    Abstained,
}

/// What is done. The closed list that every request is mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessAction {
    /// Read content.
    Pull,
    /// Write content.
    Push,
    /// Delete content.
    Delete,
    /// Read facts about content.
    ReadMetadata,
    /// Change them.
    WriteMetadata,
    /// List the repositories of the registry.
    ListRepositories,
    /// Change the registry itself.
    Administer,
}

/// An action on a repository, or on the registry as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// What is done.
    pub action: AccessAction,
    /// Where; none: the registry as a whole. It need not exist yet.
    pub repository: Option<RepositoryName>,
}

/// An authorizer's answer for one access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allow,
    /// It may not; the reason is for the log and for explanations.
    Deny(String),
    /// No opinion: the next one is asked.
    Abstain,
}

/// Says who a caller is. Asked in the order of the configuration.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Which plugin this is.
    fn label(&self) -> &PluginLabel;

    /// Who presents this credential?
    ///
    /// # Errors
    /// [`PluginError`]: the caller is then denied.
    async fn authenticate(&self, context: &RequestContext, credential: &Credential) -> Result<Authentication, PluginError>;
}

/// Says what a caller may do. Asked in the order of the configuration; the first that does not abstain decides.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// Which plugin this is.
    fn label(&self) -> &PluginLabel;

    /// One verdict for each access, in the same order (an implementation answers [`PluginError::Nonsense`] where the guest gave
    /// another number). `who` is none for an anonymous caller.
    ///
    /// # Errors
    /// [`PluginError`]: every access is then denied.
    async fn authorize(
        &self,
        context: &RequestContext,
        who: Option<&Identity>,
        accesses: &[Access],
    ) -> Result<Vec<Verdict>, PluginError>;
}

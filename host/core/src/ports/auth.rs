//! Authenticators say who a caller is, authorizers what a caller may do.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_oci::RepositoryName;

use super::clock::Timestamp;
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
    /// A client certificate that the TLS layer has verified.
    Certificate(Arc<Certificate>),
}

/// A client certificate that leads to one of the server's authorities, and whose key the client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// As RFC 4514 writes it, at most 1 KiB; empty if it has none.
    pub subject: String,
    /// Its alternative names: `dns:...`, `email:...`, `uri:...`, `ip:...`; at most 64, each at most 512 bytes.
    pub names: Vec<String>,
    /// SHA-256 of the DER form, 64 lower-case hex digits.
    pub fingerprint: String,
    /// When it ends.
    pub expires: Timestamp,
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
        /// A mark of the credential, for [`Authenticator::lookup`]; at most 256 bytes, no secret.
        proof: Option<String>,
    },
    /// Known here, and wrong: nobody further down is asked. The reason is for the log.
    Rejected(String),
    /// Not mine.
    Abstained,
}

/// What has become of somebody whom an authenticator accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Known, as this.
    Known(Identity),
    /// Not known, not any more, disabled, or the credential was withdrawn.
    Gone,
    /// The plugin cannot say.
    Untracked,
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
    /// It may; why is for explanations, and may be empty.
    Allow(String),
    /// It may not; the reason is for the log and for explanations.
    Deny(String),
    /// No opinion: the next one is asked.
    Abstain,
}

/// An authorizer's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// One for each access, in the same order.
    pub verdicts: Vec<Verdict>,
    /// For how many seconds each of them holds for the same caller (with the same groups and claims) and the same access at this registry.
    pub reuse: u32,
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

    /// What has become of this subject, and of the credential that `proof` marks where there is one?
    ///
    /// # Errors
    /// [`PluginError`]: the caller is then denied.
    async fn lookup(&self, context: &RequestContext, subject: &str, proof: Option<&str>) -> Result<Standing, PluginError>;
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
    ) -> Result<Answer, PluginError>;
}

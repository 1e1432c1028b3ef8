//! What the chain said, plugin by plugin: the same for a request, for an explanation and for the audit log.

use crate::ports::audit::AuditStep;
use crate::ports::context::Identity;
use crate::ports::plugin::PluginLabel;

/// What one plugin said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// An authenticator: it is this one.
    Accepted,
    /// An authenticator: known here, and wrong; or not known any more.
    Rejected,
    /// No opinion.
    Abstained,
    /// An authorizer: it may.
    Allowed,
    /// An authorizer: it may not.
    Denied,
    /// Nothing that counts: it failed.
    Failed,
}

impl Said {
    /// As the audit log and explanations write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Abstained => "abstained",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// A plugin that was asked, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which plugin.
    pub label: PluginLabel,
    /// What it said.
    pub said: Said,
    /// Why, in its words; may be empty. For operators: it never goes to a client that is no administrator.
    pub reason: String,
}

impl Step {
    pub(super) fn new(label: &PluginLabel, said: Said, reason: impl Into<String>) -> Self {
        Self { label: label.clone(), said, reason: reason.into() }
    }
}

impl From<Step> for AuditStep {
    fn from(step: Step) -> Self {
        let Step { label, said, reason } = step;
        Self { plugin: label.name.to_string(), digest: label.digest.to_string(), said: said.as_str(), reason }
    }
}

/// Allowed or denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
    /// A plugin failed, so nobody can say; and so it may not.
    Failed,
}

impl Ruling {
    /// As explanations write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// A ruling, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub ruling: Ruling,
    /// By which plugin; none: all abstained, or nobody was asked.
    pub by: Option<PluginLabel>,
    /// Why, for logs and explanations.
    pub reason: String,
    /// Everybody who was asked, in that order; the last one decided, unless it abstained.
    pub steps: Vec<Step>,
}

impl Decision {
    /// Denied by the host itself, without a plugin's word.
    pub(super) fn denied(reason: &str, steps: Vec<Step>) -> Self {
        Self { ruling: Ruling::Denied, by: None, reason: reason.to_owned(), steps }
    }

    /// A plugin failed, or answered nonsense.
    pub(super) fn failed(label: &PluginLabel, steps: Vec<Step>) -> Self {
        Self { ruling: Ruling::Failed, by: Some(label.clone()), reason: "the plugin failed".to_owned(), steps }
    }
}

/// On whom an explanation is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explained {
    /// A caller who presents nothing.
    Anonymous,
    /// Whoever the chain's authenticators know by this name.
    Subject {
        /// The name.
        subject: String,
    },
    /// Somebody as an authenticator might describe them.
    Hypothetical(Identity),
}

/// Who decided what, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whom the authorizers were asked about; none: an anonymous caller, or nobody knows the subject.
    pub caller: Option<Identity>,
    /// What authenticators said of the subject.
    pub identified: Vec<Step>,
    /// What was decided. Where nobody knows the subject it is a denial, and no authorizer was asked.
    pub decision: Decision,
}

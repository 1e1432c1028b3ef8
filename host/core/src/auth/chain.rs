//! The plugins of a registry, asked in the order of the configuration. The first that does not abstain decides; an error decides too, for no.

use std::sync::Arc;

use tracing::{info, warn};

use crate::ports::auth::{Access, Authentication, Authenticator, Authorizer, Credential, Verdict};
use crate::ports::context::{Identity, RequestContext};
use crate::ports::plugin::PluginLabel;

/// A registry's authenticators and authorizers, each in order.
#[derive(Clone, Default)]
pub struct Chain {
    /// Asked who a caller is.
    pub authenticators: Vec<Arc<dyn Authenticator>>,
    /// Asked what it may.
    pub authorizers: Vec<Arc<dyn Authorizer>>,
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

/// A ruling, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub ruling: Ruling,
    /// By which plugin; none: all abstained.
    pub by: Option<PluginLabel>,
    /// Why, for logs and explanations.
    pub reason: String,
}

/// How authentication ended.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Accepted {
        identity: Identity,
        reuse: u32,
    },
    /// A plugin knows the caller, and the credential is wrong; or nobody knows the caller.
    Rejected,
    /// A plugin failed.
    Failed,
}

impl Chain {
    /// Asks who presents this credential.
    pub(super) async fn authenticate(&self, context: &RequestContext, credential: &Credential) -> Outcome {
        for plugin in &self.authenticators {
            let name = &plugin.label().name;
            let request_id = &context.request_id;
            match plugin.authenticate(context, credential).await {
                Ok(Authentication::Accepted { identity, reuse }) => return Outcome::Accepted { identity, reuse },
                Ok(Authentication::Rejected(reason)) => {
                    info!(plugin = %name, %request_id, address = %context.address, reason, "credential rejected");
                    return Outcome::Rejected;
                }
                Ok(Authentication::Abstained) => {}
                Err(error) => {
                    warn!(plugin = %name, %request_id, %error, "authenticator failed: the caller is denied");
                    return Outcome::Failed;
                }
            }
        }
        info!(request_id = %context.request_id, address = %context.address, "credential rejected: nobody in the chain knows it");
        Outcome::Rejected
    }

    /// One decision for each access, in the same order.
    pub async fn authorize(&self, context: &RequestContext, who: Option<&Identity>, accesses: &[Access]) -> Vec<Decision> {
        let mut decisions: Vec<Option<Decision>> = vec![None; accesses.len()];
        for plugin in &self.authorizers {
            let open: Vec<usize> = (0..accesses.len()).filter(|index| decisions[*index].is_none()).collect();
            if open.is_empty() {
                break;
            }
            let asked: Vec<Access> = open.iter().map(|index| accesses[*index].clone()).collect();
            let label = plugin.label();
            let failed = match plugin.authorize(context, who, &asked).await {
                Ok(verdicts) if verdicts.len() == asked.len() => {
                    for (index, verdict) in open.into_iter().zip(verdicts) {
                        decisions[index] = decide(label, verdict);
                    }
                    continue;
                }
                Ok(verdicts) => format!("{} verdicts on {} accesses", verdicts.len(), asked.len()),
                Err(error) => error.to_string(),
            };
            warn!(plugin = %label.name, request_id = %context.request_id, error = failed, "authorizer failed: the access is denied");
            for index in open {
                decisions[index] = Some(failure(label));
            }
        }
        decisions.into_iter().map(|decision| decision.unwrap_or_else(nobody)).collect()
    }
}

fn failure(label: &PluginLabel) -> Decision {
    Decision { ruling: Ruling::Failed, by: Some(label.clone()), reason: "the plugin failed".to_owned() }
}

fn decide(label: &PluginLabel, verdict: Verdict) -> Option<Decision> {
    let (ruling, reason) = match verdict {
        Verdict::Allow => (Ruling::Allowed, String::new()),
        Verdict::Deny(reason) => (Ruling::Denied, reason),
        Verdict::Abstain => return None,
    };
    Some(Decision { ruling, by: Some(label.clone()), reason })
}

fn nobody() -> Decision {
    Decision { ruling: Ruling::Denied, by: None, reason: "no plugin of the chain allows it".to_owned() }
}

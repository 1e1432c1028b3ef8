//! Who decides what, and why, for an operator who asks. Everybody is asked afresh, and nothing of it is remembered.

use super::chain::standing;
use super::decision::{Decision, Explained, Explanation, Said, Step};
use super::gate::Gate;
use crate::ports::auth::{Access, Standing};
use crate::ports::context::{Identity, RequestContext};

/// Whom the authenticators know by a name.
enum Known {
    This(Identity),
    Nobody,
    /// One of them failed.
    NobodyCanSay,
}

impl Gate {
    /// The authenticators of the chain by name, in their order: who can vouch for a caller of this registry.
    pub fn authenticators(&self) -> impl Iterator<Item = &str> {
        self.chain.authenticators.iter().map(|plugin| &*plugin.label().name)
    }

    /// What the chain would decide on this access, and everybody's word on the way. `context` is that of whoever asks: a plugin that looks
    /// at addresses sees theirs.
    pub async fn explain(&self, context: &RequestContext, who: &Explained, access: &Access) -> Explanation {
        let (caller, identified) = match who {
            Explained::Anonymous => (None, Vec::new()),
            Explained::Hypothetical(identity) => (Some(identity.clone()), Vec::new()),
            Explained::Subject { subject } => match self.known(context, subject).await {
                (Known::This(identity), steps) => (Some(identity), steps),
                (Known::Nobody, identified) => {
                    let decision = Decision::denied(
                        "no authenticator of the chain knows such a subject, or it is disabled or has ended",
                        Vec::new(),
                    );
                    return Explanation { caller: None, identified, decision };
                }
                (Known::NobodyCanSay, identified) => {
                    let decision = identified.last().map(|step| Decision::failed(&step.label, Vec::new()));
                    let decision = decision.unwrap_or_else(|| Decision::denied("nobody was asked", Vec::new()));
                    return Explanation { caller: None, identified, decision };
                }
            },
        };
        let ended = caller.as_ref().and_then(|caller| caller.expires).is_some_and(|end| end <= self.clock.now());
        let decision = if ended {
            Decision::denied("the identity has ended", Vec::new())
        } else {
            let decisions = self.chain.authorize(context, caller.as_ref(), std::slice::from_ref(access), None).await;
            decisions.into_iter().next().unwrap_or_else(|| Decision::denied("nobody was asked", Vec::new()))
        };
        Explanation { caller, identified, decision }
    }

    /// The first authenticator that knows the subject says who it is. One that cannot say, or does not know it, leaves it to the next.
    async fn known(&self, context: &RequestContext, subject: &str) -> (Known, Vec<Step>) {
        let mut steps = Vec::new();
        for plugin in &self.chain.authenticators {
            let label = plugin.label();
            let step = match standing(&**plugin, context, subject, None).await {
                Ok(Standing::Known(identity)) => {
                    steps.push(Step::new(label, Said::Accepted, ""));
                    return (Known::This(identity), steps);
                }
                Ok(Standing::Gone) => {
                    Step::new(label, Said::Rejected, "it does not know the subject, or it is disabled or has ended")
                }
                Ok(Standing::Untracked) => Step::new(label, Said::Abstained, "it cannot say without a credential"),
                Err(step) => {
                    steps.push(step);
                    return (Known::NobodyCanSay, steps);
                }
            };
            steps.push(step);
        }
        (Known::Nobody, steps)
    }
}

//! The plugins of a registry, asked in the order of the configuration. The first that does not abstain decides; an error decides too, for no.

use std::borrow::Cow;
use std::sync::Arc;

use tracing::warn;

use super::decision::{Decision, Ruling, Said, Step};
use super::verdicts::{CallerMark, Verdicts};
use crate::ports::auth::{Access, Authentication, Authenticator, Authorizer, Credential, Standing, Verdict};
use crate::ports::clock::Timestamp;
use crate::ports::context::{Identity, RequestContext};
use crate::ports::plugin::{PluginError, PluginLabel};

/// A registry's authenticators and authorizers, each in order.
#[derive(Clone, Default)]
pub struct Chain {
    /// Asked who a caller is.
    pub authenticators: Vec<Arc<dyn Authenticator>>,
    /// Asked what it may.
    pub authorizers: Vec<Arc<dyn Authorizer>>,
}

/// How authentication ended, and who was asked.
pub(super) struct Authenticated {
    pub outcome: Outcome,
    pub steps: Vec<Step>,
}

/// How authentication ended.
pub(super) enum Outcome {
    Accepted {
        identity: Identity,
        reuse: u32,
        proof: Option<String>,
    },
    /// A plugin knows the caller, and the credential is wrong.
    Rejected,
    /// Nobody knows the caller.
    Unknown,
    /// A plugin failed.
    Failed,
}

impl Chain {
    /// Asks who presents this credential.
    pub(super) async fn authenticate(&self, context: &RequestContext, credential: &Credential) -> Authenticated {
        let mut steps = Vec::new();
        for plugin in &self.authenticators {
            let label = plugin.label();
            let (outcome, step) = match plugin.authenticate(context, credential).await {
                Ok(Authentication::Accepted { identity, reuse, proof }) => {
                    let identity = vouched(label, identity);
                    (Some(Outcome::Accepted { identity, reuse, proof }), Step::new(label, Said::Accepted, ""))
                }
                Ok(Authentication::Rejected(reason)) => (Some(Outcome::Rejected), Step::new(label, Said::Rejected, reason)),
                Ok(Authentication::Abstained) => (None, Step::new(label, Said::Abstained, "")),
                Err(error) => (Some(Outcome::Failed), failed(context, label, &error)),
            };
            steps.push(step);
            if let Some(outcome) = outcome {
                return Authenticated { outcome, steps };
            }
        }
        Authenticated { outcome: Outcome::Unknown, steps }
    }

    /// The authenticator of this name. None: whom it vouched for is nobody's caller any more.
    pub(super) fn authenticator(&self, name: &str) -> Option<&Arc<dyn Authenticator>> {
        self.authenticators.iter().find(|plugin| *plugin.label().name == *name)
    }

    /// Whether it is remembered that this access is allowed. Asks nobody.
    pub(super) fn recalls(&self, verdicts: &Verdicts, caller: &CallerMark, access: &Access, now: Timestamp) -> bool {
        verdicts.allow(self.authorizers.iter().map(|plugin| plugin.label()), caller, access, now)
    }

    /// One decision for each access, in the same order. With `memory`, what it holds is not asked again, and what is asked is kept.
    pub(super) async fn authorize(
        &self,
        context: &RequestContext,
        who: Option<&Identity>,
        accesses: &[Access],
        memory: Option<(&Verdicts, Timestamp)>,
    ) -> Vec<Decision> {
        let caller = CallerMark::of(&context.registry, who);
        let mut courts: Vec<Court> = accesses.iter().map(|_| Court::default()).collect();
        for plugin in &self.authorizers {
            let label = plugin.label();
            let mut asked = Vec::new();
            for (index, court) in courts.iter_mut().enumerate().filter(|(_, court)| court.decided.is_none()) {
                match memory.and_then(|(verdicts, now)| verdicts.recall(label, &caller, &accesses[index], now)) {
                    Some(verdict) => court.hear(label, verdict),
                    None => asked.push(index),
                }
            }
            if asked.is_empty() {
                continue;
            }
            match ask(&**plugin, context, who, &only(accesses, &asked)).await {
                Ok((verdicts, reuse)) => {
                    for (index, verdict) in asked.into_iter().zip(verdicts) {
                        if let Some((known, now)) = memory {
                            known.keep(label, &caller, &accesses[index], &verdict, (now, reuse));
                        }
                        courts[index].hear(label, verdict);
                    }
                }
                Err(step) => asked.into_iter().for_each(|index| courts[index].fail(step.clone())),
            }
        }
        courts.into_iter().map(Court::decision).collect()
    }
}

/// One access on its way through the authorizers.
#[derive(Default)]
struct Court {
    steps: Vec<Step>,
    decided: Option<(Ruling, PluginLabel)>,
}

impl Court {
    fn hear(&mut self, label: &PluginLabel, verdict: Verdict) {
        let (ruling, step) = match verdict {
            Verdict::Allow(reason) => (Some(Ruling::Allowed), Step::new(label, Said::Allowed, reason)),
            Verdict::Deny(reason) => (Some(Ruling::Denied), Step::new(label, Said::Denied, reason)),
            Verdict::Abstain => (None, Step::new(label, Said::Abstained, "")),
        };
        self.decided = ruling.map(|ruling| (ruling, label.clone()));
        self.steps.push(step);
    }

    fn fail(&mut self, step: Step) {
        self.decided = Some((Ruling::Failed, step.label.clone()));
        self.steps.push(step);
    }

    fn decision(self) -> Decision {
        let Self { steps, decided } = self;
        match decided {
            None => Decision::denied("no plugin of the chain allows it", steps),
            Some((Ruling::Failed, by)) => Decision::failed(&by, steps),
            Some((ruling, by)) => {
                let reason = steps.last().map(|step| step.reason.clone()).unwrap_or_default();
                Decision { ruling, by: Some(by), reason, steps }
            }
        }
    }
}

/// A verdict for each access, and for how many seconds they hold.
async fn ask(
    plugin: &dyn Authorizer,
    context: &RequestContext,
    who: Option<&Identity>,
    accesses: &[Access],
) -> Result<(Vec<Verdict>, u32), Step> {
    let error = match plugin.authorize(context, who, accesses).await {
        Ok(answer) if answer.verdicts.len() == accesses.len() => return Ok((answer.verdicts, answer.reuse)),
        Ok(answer) => PluginError::Nonsense(format!("{} verdicts on {} accesses", answer.verdicts.len(), accesses.len())),
        Err(error) => error,
    };
    Err(failed(context, plugin.label(), &error))
}

fn only<'a>(accesses: &'a [Access], asked: &[usize]) -> Cow<'a, [Access]> {
    if asked.len() == accesses.len() {
        return Cow::Borrowed(accesses);
    }
    Cow::Owned(asked.iter().map(|index| accesses[*index].clone()).collect())
}

/// What has become of somebody for whom this plugin vouched, or might have.
pub(super) async fn standing(
    plugin: &dyn Authenticator,
    context: &RequestContext,
    subject: &str,
    proof: Option<&str>,
) -> Result<Standing, Step> {
    let label = plugin.label();
    match plugin.lookup(context, subject, proof).await {
        Ok(Standing::Known(identity)) => Ok(Standing::Known(vouched(label, identity))),
        Ok(standing) => Ok(standing),
        Err(error) => Err(failed(context, label, &error)),
    }
}

/// Who vouches is who answered, whatever the answer says.
fn vouched(label: &PluginLabel, identity: Identity) -> Identity {
    Identity { plugin: Arc::clone(&label.name), ..identity }
}

fn failed(context: &RequestContext, label: &PluginLabel, error: &PluginError) -> Step {
    warn!(plugin = %label.name, request_id = %context.request_id, %error, "a plugin of the chain failed: the caller is denied");
    Step::new(label, Said::Failed, error.to_string())
}

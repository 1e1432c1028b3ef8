//! Authenticator and authorizer.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::auth::{Access, AccessAction, Authentication, Authenticator, Authorizer, Credential, Verdict};
use bulkhead_core::ports::context::{Identity, RequestContext};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_oci::RepositoryName;
use bulkhead_plugin_bindings::exports::bulkhead::plugin::{authenticator, authorizer};

use super::values::{identity, wit_context, wit_identity};
use super::{answered, nonsense};
use crate::call::invoke;
use crate::output::bounded;
use crate::plugin::Plugin;

/// A plugin as authenticator, authorizer or both; made only for one that exports what is asked of it.
pub(crate) struct AuthPlugin(pub(crate) Arc<Plugin>);

#[async_trait]
impl Authenticator for AuthPlugin {
    fn label(&self) -> &PluginLabel {
        self.0.label()
    }

    async fn authenticate(&self, context: &RequestContext, credential: &Credential) -> Result<Authentication, PluginError> {
        let credential = match credential {
            Credential::Basic { user, secret } => authenticator::Credential::Basic(authenticator::Basic { user, secret }),
            Credential::Bearer(token) => authenticator::Credential::Bearer(token),
        };
        let _turn = self.0.turn().await?;
        let mut call = self.0.begin(&context.registry, Some(&context.request_id), "authenticate").await?;
        let answer = invoke!(call, authenticator, call_authenticate(wit_context(context), credential));
        call.release();
        Ok(match answered(answer)? {
            authenticator::Authentication::Accepted(accepted) => {
                Authentication::Accepted { identity: identity(&self.0.label().name, accepted.identity)?, reuse: accepted.reuse }
            }
            authenticator::Authentication::Rejected(reason) => Authentication::Rejected(bounded(&reason)),
            authenticator::Authentication::Abstained => Authentication::Abstained,
        })
    }
}

#[async_trait]
impl Authorizer for AuthPlugin {
    fn label(&self) -> &PluginLabel {
        self.0.label()
    }

    async fn authorize(
        &self,
        context: &RequestContext,
        who: Option<&Identity>,
        accesses: &[Access],
    ) -> Result<Vec<Verdict>, PluginError> {
        let who = who.map(wit_identity);
        let asked: Vec<authorizer::Access<'_>> = accesses.iter().map(wit_access).collect();
        let mut call = self.0.begin(&context.registry, Some(&context.request_id), "authorize").await?;
        let answer = invoke!(call, authorizer, call_authorize(wit_context(context), who.as_ref(), &asked));
        call.release();
        let verdicts = answered(answer)?;
        if verdicts.len() != accesses.len() {
            return nonsense(format!("{} verdicts on {} accesses", verdicts.len(), accesses.len()));
        }
        Ok(verdicts.into_iter().map(verdict).collect())
    }
}

fn wit_access(access: &Access) -> authorizer::Access<'_> {
    let action = match access.action {
        AccessAction::Pull => authorizer::Action::Pull,
        AccessAction::Push => authorizer::Action::Push,
        AccessAction::Delete => authorizer::Action::Delete,
        AccessAction::ReadMetadata => authorizer::Action::ReadMetadata,
        AccessAction::WriteMetadata => authorizer::Action::WriteMetadata,
        AccessAction::ListRepositories => authorizer::Action::ListRepositories,
        AccessAction::Administer => authorizer::Action::Administer,
    };
    authorizer::Access { action, repository: access.repository.as_ref().map(RepositoryName::as_str) }
}

fn verdict(verdict: authorizer::Verdict) -> Verdict {
    match verdict {
        authorizer::Verdict::Allow => Verdict::Allow,
        authorizer::Verdict::Deny(reason) => Verdict::Deny(bounded(&reason)),
        authorizer::Verdict::Abstain => Verdict::Abstain,
    }
}

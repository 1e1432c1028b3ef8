//! Authenticator and authorizer.
//!
//! Calls about a credential run on threads of their own ([`Plugin::check`]), those about an access on the caller's: the data path asks for them.

use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_core::ports::auth::{
    Access, AccessAction, Answer, Authentication, Authenticator, Authorizer, Credential, Standing, Verdict,
};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::context::{Identity, RequestContext};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_oci::RepositoryName;
use bulkhead_plugin_bindings::exports::bulkhead::plugin::{authenticator, authorizer};

use super::values::{identity, proof, wit_caller, wit_context, wit_identity};
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
        self.0.check(authenticate(self.0.clone(), context.clone(), credential.clone())).await
    }

    async fn lookup(&self, context: &RequestContext, subject: &str, proof: Option<&str>) -> Result<Standing, PluginError> {
        let (subject, proof) = (subject.to_owned(), proof.map(str::to_owned));
        self.0.check(lookup(self.0.clone(), context.clone(), subject, proof)).await
    }
}

async fn authenticate(
    plugin: Arc<Plugin>,
    context: RequestContext,
    credential: Credential,
) -> Result<Authentication, PluginError> {
    // The generated types borrow lists too: this is what they borrow.
    let names = names(&credential);
    let mut call = plugin.begin(&context.registry, Some(&context.request_id), "authenticate").await?;
    let asked = wit_context(&context, plugin.label());
    let answer = invoke!(call, authenticator, call_authenticate(asked, wit_credential(&credential, &names)));
    call.release();
    Ok(match answered(answer)? {
        authenticator::Authentication::Accepted(accepted) => Authentication::Accepted {
            identity: within(&credential, identity(&plugin.label().name, accepted.identity)?),
            reuse: accepted.reuse,
            proof: proof(accepted.proof)?,
        },
        authenticator::Authentication::Rejected(reason) => Authentication::Rejected(bounded(&reason)),
        authenticator::Authentication::Abstained => Authentication::Abstained,
    })
}

async fn lookup(
    plugin: Arc<Plugin>,
    context: RequestContext,
    subject: String,
    proof: Option<String>,
) -> Result<Standing, PluginError> {
    let mut call = plugin.begin(&context.registry, Some(&context.request_id), "lookup").await?;
    let asked = wit_context(&context, plugin.label());
    let answer = invoke!(call, authenticator, call_lookup(asked, &subject, proof.as_deref()));
    call.release();
    Ok(match answered(answer)? {
        authenticator::Standing::Known(known) => Standing::Known(identity(&plugin.label().name, known)?),
        authenticator::Standing::Gone => Standing::Gone,
        authenticator::Standing::Untracked => Standing::Untracked,
    })
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
    ) -> Result<Answer, PluginError> {
        let identity = who.map(wit_identity);
        let asked: Vec<authorizer::Access<'_>> = accesses.iter().map(wit_access).collect();
        let mut call = self.0.begin(&context.registry, Some(&context.request_id), "authorize").await?;
        let context = wit_context(context, self.0.label());
        let answer = invoke!(call, authorizer, call_authorize(context, wit_caller(who, identity.as_ref()), &asked));
        call.release();
        let authorizer::Answer { verdicts, reuse } = answered(answer)?;
        if verdicts.len() != accesses.len() {
            return nonsense(format!("{} verdicts on {} accesses", verdicts.len(), accesses.len()));
        }
        Ok(Answer { verdicts: verdicts.into_iter().map(verdict).collect(), reuse })
    }
}

fn names(credential: &Credential) -> Vec<&str> {
    match credential {
        Credential::Certificate(certificate) => certificate.names.iter().map(String::as_str).collect(),
        Credential::Basic { .. } | Credential::Bearer(_) => Vec::new(),
    }
}

fn wit_credential<'a>(credential: &'a Credential, names: &'a [&'a str]) -> authenticator::Credential<'a> {
    match credential {
        Credential::Basic { user, secret } => authenticator::Credential::Basic(authenticator::Basic { user, secret }),
        Credential::Bearer(token) => authenticator::Credential::Bearer(token),
        Credential::Certificate(certificate) => authenticator::Credential::Certificate(authenticator::Certificate {
            subject: &certificate.subject,
            names,
            fingerprint: &certificate.fingerprint,
            expires: certificate.expires.0,
        }),
    }
}

/// Nobody outlives the certificate that they showed.
fn within(credential: &Credential, identity: Identity) -> Identity {
    let Credential::Certificate(certificate) = credential else { return identity };
    let earlier = |expires: Timestamp| expires.min(certificate.expires);
    Identity { expires: Some(identity.expires.map_or(certificate.expires, earlier)), ..identity }
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
        authorizer::Verdict::Allow(reason) => Verdict::Allow(bounded(&reason)),
        authorizer::Verdict::Deny(reason) => Verdict::Deny(bounded(&reason)),
        authorizer::Verdict::Abstain => Verdict::Abstain,
    }
}

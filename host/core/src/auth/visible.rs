//! Which repositories a caller may know of: those that it may pull from. For lists and mounts.
//!
//! A token's scope is what one request needed when it was asked for; nobody could have named every repository of a list in it. So here
//! the chain is asked about the identity that the token was given to, at the time of the request, and the token's scope does not count.

use bulkhead_oci::RepositoryName;

use super::caller::Caller;
use super::decision::Ruling;
use super::failure::AuthFailure;
use super::gate::Gate;
use crate::ports::auth::{Access, AccessAction};
use crate::ports::context::RequestContext;

/// Accesses that a plugin is asked about at once.
const AT_ONCE: usize = 256;

impl Gate {
    /// Whether the caller may have content of `from` elsewhere: its token says so, or the chain.
    pub async fn may_mount(&self, context: &RequestContext, caller: &Caller, from: &RepositoryName) -> bool {
        let access = Access { action: AccessAction::Pull, repository: Some(from.clone()) };
        self.permit(context, caller, &[access]).await.is_ok()
            || matches!(caller, Caller::Token(_))
                && self.visible(context, caller, vec![from.clone()]).await.is_ok_and(|visible| !visible.is_empty())
    }

    /// Those of `repositories` that the caller may pull from, in the same order.
    ///
    /// # Errors
    /// [`AuthFailure::Unavailable`] if an authorizer fails.
    pub async fn visible(
        &self,
        context: &RequestContext,
        caller: &Caller,
        repositories: Vec<RepositoryName>,
    ) -> Result<Vec<RepositoryName>, AuthFailure> {
        let who = caller.identity();
        // A token that names somebody and says nothing of them (one of an older version): nobody can say what they may see.
        if who.is_none() && caller.actor().is_some() {
            return Ok(Vec::new());
        }
        let mut visible = Vec::with_capacity(repositories.len());
        for names in repositories.chunks(AT_ONCE) {
            let access = |name: &RepositoryName| Access { action: AccessAction::Pull, repository: Some(name.clone()) };
            let accesses: Vec<Access> = names.iter().map(access).collect();
            let decisions = self.decide(context, who, &accesses).await;
            if decisions.iter().any(|decision| decision.ruling == Ruling::Failed) {
                return Err(AuthFailure::Unavailable);
            }
            let allowed = names.iter().zip(decisions).filter(|(_, decision)| decision.ruling == Ruling::Allowed);
            visible.extend(allowed.map(|(name, _)| name.clone()));
        }
        Ok(visible)
    }
}

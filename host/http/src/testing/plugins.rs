//! Plugins: users whose password is their name backwards, rules for alice, bob and nobody, and a warden of two tags.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bulkhead_core::ports::admission::{Admission, Change, Opinion};
use bulkhead_core::ports::auth::{Access, AccessAction, Authentication, Authenticator, Authorizer, Credential, Verdict};
use bulkhead_core::ports::context::{Identity, RequestContext};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_oci::RepositoryName;

fn label(name: &str) -> PluginLabel {
    PluginLabel { name: name.into(), digest: "sha256:0".into() }
}

/// Fails when told to.
pub(super) struct Staff {
    label: PluginLabel,
    failing: Arc<AtomicBool>,
}

impl Staff {
    pub(super) fn new(failing: Arc<AtomicBool>) -> Self {
        Self { label: label("staff"), failing }
    }
}

#[async_trait]
impl Authenticator for Staff {
    fn label(&self) -> &PluginLabel {
        &self.label
    }

    async fn authenticate(&self, _: &RequestContext, credential: &Credential) -> Result<Authentication, PluginError> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(PluginError::Trapped("told to".to_owned()));
        }
        let Credential::Basic { user, secret } = credential else { return Ok(Authentication::Abstained) };
        if !user.is_empty() && user.chars().rev().eq(secret.chars()) {
            let identity =
                Identity { plugin: "staff".into(), subject: user.clone(), groups: vec![], claims: vec![], expires: None };
            return Ok(Authentication::Accepted { identity, reuse: 0 });
        }
        Ok(Authentication::Rejected("not backwards".to_owned()))
    }
}

/// alice may everything, lister may list repositories, bob pulls and pushes below `bob/`, and everybody pulls below `public/`.
pub(super) struct Rules {
    label: PluginLabel,
}

impl Rules {
    pub(super) fn new() -> Self {
        Self { label: label("rules") }
    }
}

#[async_trait]
impl Authorizer for Rules {
    fn label(&self) -> &PluginLabel {
        &self.label
    }

    async fn authorize(
        &self,
        _: &RequestContext,
        who: Option<&Identity>,
        accesses: &[Access],
    ) -> Result<Vec<Verdict>, PluginError> {
        let may = |access: &Access| {
            let below = |prefix: &str| access.repository.as_ref().is_some_and(|name| name.as_str().starts_with(prefix));
            match who.map(|identity| identity.subject.as_str()) {
                Some("alice") => true,
                Some("lister") if access.action == AccessAction::ListRepositories => true,
                Some("bob") if below("bob/") => access.action != AccessAction::Delete,
                _ => below("public/") && access.action == AccessAction::Pull,
            }
        };
        Ok(accesses.iter().map(|access| if may(access) { Verdict::Allow } else { Verdict::Abstain }).collect())
    }
}

/// Refuses every change of the tag `refused`, and of `kept` once it is there; fails at `failing`, and warns of all others.
pub(super) struct Warden {
    label: PluginLabel,
    warnings: Vec<String>,
}

impl Warden {
    pub(super) fn new(warnings: &[&str]) -> Self {
        Self { label: label("warden"), warnings: warnings.iter().map(|text| (*text).to_owned()).collect() }
    }
}

#[async_trait]
impl Admission for Warden {
    fn label(&self) -> &PluginLabel {
        &self.label
    }

    async fn review(
        &self,
        _: &RequestContext,
        _: Option<&Identity>,
        _: &RepositoryName,
        change: &Change<'_>,
    ) -> Result<Opinion, PluginError> {
        let tags: Vec<&str> = match change {
            Change::PutManifest(manifest) => manifest.tags.iter().map(|state| state.tag.as_str()).collect(),
            Change::DeleteTag(state) => vec![state.tag.as_str()],
            Change::DeleteManifest { tags, .. } => tags.iter().map(|tag| tag.as_str()).collect(),
            Change::DeleteBlob(_) => vec![],
            Change::DeleteRepository(states) => states.iter().map(|state| state.tag.as_str()).collect(),
        };
        if tags.contains(&"failing") {
            return Err(PluginError::Trapped("at /secret/place".to_owned()));
        }
        let first = match change {
            Change::PutManifest(manifest) => manifest.tags.iter().all(|state| state.now.is_none()),
            _ => false,
        };
        if tags.contains(&"refused") || tags.contains(&"kept") && !first {
            return Ok(Opinion::Refuse("this tag is \"not\" for you".to_owned()));
        }
        Ok(Opinion::Admit(self.warnings.clone()))
    }
}

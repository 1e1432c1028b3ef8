//! Plugins: users of three kinds, rules for alice, bob and nobody, and a warden of two tags.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bulkhead_core::ports::admission::{Admission, Change, Opinion};
use bulkhead_core::ports::auth::{
    Access, AccessAction, Answer, Authentication, Authenticator, Authorizer, Credential, Standing, Verdict,
};
use bulkhead_core::ports::context::{Identity, RequestContext};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_oci::RepositoryName;

fn label(name: &str) -> PluginLabel {
    PluginLabel { name: name.into(), digest: "sha256:0".into() }
}

/// What the test changes while it runs.
#[derive(Default)]
pub(super) struct Switches {
    /// The plugin fails.
    pub failing: AtomicBool,
    /// Nobody is known any more.
    pub dismissed: AtomicBool,
}

/// Users whose password is their name backwards; whoever shows a certificate of the subject `CN=NAME`; and whoever brings the token
/// `issued.NAME` of an issuer. What becomes of those whose name begins with `guest`, it cannot say.
pub(super) struct Staff {
    label: PluginLabel,
    switches: Arc<Switches>,
}

impl Staff {
    pub(super) fn new(switches: Arc<Switches>) -> Self {
        Self { label: label("staff"), switches }
    }

    fn check(&self) -> Result<(), PluginError> {
        if self.switches.failing.load(Ordering::SeqCst) { Err(PluginError::Trapped("told to".to_owned())) } else { Ok(()) }
    }
}

fn known(name: &str) -> Identity {
    Identity { plugin: "staff".into(), subject: name.to_owned(), groups: vec![], claims: vec![], expires: None }
}

#[async_trait]
impl Authenticator for Staff {
    fn label(&self) -> &PluginLabel {
        &self.label
    }

    async fn authenticate(&self, _: &RequestContext, credential: &Credential) -> Result<Authentication, PluginError> {
        self.check()?;
        let name = match credential {
            Credential::Basic { user, secret } if !user.is_empty() && user.chars().rev().eq(secret.chars()) => Some(&**user),
            Credential::Basic { .. } => return Ok(Authentication::Rejected("not backwards".to_owned())),
            Credential::Bearer(token) => token.strip_prefix("issued."),
            Credential::Certificate(certificate) => certificate.subject.strip_prefix("CN="),
        };
        Ok(match name {
            Some(name) => Authentication::Accepted { identity: known(name), reuse: 0, proof: None },
            None => Authentication::Abstained,
        })
    }

    async fn lookup(&self, _: &RequestContext, subject: &str, _: Option<&str>) -> Result<Standing, PluginError> {
        self.check()?;
        Ok(match self.switches.dismissed.load(Ordering::SeqCst) {
            true => Standing::Gone,
            false if subject.starts_with("guest") => Standing::Untracked,
            false => Standing::Known(known(subject)),
        })
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

    async fn authorize(&self, _: &RequestContext, who: Option<&Identity>, accesses: &[Access]) -> Result<Answer, PluginError> {
        let may = |access: &Access| {
            let below = |prefix: &str| access.repository.as_ref().is_some_and(|name| name.as_str().starts_with(prefix));
            match who.map(|identity| identity.subject.as_str()) {
                Some("alice") => true,
                Some("lister") if access.action == AccessAction::ListRepositories => true,
                Some("bob") if below("bob/") => access.action != AccessAction::Delete,
                _ => below("public/") && access.action == AccessAction::Pull,
            }
        };
        let verdict = |access| if may(access) { Verdict::Allow(String::new()) } else { Verdict::Abstain };
        Ok(Answer { verdicts: accesses.iter().map(verdict).collect(), reuse: 0 })
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

//! Who decides what about a caller, and why: the chain is asked as for a request, and what each plugin says is shown.

use std::collections::BTreeMap;

use bulkhead_core::auth::{Explained, Explanation, Gate, Ruling, Step};
use bulkhead_core::ports::audit::AuditStep;
use bulkhead_core::ports::auth::{Access, AccessAction};
use bulkhead_core::ports::context::Identity;
use serde::{Deserialize, Serialize};

use super::failure::unusable;
use super::{Desk, notes};
use crate::Response;
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;
use crate::json_body::{self, Shape, USUAL};
use crate::moment::rfc3339;
use crate::v2::Visit;

#[derive(Deserialize)]
struct ExplainBody {
    user: Option<String>,
    plugin: Option<String>,
    groups: Option<Vec<String>>,
    claims: Option<BTreeMap<String, String>>,
    action: ActionName,
    repository: Option<String>,
}

impl Shape for ExplainBody {
    const KEYS: &'static [&'static str] = &["user", "plugin", "groups", "claims", "action", "repository"];
}

/// As in the rules of `policy-rules`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ActionName {
    Pull,
    Push,
    Delete,
    ReadMetadata,
    WriteMetadata,
    List,
    Administer,
}

impl ActionName {
    const fn action(self) -> AccessAction {
        match self {
            Self::Pull => AccessAction::Pull,
            Self::Push => AccessAction::Push,
            Self::Delete => AccessAction::Delete,
            Self::ReadMetadata => AccessAction::ReadMetadata,
            Self::WriteMetadata => AccessAction::WriteMetadata,
            Self::List => AccessAction::ListRepositories,
            Self::Administer => AccessAction::Administer,
        }
    }
}

#[derive(Serialize)]
struct ExplanationView<'a> {
    ruling: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    reason: &'a str,
    caller: Option<CallerView<'a>>,
    identified: Vec<AuditStep>,
    decided: Vec<AuditStep>,
    /// What the host knows beyond the plugins' words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
struct CallerView<'a> {
    plugin: &'a str,
    subject: &'a str,
    groups: &'a [String],
    claims: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// POST. Changes nothing.
pub(super) async fn explain(desk: Desk<'_>, body: ClientBody) -> Result<Response, ApiError> {
    let body: ExplainBody = json_body::read(body, USUAL).await?;
    let access = access(body.action, body.repository.as_deref())?;
    let explained = explained(body)?;
    let Visit { registry, context, .. } = desk.visit;
    if let Explained::Hypothetical(identity) = &explained {
        check_vouching(registry.gate(), identity)?;
    }
    let explanation = registry.gate().explain(context, &explained, &access).await;
    let notes = notes::of(desk, &explained, &access, &explanation).await?;
    Ok(json(&shown(&explanation, notes)))
}

/// Only who is in the chain can vouch for anybody: what is said of somebody else's callers would be true of nobody.
fn check_vouching(gate: &Gate, identity: &Identity) -> Result<(), ApiError> {
    if gate.authenticators().any(|name| *name == *identity.plugin) {
        return Ok(());
    }
    let there: Vec<&str> = gate.authenticators().collect();
    Err(unusable(format!(
        "no plugin {} vouches for callers of this registry; those of its chain that do: {}",
        identity.plugin,
        if there.is_empty() { "none".to_owned() } else { there.join(", ") }
    )))
}

fn access(action: ActionName, repository: Option<&str>) -> Result<Access, ApiError> {
    let whole = matches!(action, ActionName::List | ActionName::Administer);
    let repository = match (repository, whole) {
        (None, true) => None,
        (Some(name), false) => Some(name.parse().map_err(|error| unusable(format!("repository cannot be this: {error}")))?),
        (Some(_), true) => return Err(unusable("this action is on the registry as a whole: leave repository out")),
        (None, false) => return Err(unusable("this action is on a repository: name it as repository")),
    };
    Ok(Access { action: action.action(), repository })
}

fn explained(body: ExplainBody) -> Result<Explained, ApiError> {
    match (body.user, body.plugin) {
        (Some(subject), Some(plugin)) => Ok(Explained::Hypothetical(Identity {
            plugin: plugin.into(),
            subject,
            groups: body.groups.unwrap_or_default(),
            claims: body.claims.unwrap_or_default().into_iter().collect(),
            expires: None,
        })),
        (user, None) if body.groups.is_none() && body.claims.is_none() => {
            Ok(user.map_or(Explained::Anonymous, |subject| Explained::Subject { subject }))
        }
        (_, None) => Err(unusable("groups and claims are what a plugin says of a user: name it as plugin")),
        (None, Some(_)) => Err(unusable("a plugin that says who somebody is says a name: give it as user")),
    }
}

fn shown(explanation: &Explanation, notes: Vec<String>) -> ExplanationView<'_> {
    let decision = &explanation.decision;
    ExplanationView {
        ruling: match decision.ruling {
            Ruling::Allowed => "allowed",
            Ruling::Denied => "denied",
            Ruling::Failed => "failed",
        },
        by: decision.by.as_ref().map(|label| &*label.name),
        reason: &decision.reason,
        caller: explanation.caller.as_ref().map(caller),
        identified: explanation.identified.iter().map(step).collect(),
        decided: decision.steps.iter().map(step).collect(),
        notes,
    }
}

fn caller(identity: &Identity) -> CallerView<'_> {
    CallerView {
        plugin: &identity.plugin,
        subject: &identity.subject,
        groups: &identity.groups,
        claims: identity.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        expires: identity.expires.map(rfc3339),
    }
}

/// As the audit log has it.
fn step(step: &Step) -> AuditStep {
    AuditStep {
        plugin: step.label.name.to_string(),
        digest: step.label.digest.to_string(),
        said: step.said.as_str(),
        reason: step.reason.clone(),
    }
}

//! The entries that a gate writes into the audit log. No secret is ever in one.

use super::decision::{Decision, Ruling, Step};
use super::scope::{action_name, resource_of};
use crate::ports::audit::{AuditAction, AuditEntry, AuditOutcome, some};
use crate::ports::auth::Access;
use crate::ports::clock::Timestamp;
use crate::ports::context::{Identity, RequestContext};

/// The most bytes of a claimed user name that are written.
const MAX_CLAIMED: usize = 256;
/// The most steps of an entry, since many scopes can be asked for at once.
const MAX_STEPS: usize = 16;

/// A login that was refused, or not looked at.
pub(super) struct RefusedLogin<'a> {
    pub action: AuditAction,
    pub outcome: AuditOutcome,
    /// The user name that was presented.
    pub claimed: Option<&'a str>,
    /// Who, where that much is certain.
    pub who: Option<&'a Identity>,
    pub reason: &'static str,
    pub steps: Vec<Step>,
}

impl RefusedLogin<'_> {
    pub fn entry(self, context: &RequestContext, at: Timestamp) -> AuditEntry {
        AuditEntry {
            claimed: self.claimed.map(|name| name[..name.floor_char_boundary(MAX_CLAIMED)].to_owned()),
            reason: self.reason.to_owned(),
            steps: self.steps.into_iter().map(Into::into).collect(),
            ..AuditEntry::of(context, at, self.action, self.outcome).by(self.who)
        }
    }
}

/// An access that a known caller was denied.
pub(super) fn denied(context: &RequestContext, at: Timestamp, who: &Identity, access: &Access, decision: Decision) -> AuditEntry {
    AuditEntry {
        repository: access.repository.clone(),
        targets: vec![target(access)],
        reason: decision.reason,
        steps: decision.steps.into_iter().map(Into::into).collect(),
        ..AuditEntry::of(context, at, AuditAction::Access, outcome(decision.ruling)).by(Some(who))
    }
}

/// The scopes that a known caller asked for in a token and was denied. None: there are none.
pub(super) fn left_out<'a>(
    context: &RequestContext,
    at: Timestamp,
    who: &Identity,
    decided: impl Iterator<Item = (&'a Access, &'a Decision)>,
) -> Option<AuditEntry> {
    let denied: Vec<_> = decided.filter(|(_, decision)| decision.ruling != Ruling::Allowed).collect();
    let ((first, _), others) = denied.split_first()?;
    let failed = denied.iter().any(|(_, decision)| decision.ruling == Ruling::Failed);
    let mut steps: Vec<&Step> = Vec::new();
    for step in denied.iter().flat_map(|(_, decision)| &decision.steps) {
        if steps.len() < MAX_STEPS && !steps.contains(&step) {
            steps.push(step);
        }
    }
    let same = others.iter().all(|(access, _)| access.repository == first.repository);
    Some(AuditEntry {
        repository: if same { first.repository.clone() } else { None },
        targets: some(denied.iter().map(|(access, _)| target(access))),
        reason: "left out of the token".to_owned(),
        steps: steps.into_iter().cloned().map(Into::into).collect(),
        ..AuditEntry::of(context, at, AuditAction::Token, outcome(if failed { Ruling::Failed } else { Ruling::Denied }))
            .by(Some(who))
    })
}

/// An access as a scope names it.
fn target(access: &Access) -> String {
    let (kind, name) = resource_of(access);
    format!("{kind}:{name}:{}", action_name(access.action))
}

const fn outcome(ruling: Ruling) -> AuditOutcome {
    match ruling {
        Ruling::Allowed => AuditOutcome::Done,
        Ruling::Denied => AuditOutcome::Refused,
        Ruling::Failed => AuditOutcome::Failed,
    }
}

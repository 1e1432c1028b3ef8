//! What the audit log says of a change of accounts. Never a secret, nor a hash of one.

use super::Actor;
use crate::accounts::ManageError;
use crate::ports::accounts::{AccountChange, AccountName, AccountStatus, Role, ScopeEntry, ScopeMapName};
use crate::ports::audit::{AuditAction, AuditCaller, AuditEntry, AuditOutcome};
use crate::ports::clock::Timestamp;

/// A line that lacks how it ended.
pub(super) struct Line {
    entry: AuditEntry,
}

impl Line {
    pub(super) fn new(actor: &Actor<'_>, action: AuditAction, name: &AccountName) -> Self {
        let entry = AuditEntry {
            // Which may be another one than the request's Host header named: the operator's own socket serves all.
            registry: Some(actor.registry.1.clone()),
            request: actor.context.map(|context| context.request_id.to_string()),
            address: actor.context.map(|context| context.address.to_string()),
            who: actor.who.map(|who| AuditCaller { plugin: who.plugin.to_string(), subject: who.subject.clone() }),
            targets: vec![name.to_string()],
            ..AuditEntry::of_host(Timestamp(0), action, AuditOutcome::Done)
        };
        Self { entry }
    }

    pub(super) fn about(mut self, target: String) -> Self {
        self.entry.targets.push(target);
        self
    }

    pub(super) fn about_rights(mut self, roles: &[Role], scope_map: Option<&ScopeMapName>) -> Self {
        if !roles.is_empty() {
            self = self.about(roles_target(roles));
        }
        match scope_map {
            Some(map) => self.about(format!("scope-map={map}")),
            None => self,
        }
    }

    pub(super) fn about_change(mut self, change: &AccountChange) -> Self {
        let AccountChange { display_name, status, roles, scope_map } = change;
        if let Some(status) = status {
            self = self.about(status_target(*status));
        }
        if let Some(roles) = roles {
            self = self.about(roles_target(roles));
        }
        if let Some(map) = scope_map {
            self = self.about(format!("scope-map={}", map.as_ref().map_or("", ScopeMapName::as_str)));
        }
        if display_name.is_some() { self.about("display-name".to_owned()) } else { self }
    }

    pub(super) fn about_scopes(mut self, scopes: &[ScopeEntry]) -> Self {
        for scope in scopes {
            let rights: Vec<_> = scope.rights.iter().map(|right| right.as_str()).collect();
            self = self.about(format!("{}={}", scope.target, rights.join(",")));
        }
        self
    }

    /// The whole line.
    pub(super) fn entry(mut self, at: Timestamp, error: Option<&ManageError>) -> AuditEntry {
        self.entry.at = at;
        if let Some(error) = error {
            self.entry.outcome = match error {
                ManageError::Hashing(_) | ManageError::Catalog(_) => AuditOutcome::Failed,
                _ => AuditOutcome::Refused,
            };
            self.entry.reason = error.to_string();
        }
        self.entry
    }
}

fn status_target(status: AccountStatus) -> String {
    let word = match status {
        AccountStatus::Enabled => "enabled",
        AccountStatus::Disabled => "disabled",
    };
    format!("status={word}")
}

fn roles_target(roles: &[Role]) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    format!("roles={}", names.join(","))
}

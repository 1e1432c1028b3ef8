//! What an account may do: by its kind, its roles, and its scopes. Whatever any of them gives, it may.

use bulkhead_plugin_sdk::accounts::{Account, Kind, Right, Role};
use bulkhead_plugin_sdk::authorizer::Action;
use bulkhead_plugin_sdk::prelude::*;

/// Allowed, with what gives the right; else no opinion.
pub fn judge(account: &Account, access: &Access) -> Verdict {
    if account.kind == Kind::Admin {
        return Verdict::allow_because("the administrator");
    }
    if let Some(role) = account.roles.iter().find(|role| gives(**role, access.action)) {
        return Verdict::allow_because(format!("role {}", role.name()));
    }
    let Some(repository) = &access.repository else { return Verdict::Abstain };
    let gives = |rights: &[Right]| right(access.action).is_some_and(|right| rights.contains(&right));
    match account.scopes.iter().find(|scope| scope.covers(repository) && gives(&scope.rights)) {
        Some(scope) => Verdict::allow_because(format!("scope {}", scope.repositories)),
        None => Verdict::Abstain,
    }
}

/// Whether a role gives this action, everywhere in the registry.
fn gives(role: Role, action: Action) -> bool {
    match role {
        Role::AcrPull => matches!(action, Action::Pull | Action::ReadMetadata),
        Role::AcrPush => matches!(action, Action::Pull | Action::Push | Action::ReadMetadata),
        Role::AcrDelete => action == Action::Delete,
        Role::Reader => matches!(action, Action::Pull | Action::ReadMetadata | Action::ListRepositories),
        Role::Contributor => action != Action::Administer,
        Role::Owner => true,
    }
}

/// The right of a scope that an action needs. None: no scope gives it.
fn right(action: Action) -> Option<Right> {
    match action {
        Action::Pull => Some(Right::ContentRead),
        Action::Push => Some(Right::ContentWrite),
        Action::Delete => Some(Right::ContentDelete),
        Action::ReadMetadata => Some(Right::MetadataRead),
        Action::WriteMetadata => Some(Right::MetadataWrite),
        Action::ListRepositories | Action::Administer => None,
    }
}

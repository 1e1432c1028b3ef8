//! What an explanation says beyond the plugins' words: what the host knows of the account that was asked about, and of the locks of the
//! repository. A plugin that abstains gives no reason, and a lock holds whatever the plugins say.

use bulkhead_core::auth::{Explained, Explanation, Ruling};
use bulkhead_core::ports::accounts::{AccountRecord, AccountStatus, Right, Role};
use bulkhead_core::ports::auth::{Access, AccessAction};
use bulkhead_core::ports::catalog::{Attribute, Attributed, Attributes};
use bulkhead_core::registry::RegistryError;
use bulkhead_oci::RepositoryName;

use super::Desk;
use crate::error::ApiError;

/// The most scopes of a scope map that are told: it may have hundreds, and `scope-map show` has them all.
const MOST_SCOPES: usize = 10;

/// All of them; none where there is nothing to add.
pub(super) async fn of(
    desk: Desk<'_>,
    explained: &Explained,
    access: &Access,
    explanation: &Explanation,
) -> Result<Vec<String>, ApiError> {
    let mut notes = Vec::new();
    if explanation.decision.ruling != Ruling::Allowed {
        notes.extend(of_account(desk, explained, explanation).await?);
    }
    if let Some(repository) = &access.repository {
        notes.extend(of_locks(desk, access.action, repository).await?);
    }
    Ok(notes)
}

/// Of the account that the caller is, or would be, where a plugin of the chain checks accounts.
async fn of_account(desk: Desk<'_>, explained: &Explained, explanation: &Explanation) -> Result<Option<String>, ApiError> {
    let user = match (&explanation.caller, explained) {
        (Some(caller), _) if desk.checked_by.iter().any(|name| **name == *caller.plugin) => &caller.subject,
        (None, Explained::Subject { subject }) if !desk.checked_by.is_empty() => subject,
        _ => return Ok(None),
    };
    let Some(account) = desk.manager.find(&desk.actor(), user).await? else {
        return Ok(Some(format!("this registry keeps no account {user}")));
    };
    if account.status == AccountStatus::Disabled {
        return Ok(Some(format!("the account {} is disabled", account.name)));
    }
    rights(desk, &account).await.map(Some)
}

/// What its roles and its scope map give it.
async fn rights(desk: Desk<'_>, account: &AccountRecord) -> Result<String, ApiError> {
    let roles: Vec<&str> = account.roles.iter().map(|role: &Role| role.as_str()).collect();
    let roles = if roles.is_empty() { "no role".to_owned() } else { format!("the roles {}", roles.join(", ")) };
    let Some(name) = &account.scope_map else {
        return Ok(format!("the account {} has {roles} and no scope map", account.name));
    };
    let map = desk.manager.scope_map(&desk.actor(), name).await?;
    let mut scopes: Vec<String> = Vec::new();
    for scope in map.scopes.iter().take(MOST_SCOPES) {
        let rights: Vec<&str> = scope.rights.iter().map(|right: &Right| right.as_str()).collect();
        scopes.push(format!("{} on {}", rights.join(", "), scope.target));
    }
    if map.scopes.len() > MOST_SCOPES {
        scopes.push(format!("and {} more", map.scopes.len() - MOST_SCOPES));
    }
    Ok(format!("the account {} has {roles} and the scope map {name}: {}", account.name, scopes.join("; ")))
}

/// Those of the repository: a tag or a manifest may have locks of its own.
async fn of_locks(desk: Desk<'_>, action: AccessAction, repository: &RepositoryName) -> Result<Vec<String>, ApiError> {
    let registry = &desk.visit.registry;
    let mut notes = Vec::new();
    if action == AccessAction::Delete
        && let Err(setting) = registry.rules().deletes.check(repository, None)
    {
        notes.push(format!("by the configuration nobody may do it: {setting}"));
    }
    let attributes = match registry.attributes(repository, &Attributed::Repository).await {
        Ok(record) => record.attributes,
        // What is not there has no locks.
        Err(RegistryError::NameUnknown) => return Ok(notes),
        Err(error) => return Err(error.into()),
    };
    if let Some(attribute) = against(attributes, action) {
        let attribute = attribute.as_str();
        notes.push(format!("the repository {repository} is locked, so nobody may do it: its {attribute} is false"));
    }
    Ok(notes)
}

/// The attribute that keeps everybody from it.
const fn against(attributes: Attributes, action: AccessAction) -> Option<Attribute> {
    match action {
        AccessAction::Pull if !attributes.read_enabled => Some(Attribute::Read),
        AccessAction::Push if !attributes.write_enabled => Some(Attribute::Write),
        AccessAction::Delete => attributes.against_deletion(),
        // Attributes can always be read and changed, or no lock could be taken off again.
        _ => None,
    }
}

//! The first login: the account `admin` of the registry `default`, where its chain checks the accounts that the host keeps.
//!
//! The account is made once, when the server can be reached, and its password is printed by that start alone; `core::accounts` makes both and keeps a
//! salted hash. Nothing here writes a password anywhere. One that was lost is replaced with `bulkhead credential renew`.

use bulkhead_core::accounts::{Actor, ManageError, Manager, RegistryIds, ShownSecret, first_admin};
use bulkhead_core::ports::accounts::AccountStatus;

use crate::config::{Config, DEFAULT_REGISTRY};

/// The user's name.
pub const USER: &str = bulkhead_core::ports::accounts::ADMIN;

/// What there is to log in with.
pub enum Login {
    /// Made just now.
    Made(ShownSecret),
    /// Made by an earlier start, or by an operator.
    Before,
}

/// Finds the login of this configuration, or makes it. None: users are the configuration's business, or the administrator is disabled.
///
/// # Errors
/// [`ManageError`]: nobody knows a password that was not there before.
pub async fn first(config: &Config, manager: &Manager, rows: &RegistryIds) -> Result<Option<Login>, ManageError> {
    let Some(registry) = config.registries.iter().find(|registry| registry.name.as_str() == DEFAULT_REGISTRY) else {
        return Ok(None);
    };
    let Some(row) = rows.get(&registry.name).filter(|_| config.account_plugins(registry).next().is_some()) else {
        return Ok(None);
    };
    let actor = Actor { registry: (row, &registry.name), context: None, who: None };
    if let Some(secret) = first_admin(manager, &actor).await? {
        return Ok(Some(Login::Made(secret)));
    }
    let admin = manager.admin(&actor).await?;
    Ok(admin.filter(|admin| admin.status == AccountStatus::Enabled).map(|_| Login::Before))
}

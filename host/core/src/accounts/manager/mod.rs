//! Makes and changes accounts and scope maps. `http` (the administration API) and `server` (the command line, the first start) call it; who
//! may is settled before.
//!
//! A change that was begun is made to its end and is in the audit log, also if whoever asked for it goes away meanwhile. What cannot be asked
//! for at all ([`ManageError::Invalid`]) is no decision, and not in the log.

mod accounts;
mod audit;
mod maps;
mod secrets;

use std::future::Future;
use std::sync::Arc;

use super::hasher::Hasher;
use super::secret::ShownSecret;
use super::{ManageError, SecretLife};
use crate::ports::accounts::{AccountName, AccountStatus, Accounts, Role, ScopeMapName};
use crate::ports::audit::Audit;
use crate::ports::catalog::CatalogError;
use crate::ports::clock::Clock;
use crate::ports::context::{Identity, RequestContext};
use crate::ports::ids::{RegistryId, RegistryName};

use audit::Line;

/// The most accounts or scope maps of one list.
pub const LONGEST_LIST: u32 = 1000;

/// Who changes something, and in which registry.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// Its row and its name. Nothing of another registry is seen or changed.
    pub registry: (RegistryId, &'a RegistryName),
    /// The request; none: no request does it.
    pub context: Option<&'a RequestContext>,
    /// Who; none: the host itself.
    pub who: Option<&'a Identity>,
}

/// A service principal that is to be.
#[derive(Clone, Debug)]
pub struct NewPrincipal {
    /// What people call it, at most 256 bytes without control characters; may be empty.
    pub display_name: String,
    /// Its roles; with a scope map, it may have none.
    pub roles: Vec<Role>,
    /// Its scope map.
    pub scope_map: Option<ScopeMapName>,
    /// Of its first secret.
    pub expires: SecretLife,
}

/// A token that is to be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Its name: neither the administrator's nor a UUID.
    pub name: AccountName,
    /// What it may do.
    pub scope_map: ScopeMapName,
    /// What people call it, at most 256 bytes without control characters; may be empty.
    pub display_name: String,
    /// Of its first secret.
    pub expires: SecretLife,
}

/// Makes and changes accounts and scope maps of all registries.
pub struct Manager {
    parts: Arc<Parts>,
}

struct Parts {
    accounts: Arc<dyn Accounts>,
    hasher: Arc<Hasher>,
    clock: Arc<dyn Clock>,
    audit: Arc<dyn Audit>,
}

impl Manager {
    /// Over these accounts.
    pub fn new(accounts: Arc<dyn Accounts>, hasher: Arc<Hasher>, clock: Arc<dyn Clock>, audit: Arc<dyn Audit>) -> Self {
        Self { parts: Arc::new(Parts { accounts, hasher, clock, audit }) }
    }

    /// Makes a change in a task of its own, and then the line about it.
    async fn carry_out<T, F>(&self, line: Line, change: impl FnOnce(Arc<Parts>) -> F) -> Result<T, ManageError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ManageError>> + Send + 'static,
    {
        let parts = Arc::clone(&self.parts);
        let change = change(Arc::clone(&parts));
        let task = tokio::spawn(async move {
            let ended = change.await;
            parts.audit.record(line.entry(parts.clock.now(), ended.as_ref().err())).await;
            ended
        });
        task.await.unwrap_or_else(|error| Err(CatalogError(format!("changing accounts ended early: {error}")).into()))
    }
}

/// Makes the administrator, enabled and with one secret, if the registry never had one; where it had, nothing. The secret is shown to nobody
/// else: call it when nothing can keep it from being printed any more. Where it got lost, [`Manager::renew_secret`] makes another one.
///
/// # Errors
/// [`ManageError`].
pub async fn first_admin(manager: &Manager, actor: &Actor<'_>) -> Result<Option<ShownSecret>, ManageError> {
    if manager.admin(actor).await?.is_some() {
        return Ok(None);
    }
    let (_, secret) = manager.set_admin_status(actor, AccountStatus::Enabled).await?;
    Ok(secret)
}

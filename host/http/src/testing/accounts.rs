//! Accounts and scope maps in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use bulkhead_core::ports::accounts::{
    AccountChange, AccountKind, AccountName, AccountRecord, Accounts, Kept, ScopeMap, ScopeMapName, SecretRecord, Slot,
};
use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::ports::ids::RegistryId;

#[derive(Default)]
struct Tables {
    accounts: BTreeMap<(RegistryId, AccountName), AccountRecord>,
    maps: BTreeMap<(RegistryId, ScopeMapName), ScopeMap>,
}

/// A disk fails under a scope map named `broken`.
#[derive(Default)]
pub(crate) struct MemoryAccounts(Mutex<Tables>);

impl MemoryAccounts {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap()
    }

    /// Accounts, secrets and scope maps.
    pub(crate) fn count(&self) -> (usize, usize, usize) {
        let tables = self.tables();
        (tables.accounts.len(), tables.accounts.values().map(|account| account.secrets.len()).sum(), tables.maps.len())
    }

    /// Every hash that is kept.
    pub(crate) fn hashes(&self) -> Vec<String> {
        let tables = self.tables();
        tables.accounts.values().flat_map(|account| &account.secrets).map(|secret| secret.hash.clone()).collect()
    }

    /// Does something to an account of this kind.
    fn alter(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        alter: impl FnOnce(&mut AccountRecord) -> Kept,
    ) -> Kept {
        let mut tables = self.tables();
        let found = tables.accounts.get_mut(&(registry, name.clone())).filter(|account| account.kind == kind);
        found.map_or(Kept::Absent, alter)
    }

    fn has_map(&self, registry: RegistryId, name: Option<&ScopeMapName>) -> bool {
        name.is_none_or(|name| self.tables().maps.contains_key(&(registry, name.clone())))
    }
}

#[async_trait]
impl Accounts for MemoryAccounts {
    async fn account(&self, registry: RegistryId, name: &AccountName) -> Result<Option<AccountRecord>, CatalogError> {
        Ok(self.tables().accounts.get(&(registry, name.clone())).cloned())
    }

    async fn accounts(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        after: Option<&AccountName>,
        limit: u32,
    ) -> Result<Vec<AccountRecord>, CatalogError> {
        let tables = self.tables();
        let here = tables
            .accounts
            .iter()
            .filter(|((at, name), account)| *at == registry && account.kind == kind && after.is_none_or(|after| name > after));
        Ok(here.map(|(_, account)| account.clone()).take(limit as usize).collect())
    }

    async fn create_account(&self, registry: RegistryId, account: &AccountRecord) -> Result<Kept, CatalogError> {
        if !self.has_map(registry, account.scope_map.as_ref()) {
            return Ok(Kept::NoSuchScopeMap);
        }
        let key = (registry, account.name.clone());
        let mut tables = self.tables();
        if tables.accounts.contains_key(&key) {
            return Ok(Kept::Exists);
        }
        tables.accounts.insert(key, account.clone());
        Ok(Kept::Done)
    }

    async fn change_account(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        change: &AccountChange,
    ) -> Result<Kept, CatalogError> {
        if !self.has_map(registry, change.scope_map.as_ref().and_then(Option::as_ref)) {
            return Ok(Kept::NoSuchScopeMap);
        }
        let AccountChange { display_name, status, roles, scope_map } = change.clone();
        Ok(self.alter(registry, kind, name, |account| {
            account.display_name = display_name.unwrap_or_else(|| account.display_name.clone());
            account.status = status.unwrap_or(account.status);
            account.roles = roles.unwrap_or_else(|| account.roles.clone());
            account.scope_map = scope_map.unwrap_or_else(|| account.scope_map.clone());
            Kept::Done
        }))
    }

    async fn remove_account(&self, registry: RegistryId, kind: AccountKind, name: &AccountName) -> Result<Kept, CatalogError> {
        let kept = self.alter(registry, kind, name, |_| Kept::Done);
        if kept == Kept::Done {
            self.tables().accounts.remove(&(registry, name.clone()));
        }
        Ok(kept)
    }

    async fn set_secret(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        secret: &SecretRecord,
    ) -> Result<Kept, CatalogError> {
        Ok(self.alter(registry, kind, name, |account| {
            account.secrets.retain(|other| other.slot != secret.slot);
            account.secrets.push(secret.clone());
            account.secrets.sort_by_key(|secret| secret.slot);
            Kept::Done
        }))
    }

    async fn remove_secret(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        slot: Slot,
    ) -> Result<Kept, CatalogError> {
        Ok(self.alter(registry, kind, name, |account| {
            let before = account.secrets.len();
            account.secrets.retain(|secret| secret.slot != slot);
            if account.secrets.len() < before { Kept::Done } else { Kept::Absent }
        }))
    }

    async fn scope_map(&self, registry: RegistryId, name: &ScopeMapName) -> Result<Option<ScopeMap>, CatalogError> {
        if name.as_str() == "broken" {
            return Err(CatalogError("the disk at /secret is full".to_owned()));
        }
        Ok(self.tables().maps.get(&(registry, name.clone())).cloned())
    }

    async fn scope_maps(
        &self,
        registry: RegistryId,
        after: Option<&ScopeMapName>,
        limit: u32,
    ) -> Result<Vec<ScopeMap>, CatalogError> {
        let tables = self.tables();
        let here = tables.maps.iter().filter(|((at, name), _)| *at == registry && after.is_none_or(|after| name > after));
        Ok(here.map(|(_, map)| map.clone()).take(limit as usize).collect())
    }

    async fn put_scope_map(&self, registry: RegistryId, map: &ScopeMap) -> Result<Kept, CatalogError> {
        let mut tables = self.tables();
        let key = (registry, map.name.clone());
        let created = tables.maps.get(&key).map_or(map.created, |before| before.created);
        tables.maps.insert(key, ScopeMap { created, ..map.clone() });
        Ok(Kept::Done)
    }

    async fn remove_scope_map(&self, registry: RegistryId, name: &ScopeMapName) -> Result<Kept, CatalogError> {
        let mut tables = self.tables();
        let uses = |((at, _), account): (&(RegistryId, AccountName), &AccountRecord)| {
            *at == registry && account.scope_map.as_ref() == Some(name)
        };
        if tables.accounts.iter().any(uses) {
            return Ok(Kept::InUse);
        }
        Ok(tables.maps.remove(&(registry, name.clone())).map_or(Kept::Absent, |_| Kept::Done))
    }
}

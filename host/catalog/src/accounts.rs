//! The core's port for accounts, on the readers and the writer. The cache holds nothing of it: what changes is seen at once.

use async_trait::async_trait;
use bulkhead_core::ports::accounts::{
    AccountChange, AccountKind, AccountName, AccountRecord, Accounts, Kept, ScopeMap, ScopeMapName, SecretRecord, Slot,
};
use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::ports::ids::RegistryId;

use crate::SqliteCatalog;
use crate::write::{AccountsWrite, Answer, Write};

impl SqliteCatalog {
    async fn keep(&self, doing: &'static str, write: AccountsWrite) -> Result<Kept, CatalogError> {
        match self.write(doing, Write::Accounts(Box::new(write))).await? {
            Answer::Kept(kept) => Ok(kept),
            other => Err(CatalogError(format!("{doing}: the writer answered {other:?}"))),
        }
    }
}

#[async_trait]
impl Accounts for SqliteCatalog {
    async fn account(&self, registry: RegistryId, name: &AccountName) -> Result<Option<AccountRecord>, CatalogError> {
        self.readers.account(registry, name).await
    }

    async fn accounts(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        after: Option<&AccountName>,
        limit: u32,
    ) -> Result<Vec<AccountRecord>, CatalogError> {
        self.readers.accounts(registry, kind, after.map(AccountName::as_str).unwrap_or_default(), limit).await
    }

    async fn create_account(&self, registry: RegistryId, account: &AccountRecord) -> Result<Kept, CatalogError> {
        self.saw(account.created);
        self.keep("creating an account", AccountsWrite::create(registry, account)).await
    }

    async fn change_account(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        change: &AccountChange,
    ) -> Result<Kept, CatalogError> {
        self.keep("changing an account", AccountsWrite::change(registry, kind, name, change)).await
    }

    async fn remove_account(&self, registry: RegistryId, kind: AccountKind, name: &AccountName) -> Result<Kept, CatalogError> {
        self.keep("removing an account", AccountsWrite::remove(registry, kind, name)).await
    }

    async fn set_secret(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        secret: &SecretRecord,
    ) -> Result<Kept, CatalogError> {
        self.saw(secret.created);
        self.keep("setting a secret", AccountsWrite::set_secret(registry, kind, name, secret)).await
    }

    async fn remove_secret(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        slot: Slot,
    ) -> Result<Kept, CatalogError> {
        self.keep("removing a secret", AccountsWrite::remove_secret(registry, kind, name, slot)).await
    }

    async fn scope_map(&self, registry: RegistryId, name: &ScopeMapName) -> Result<Option<ScopeMap>, CatalogError> {
        self.readers.scope_map(registry, name).await
    }

    async fn scope_maps(
        &self,
        registry: RegistryId,
        after: Option<&ScopeMapName>,
        limit: u32,
    ) -> Result<Vec<ScopeMap>, CatalogError> {
        self.readers.scope_maps(registry, after.map(ScopeMapName::as_str).unwrap_or_default(), limit).await
    }

    async fn put_scope_map(&self, registry: RegistryId, map: &ScopeMap) -> Result<Kept, CatalogError> {
        self.saw(map.created);
        self.keep("storing a scope map", AccountsWrite::put_map(registry, map)).await
    }

    async fn remove_scope_map(&self, registry: RegistryId, name: &ScopeMapName) -> Result<Kept, CatalogError> {
        self.keep("removing a scope map", AccountsWrite::remove_map(registry, name)).await
    }
}

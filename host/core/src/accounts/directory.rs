//! Checks secrets, and tells what an account is, for plugins that were granted the accounts.
//!
//! Nothing is remembered between two questions: an account that is changed is seen as it is from then on.
//!
//! # What the time of an answer tells
//! Every [`verify`](AccountDirectory::verify) computes exactly one hash with the same parameters: for an account with two secrets, one or none,
//! for one that is disabled or whose secret has ended, for a name that nobody has, and for a text that can be nobody's name. For that, a
//! secret itself tells which of the two slots it was made for (`secret::slot_of`), so the other one need not be compared; where that slot is
//! empty or there is no account, a hash of nothing takes its place. Whether the account is enabled and the secret still lives is looked at
//! afterwards.

use std::sync::Arc;

use async_trait::async_trait;

use super::hasher::{HashError, Hasher};
use super::registries::RegistryIds;
use super::secret::slot_of;
use crate::ports::accounts::{
    AccountDirectory, AccountName, AccountRecord, AccountStatus, Accounts, DirectoryError, KnownAccount, SecretRecord,
    Verification,
};
use crate::ports::catalog::CatalogError;
use crate::ports::clock::{Clock, Timestamp};
use crate::ports::ids::{RegistryId, RegistryName};

/// The accounts of all registries of the host, each seen from its own registry alone.
pub struct Directory {
    accounts: Arc<dyn Accounts>,
    registries: RegistryIds,
    hasher: Arc<Hasher>,
    clock: Arc<dyn Clock>,
}

impl Directory {
    /// Over these accounts, of these registries.
    pub fn new(accounts: Arc<dyn Accounts>, registries: RegistryIds, hasher: Arc<Hasher>, clock: Arc<dyn Clock>) -> Self {
        Self { accounts, registries, hasher, clock }
    }

    /// A registry that is not wired has no accounts that anybody could tell from wrong ones, so nobody can say.
    fn row(&self, registry: &RegistryName) -> Result<RegistryId, DirectoryError> {
        let unknown = || CatalogError(format!("looking up an account: this host serves no registry {registry}"));
        Ok(self.registries.get(registry).ok_or_else(unknown)?)
    }

    async fn record(
        &self,
        row: RegistryId,
        registry: &RegistryName,
        name: &str,
    ) -> Result<Option<AccountRecord>, DirectoryError> {
        let Some(name) = AccountName::of_user(name, registry) else { return Ok(None) };
        Ok(self.accounts.account(row, &name).await?)
    }

    /// The secret was right when its turn to be hashed came. The account may have changed since: it is looked at anew.
    async fn admit(&self, row: RegistryId, name: &AccountName, proof: String) -> Result<Verification, DirectoryError> {
        let wrong = |why: &str| Ok(Verification::Wrong(why.to_owned()));
        let Some(record) = self.accounts.account(row, name).await? else {
            return wrong("the account was deleted meanwhile");
        };
        let Some(secret) = record.secrets.iter().find(|secret| secret.id == proof) else {
            return wrong("the secret was withdrawn meanwhile");
        };
        if record.status == AccountStatus::Disabled {
            return wrong("the account is disabled");
        }
        if ended(secret, self.clock.now()) {
            return wrong("the secret has ended");
        }
        let expires = secret.expires;
        Ok(Verification::Right { account: self.known(row, record).await?, expires, proof })
    }

    /// A scope map that is not there gives nothing: it went after the account was read, so the account has another one by now, or none.
    async fn known(&self, row: RegistryId, record: AccountRecord) -> Result<KnownAccount, DirectoryError> {
        let map = match &record.scope_map {
            Some(name) => self.accounts.scope_map(row, name).await?,
            None => None,
        };
        let AccountRecord { name, kind, roles, .. } = record;
        Ok(KnownAccount { name, kind, roles, scopes: map.map(|map| map.scopes).unwrap_or_default() })
    }
}

fn ended(secret: &SecretRecord, now: Timestamp) -> bool {
    secret.expires.is_some_and(|end| end <= now)
}

#[async_trait]
impl AccountDirectory for Directory {
    async fn verify(&self, registry: &RegistryName, name: &str, secret: &str) -> Result<Verification, DirectoryError> {
        let row = self.row(registry)?;
        let record = self.record(row, registry, name).await?;
        let slot = slot_of(secret);
        let kept = record.as_ref().and_then(|record| record.secrets.iter().find(|secret| secret.slot == slot));
        let right = self.hasher.verify(kept.map(|secret| secret.hash.as_str()), secret).await?;
        match (&record, kept) {
            (None, _) => Ok(Verification::Unknown),
            (Some(record), Some(kept)) if right => self.admit(row, &record.name, kept.id.clone()).await,
            (Some(_), _) => Ok(Verification::Wrong("it is none of the account's secrets".to_owned())),
        }
    }

    async fn find(
        &self,
        registry: &RegistryName,
        name: &str,
        proof: Option<&str>,
    ) -> Result<Option<KnownAccount>, DirectoryError> {
        let row = self.row(registry)?;
        let now = self.clock.now();
        let lives = |record: &AccountRecord| match proof {
            Some(proof) => record.secrets.iter().any(|secret| secret.id == proof && !ended(secret, now)),
            None => true,
        };
        match self.record(row, registry, name).await? {
            Some(record) if record.status == AccountStatus::Enabled && lives(&record) => self.known(row, record).await.map(Some),
            _ => Ok(None),
        }
    }
}

impl From<HashError> for DirectoryError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed(why) => Self::Catalog(CatalogError(format!("checking a secret: {why}"))),
        }
    }
}

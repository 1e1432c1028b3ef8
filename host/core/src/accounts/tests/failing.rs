//! What happens where the catalog says something else from one moment to the next, or nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::accounts::{Actor, Directory, Hasher, ManageError, Manager, RegistryIds, SecretLife};
use crate::ports::accounts::{
    AccountChange, AccountDirectory, AccountKind, AccountName, AccountRecord, AccountStatus, Accounts, DirectoryError, Kept,
    ScopeMap, ScopeMapName, SecretRecord, Slot, Verification,
};
use crate::ports::audit::{Audit, AuditAction, AuditEntry, AuditOutcome};
use crate::ports::catalog::CatalogError;
use crate::ports::clock::{Clock, Timestamp};
use crate::ports::ids::{RegistryId, RegistryName};

use crate::accounts::secret::slot_of;

const SECRET: &str = "a right one";
const ROW: RegistryId = RegistryId(1);

/// Answers each question about an account with the next of these, and nothing else.
#[derive(Default)]
struct Moments(Mutex<VecDeque<Option<AccountRecord>>>);

fn broken<T>() -> Result<T, CatalogError> {
    Err(CatalogError("the disk is gone".to_owned()))
}

#[async_trait]
impl Accounts for Moments {
    async fn account(&self, _: RegistryId, _: &AccountName) -> Result<Option<AccountRecord>, CatalogError> {
        self.0.lock().unwrap().pop_front().map_or_else(broken, Ok)
    }
    async fn accounts(
        &self,
        _: RegistryId,
        _: AccountKind,
        _: Option<&AccountName>,
        _: u32,
    ) -> Result<Vec<AccountRecord>, CatalogError> {
        broken()
    }
    async fn create_account(&self, _: RegistryId, _: &AccountRecord) -> Result<Kept, CatalogError> {
        broken()
    }
    async fn change_account(
        &self,
        _: RegistryId,
        _: AccountKind,
        _: &AccountName,
        _: &AccountChange,
    ) -> Result<Kept, CatalogError> {
        broken()
    }
    async fn remove_account(&self, _: RegistryId, _: AccountKind, _: &AccountName) -> Result<Kept, CatalogError> {
        broken()
    }
    async fn set_secret(&self, _: RegistryId, _: AccountKind, _: &AccountName, _: &SecretRecord) -> Result<Kept, CatalogError> {
        broken()
    }
    async fn remove_secret(&self, _: RegistryId, _: AccountKind, _: &AccountName, _: Slot) -> Result<Kept, CatalogError> {
        broken()
    }
    async fn scope_map(&self, _: RegistryId, _: &ScopeMapName) -> Result<Option<ScopeMap>, CatalogError> {
        broken()
    }
    async fn scope_maps(&self, _: RegistryId, _: Option<&ScopeMapName>, _: u32) -> Result<Vec<ScopeMap>, CatalogError> {
        broken()
    }
    async fn put_scope_map(&self, _: RegistryId, _: &ScopeMap) -> Result<Kept, CatalogError> {
        broken()
    }
    async fn remove_scope_map(&self, _: RegistryId, _: &ScopeMapName) -> Result<Kept, CatalogError> {
        broken()
    }
}

struct Still;

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }
    async fn sleep(&self, _: Duration) {}
}

#[derive(Default)]
struct Told(Mutex<Vec<AuditEntry>>);

#[async_trait]
impl Audit for Told {
    async fn record(&self, entry: AuditEntry) {
        self.0.lock().unwrap().push(entry);
    }
}

fn registry() -> RegistryName {
    "team".parse().unwrap()
}

/// What is said of the right secret if the account is this when it is looked at for the second time.
async fn verified(
    hasher: &Arc<Hasher>,
    first: AccountRecord,
    then: Option<AccountRecord>,
) -> Result<Verification, DirectoryError> {
    let rows = RegistryIds::default();
    rows.insert(registry(), ROW);
    let accounts = Arc::new(Moments(Mutex::new([Some(first), then].into())));
    Directory::new(accounts, rows, Arc::clone(hasher), Arc::new(Still)).verify(&registry(), "admin", SECRET).await
}

/// The hash may have waited for its turn for long.
#[tokio::test]
async fn an_account_that_changes_while_its_secret_is_hashed_is_taken_as_it_is_afterwards() {
    let hasher = Arc::new(Hasher::new(1));
    let hash = hasher.hash(SECRET).await.unwrap();
    let account = || AccountRecord {
        name: AccountName::admin(),
        kind: AccountKind::Admin,
        display_name: String::new(),
        status: AccountStatus::Enabled,
        roles: vec![],
        scope_map: None,
        created: Timestamp(0),
        secrets: vec![SecretRecord {
            slot: slot_of(SECRET),
            id: "proof".to_owned(),
            hash: hash.clone(),
            created: Timestamp(0),
            expires: None,
        }],
    };
    let secret = |change: fn(&mut SecretRecord)| {
        let mut account = account();
        change(&mut account.secrets[0]);
        Some(account)
    };
    assert!(matches!(verified(&hasher, account(), Some(account())).await, Ok(Verification::Right { .. })));
    let later = [
        None,
        Some(AccountRecord { status: AccountStatus::Disabled, ..account() }),
        Some(AccountRecord { secrets: vec![], ..account() }),
        secret(|secret| secret.id = "another".to_owned()),
        secret(|secret| secret.expires = Some(Still.now())),
    ];
    for then in later {
        let verified = verified(&hasher, account(), then).await;
        assert!(matches!(verified, Ok(Verification::Wrong(_))), "{verified:?}");
    }
    let damaged =
        AccountRecord { secrets: vec![SecretRecord { hash: String::new(), ..account().secrets.remove(0) }], ..account() };
    assert!(matches!(verified(&hasher, damaged, None).await, Err(DirectoryError::Catalog(_))));
}

#[tokio::test]
async fn where_the_catalog_fails_nobody_is_let_in_and_the_change_is_told_of_as_failed() {
    let (accounts, told) = (Arc::new(Moments::default()), Arc::new(Told::default()));
    let (hasher, rows, registry) = (Arc::new(Hasher::new(1)), RegistryIds::default(), registry());
    rows.insert(registry.clone(), ROW);
    let directory = Directory::new(accounts.clone(), rows, hasher.clone(), Arc::new(Still));
    assert!(matches!(directory.verify(&registry, "admin", SECRET).await, Err(DirectoryError::Catalog(_))));
    assert!(matches!(directory.find(&registry, "admin", None).await, Err(DirectoryError::Catalog(_))));
    let manager = Manager::new(accounts, hasher, Arc::new(Still), told.clone());
    let actor = Actor { registry: (ROW, &registry), context: None, who: None };
    let renewed = manager.renew_secret(&actor, AccountKind::Admin, &AccountName::admin(), Slot::First, SecretLife::Forever).await;
    assert!(matches!(renewed, Err(ManageError::Catalog(_))));
    let entries = std::mem::take(&mut *told.0.lock().unwrap());
    let [line] = &entries[..] else { panic!("one line") };
    assert_eq!((line.action, line.outcome), (AuditAction::RenewSecret, AuditOutcome::Failed));
    assert_eq!(line.reason, "catalog: the disk is gone");
}

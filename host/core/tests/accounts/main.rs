//! What the accounts of a host promise, over the real catalog: who is let in, what a change does, and what is told of it.

#![allow(clippy::unwrap_used, reason = "a test may stop at once where something is not as it needs it")]

#[path = "../support/audit.rs"]
mod audit;
#[path = "../support/clock.rs"]
mod clock;

mod changes;
mod directory;
mod lines;
mod tenants;

use std::sync::Arc;

use audit::Ledger;
use bulkhead_catalog::SqliteCatalog;
use bulkhead_core::accounts::{
    Actor, Directory, Hasher, ManageError, Manager, NewPrincipal, NewToken, RegistryIds, SecretLife, ShownSecret,
};
use bulkhead_core::ports::accounts::{
    AccountChange, AccountDirectory, AccountKind, AccountName, AccountRecord, AccountStatus, KnownAccount, Right, Role,
    ScopeEntry, Verification,
};
use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Clock;
use bulkhead_core::ports::ids::{RegistryId, RegistryName};
use clock::ManualClock;

/// A host with the registries `team` and `other`.
struct World {
    _folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    ledger: Arc<Ledger>,
    hasher: Arc<Hasher>,
    manager: Arc<Manager>,
    directory: Directory,
    team: (RegistryId, RegistryName),
    other: (RegistryId, RegistryName),
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Arc::new(bulkhead_catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap());
        let (clock, ledger, hasher) = (ManualClock::new(), Ledger::new(), Arc::new(Hasher::new(2)));
        let ids = RegistryIds::default();
        let team = registry(&catalog, &clock, &ids, "team").await;
        let other = registry(&catalog, &clock, &ids, "other").await;
        let manager = Arc::new(Manager::new(catalog.clone(), hasher.clone(), clock.clone(), ledger.clone()));
        let directory = Directory::new(catalog, ids, hasher.clone(), clock.clone());
        Self { _folder: folder, clock, ledger, hasher, manager, directory, team, other }
    }

    /// The host itself, in the registry `team`.
    fn team(&self) -> Actor<'_> {
        Actor { registry: (self.team.0, &self.team.1), context: None, who: None }
    }

    fn other(&self) -> Actor<'_> {
        Actor { registry: (self.other.0, &self.other.1), context: None, who: None }
    }

    /// What the secret is at the registry `team`. One hash, always.
    async fn verify(&self, name: &str, secret: &str) -> Verification {
        let before = self.hasher.hashes();
        let verification = self.directory.verify(&self.team.1, name, secret).await.unwrap();
        assert_eq!(self.hasher.hashes(), before + 1, "{name}");
        verification
    }

    /// The account that the secret is right for, with its proof.
    async fn enter(&self, name: &str, secret: &ShownSecret) -> (KnownAccount, String) {
        match self.verify(name, &secret.secret).await {
            Verification::Right { account, expires, proof } => {
                assert_eq!(expires, secret.expires);
                (account, proof)
            }
            wrong => panic!("{name}: {wrong:?}"),
        }
    }

    async fn is_wrong(&self, name: &str, secret: &str) -> bool {
        matches!(self.verify(name, secret).await, Verification::Wrong(_))
    }

    async fn find(&self, name: &str, proof: Option<&str>) -> Option<KnownAccount> {
        self.directory.find(&self.team.1, name, proof).await.unwrap()
    }

    async fn principal(&self, roles: &[Role]) -> (AccountRecord, ShownSecret) {
        self.manager.create_principal(&self.team(), new_principal(roles)).await.unwrap()
    }

    /// With the scope map `m`, which may read below `a`.
    async fn token(&self, token: &str) -> (AccountRecord, ShownSecret) {
        self.manager.put_scope_map(&self.team(), name("m"), String::new(), scopes()).await.unwrap();
        self.manager.create_token(&self.team(), new_token(token)).await.unwrap()
    }

    async fn change(&self, account: &AccountRecord, change: AccountChange) -> Result<AccountRecord, ManageError> {
        self.manager.change(&self.team(), account.kind, &account.name, change).await
    }
}

async fn registry(catalog: &SqliteCatalog, clock: &ManualClock, ids: &RegistryIds, name: &str) -> (RegistryId, RegistryName) {
    let name: RegistryName = name.parse().unwrap();
    let id = catalog.registry(&name, clock.now()).await.unwrap();
    ids.insert(name.clone(), id);
    (id, name)
}

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

fn new_principal(roles: &[Role]) -> NewPrincipal {
    let display_name = "Build server".to_owned();
    NewPrincipal { display_name, roles: roles.to_vec(), scope_map: None, expires: SecretLife::Usual }
}

fn new_token(token: &str) -> NewToken {
    NewToken { name: name(token), scope_map: name("m"), display_name: String::new(), expires: SecretLife::Usual }
}

fn scopes() -> Vec<ScopeEntry> {
    vec![ScopeEntry { target: "a/*".parse().unwrap(), rights: vec![Right::ContentRead] }]
}

fn with_status(status: AccountStatus) -> AccountChange {
    AccountChange { status: Some(status), ..AccountChange::default() }
}

fn with_roles(roles: &[Role]) -> AccountChange {
    AccountChange { roles: Some(roles.to_vec()), ..AccountChange::default() }
}

fn with_map(map: Option<&str>) -> AccountChange {
    AccountChange { scope_map: Some(map.map(name)), ..AccountChange::default() }
}

const PRINCIPAL: AccountKind = AccountKind::ServicePrincipal;

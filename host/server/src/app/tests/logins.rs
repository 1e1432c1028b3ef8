//! The first login: who gets one, and when.

use bulkhead_core::accounts::Actor;
use bulkhead_core::ports::accounts::{AccountStatus, Verification};
use bulkhead_core::ports::ids::RegistryName;

use super::*;
use crate::login::Login;

/// A configuration whose registry `NAME` checks the host's accounts, with the data directory in this folder.
fn with_accounts(folder: &Path, name: &str) -> Config {
    let text = format!(
        "[plugins.disk]
component = 'builtin:storage-fs'
config = {{ root = '/blobs' }}
grants.directories = {{ '/blobs' = {{ path = '{{data}}/blobs', access = 'read-write' }} }}
[plugins.accounts]
component = 'builtin:auth-accounts'
grants.accounts = true
[registries.{name}]
hosts = ['r.example.com']
storage = 'disk'
auth = ['accounts']
"
    );
    config::parse("c.toml", &text, folder, &Overrides::default(), &bundled::names()).unwrap_or_else(|faults| panic!("{faults}"))
}

/// The login that a start of this configuration comes to, with what checks passwords. Its catalog is to be closed before the next start.
async fn first(config: &Config) -> (Option<Login>, Services, Arc<bulkhead_catalog::SqliteCatalog>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (services, catalog) = services(config, &clock).await;
    prepare(config, &config.data, &services).await.unwrap_or_else(|error| panic!("{error}"));
    let login = login::first(config, &services.manager(), &services.accounts.rows).await.unwrap();
    (login, services, catalog)
}

fn name(name: &str) -> RegistryName {
    name.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_makes_an_administrator_and_a_later_one_finds_it() {
    let folder = ScratchDirectory::new().unwrap();
    let config = with_accounts(folder.path(), "default");
    let (login, services, catalog) = first(&config).await;
    let Some(Login::Made(secret)) = login else { panic!("there was none before") };
    let directory = services.accounts.directory(&services.clock);
    for user in ["admin", "default"] {
        let verified = directory.verify(&name("default"), user, &secret.secret).await.unwrap();
        assert!(matches!(verified, Verification::Right { .. }), "{user}: {verified:?}");
    }
    assert!(matches!(directory.verify(&name("default"), "admin", "another").await.unwrap(), Verification::Wrong(_)));
    catalog.close().await.unwrap();
    let (login, services, catalog) = first(&config).await;
    assert!(matches!(login, Some(Login::Before)));

    let registry = name("default");
    let actor = Actor { registry: (services.accounts.rows.get(&registry).unwrap(), &registry), context: None, who: None };
    services.manager().set_admin_status(&actor, AccountStatus::Disabled).await.unwrap();
    catalog.close().await.unwrap();
    assert!(first(&config).await.0.is_none(), "one that is disabled is no login, and stays so");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_default_registry_gets_one_by_itself() {
    let folder = ScratchDirectory::new().unwrap();
    let (login, services, _catalog) = first(&with_accounts(folder.path(), "contoso")).await;
    assert!(login.is_none());
    let directory = services.accounts.directory(&services.clock);
    assert_eq!(directory.verify(&name("contoso"), "admin", "x").await.unwrap(), Verification::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_asks_no_accounts_of_the_host_gets_none() {
    let folder = ScratchDirectory::new().unwrap();
    let overrides = Overrides { data: Some(folder.path().join("data")), listen: None };
    let config = config::parse("c.toml", GOOD, folder.path(), &overrides, &bundled::names()).unwrap();
    assert!(first(&config).await.0.is_none());
}

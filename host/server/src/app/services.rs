//! What all registries of a server share: the keys, the audit log, the accounts, the count of failed logins.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use bulkhead_catalog::SqliteCatalog;
use bulkhead_core::accounts::{Directory, Hasher, Manager, RegistryIds};
use bulkhead_core::auth::{GateOptions, Refusals, Throttle};
use bulkhead_core::ports::accounts::{AccountDirectory, Accounts};
use bulkhead_core::ports::audit::Audit;
use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Clock;

use crate::config::Config;
use crate::keys::{KeySchedule, TokenKeys};

/// How long a key stays at least after another one has taken over, whatever the registries say: a shorter life of tokens in a later configuration
/// must not end what was signed under an earlier one.
const KEEP_KEYS: Duration = Duration::from_secs(90 * 24 * 3600);

/// What accounts are kept and checked with.
pub struct AccountServices {
    /// Where they are kept.
    pub accounts: Arc<dyn Accounts>,
    /// Who hashes, for all of them together.
    pub hasher: Arc<Hasher>,
    /// Which registry has which row; filled when registries are wired.
    pub rows: RegistryIds,
}

impl AccountServices {
    /// In this catalog.
    pub fn new(catalog: &Arc<SqliteCatalog>) -> Self {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        Self { accounts: Arc::clone(catalog) as _, hasher: Arc::new(Hasher::new(cores)), rows: RegistryIds::default() }
    }

    /// Checks secrets for plugins.
    pub fn directory(&self, clock: &Arc<dyn Clock>) -> Arc<dyn AccountDirectory> {
        let Self { accounts, hasher, rows } = self;
        Arc::new(Directory::new(Arc::clone(accounts), rows.clone(), Arc::clone(hasher), Arc::clone(clock)))
    }
}

/// What all registries share.
pub struct Services {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is where.
    pub catalog: Arc<dyn Catalog>,
    /// Who hears of what was changed and refused.
    pub audit: Arc<dyn Audit>,
    /// What signs tokens.
    pub keys: Arc<TokenKeys>,
    /// Who counts failed logins.
    pub throttle: Arc<Throttle>,
    /// The accounts.
    pub accounts: AccountServices,
}

impl Services {
    /// Puts them together from what is open already.
    pub fn new(
        config: &Config,
        catalog: &Arc<SqliteCatalog>,
        audit: Arc<dyn Audit>,
        keys: Arc<TokenKeys>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            catalog: Arc::clone(catalog) as _,
            accounts: AccountServices::new(catalog),
            throttle: Arc::new(Throttle::new(config.failed_logins, Arc::clone(&clock))),
            audit: Arc::new(Refusals::new(audit, Arc::clone(&clock))),
            keys,
            clock,
        }
    }

    /// Makes and changes accounts.
    pub fn manager(&self) -> Manager {
        let AccountServices { accounts, hasher, .. } = &self.accounts;
        Manager::new(Arc::clone(accounts), Arc::clone(hasher), Arc::clone(&self.clock), Arc::clone(&self.audit))
    }
}

/// How long the tokens of a registry live.
pub fn gate_options(registry: &crate::config::Registry) -> GateOptions {
    let standard = GateOptions::default();
    GateOptions {
        token_life: registry.token_lifetime.unwrap_or(standard.token_life),
        refresh_life: registry.refresh_lifetime.unwrap_or(standard.refresh_life),
    }
}

/// When keys come and go, so that each stays as long as anything that it signed.
pub fn key_schedule(config: &Config) -> KeySchedule {
    let lives = config.registries.iter().map(gate_options);
    let longest = lives.map(|options| options.refresh_life.max(options.token_life)).max().unwrap_or_default();
    KeySchedule { every: config.key_rotation, keep: longest.max(KEEP_KEYS) }
}

//! Where plugins come to life: one engine, one linker, one HTTP client for all of them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::accounts::AccountDirectory;
use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Clock;
use bytes::Bytes;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::checks::Checks;
use crate::compiled::{Compiled, Inspection, Kind, MAX_COMPONENT_BYTES, compile};
use crate::engine::{self, MAX_MEMORY_BYTES};
use crate::error::{LoadError, RuntimeError};
use crate::files::Granted;
use crate::imports;
use crate::net::{Client, Retry};
use crate::plugin::Plugin;
use crate::pool::Slots;
use crate::spec::{ComponentSource, Grants, Limits, PluginSpec};
use crate::state::{Reach, State};

/// The longest time that any limit may grant.
const MAX_TIME: Duration = Duration::from_secs(3600);

/// What a runtime needs.
#[derive(Clone)]
pub struct RuntimeOptions {
    /// Where compiled code is kept, made if it is missing; none: nowhere, and each start compiles again. Nobody but the host may be able to
    /// write there.
    pub cache: Option<PathBuf>,
    /// Tells the time to plugins.
    pub clock: Arc<dyn Clock>,
    /// Keeps the state of plugins that were granted `kv`; none: there is none, and such a grant cannot be given.
    pub catalog: Option<Arc<dyn Catalog>>,
    /// Checks secrets of the accounts that the host keeps, for plugins that were granted them; none: there are none, and such a grant cannot be
    /// given.
    pub accounts: Option<Arc<dyn AccountDirectory>>,
    /// How many instances there may be at once, of all plugins together, those that wait for a call included; at least 1.
    pub instances: u32,
}

impl RuntimeOptions {
    /// 256 instances, no cache, no catalog, no accounts.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { cache: None, clock, catalog: None, accounts: None, instances: 256 }
    }
}

/// Loads plugins. One for the process: its engine reserves address space for every instance that there may be.
pub struct Runtime {
    engine: Engine,
    linker: Linker<State>,
    slots: Arc<Slots>,
    client: Client,
    clock: Arc<dyn Clock>,
    catalog: Option<Arc<dyn Catalog>>,
    accounts: Option<Arc<dyn AccountDirectory>>,
    checks: Arc<Checks>,
}

impl Runtime {
    /// Starts the engine.
    ///
    /// # Errors
    /// [`RuntimeError`]: nothing was started.
    pub fn new(options: RuntimeOptions) -> Result<Arc<Self>, RuntimeError> {
        let instances = options.instances.max(1);
        let engine = engine::start(instances, options.cache.as_deref())?;
        let linker = imports::linker(&engine).map_err(|error| RuntimeError::Engine(format!("{error:#}")))?;
        Ok(Arc::new(Self {
            engine,
            linker,
            slots: Arc::new(Slots::new(instances)),
            client: Client::new()?,
            clock: options.clock,
            catalog: options.catalog,
            accounts: options.accounts,
            checks: Arc::new(Checks::start()?),
        }))
    }

    /// Loads a plugin: reads and compiles its component, opens what it is granted, and has it check its settings.
    ///
    /// # Errors
    /// [`LoadError`]: nothing of it stays behind.
    pub async fn load(&self, spec: PluginSpec) -> Result<Arc<Plugin>, LoadError> {
        check_limits(&spec.limits)?;
        let (component, inspection) = self.compile(read(spec.component).await?).await?;
        let compiled = Arc::new(Compiled::link(&self.linker, &component, inspection)?);
        imports::check_secrets(&spec.grants.secrets).await?;
        let reach = Arc::new(Reach {
            plugin: spec.name,
            files: open_grants(&spec.grants).await?,
            kv: granted("kv", spec.grants.kv, &self.catalog, "there is no catalog that could keep the state")?,
            accounts: granted("accounts", spec.grants.accounts, &self.accounts, "this host keeps no accounts")?,
            over: spec.grants.over,
            http: spec.grants.http,
            secrets: spec.grants.secrets,
            client: self.client.clone(),
            clock: self.clock.clone(),
            limits: spec.limits,
            checks: self.checks.clone(),
            retry: if compiled.inspection.kinds.contains(&Kind::Storage) { Retry::Idempotent } else { Retry::Never },
        });
        let permits = usize::try_from(reach.limits.instances).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(permits));
        let plugin = Plugin::new(compiled, reach, self.slots.clone(), permits, spec.settings)?;
        plugin.try_out().await?;
        Ok(plugin)
    }

    /// What a component is, without running it.
    ///
    /// # Errors
    /// [`LoadError::NotAComponent`], or [`LoadError::Unreadable`] for a file that cannot be read.
    pub async fn inspect(&self, component: ComponentSource) -> Result<Inspection, LoadError> {
        let bytes = read(component).await?;
        self.compile(bytes).await.map(|(_, inspection)| inspection)
    }

    /// Compiling takes seconds where a component is large, so it has a thread of its own.
    async fn compile(&self, bytes: Bytes) -> Result<(Component, Inspection), LoadError> {
        let engine = self.engine.clone();
        tokio::task::spawn_blocking(move || compile(&engine, &bytes)).await.unwrap_or_else(|error| interrupted(&error))
    }
}

/// What the host has, where it is granted.
fn granted<T: ?Sized>(what: &str, grant: bool, has: &Option<Arc<T>>, otherwise: &str) -> Result<Option<Arc<T>>, LoadError> {
    match (grant, has) {
        (false, _) => Ok(None),
        (true, Some(has)) => Ok(Some(has.clone())),
        (true, None) => Err(LoadError::Grant { what: what.to_owned(), why: otherwise.to_owned() }),
    }
}

async fn read(component: ComponentSource) -> Result<Bytes, LoadError> {
    let path = match component {
        ComponentSource::Bytes(bytes) => return Ok(bytes),
        ComponentSource::File(path) => path,
    };
    let read = move || {
        let fault = |reason: String| LoadError::Unreadable { path: path.clone(), reason };
        let found = std::fs::metadata(&path).map_err(|error| fault(error.to_string()))?;
        if !found.is_file() || found.len() > MAX_COMPONENT_BYTES {
            return Err(fault(format!("not a regular file of at most {MAX_COMPONENT_BYTES} bytes")));
        }
        std::fs::read(&path).map(Bytes::from).map_err(|error| fault(error.to_string()))
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| interrupted(&error))
}

async fn open_grants(grants: &Grants) -> Result<Arc<Granted>, LoadError> {
    let grants = grants.clone();
    let open = move || Granted::open(&grants).map(Arc::new);
    tokio::task::spawn_blocking(open).await.unwrap_or_else(|error| interrupted(&error))
}

fn interrupted<T>(error: &tokio::task::JoinError) -> Result<T, LoadError> {
    Err(LoadError::Host(format!("the host's own work was interrupted: {error}")))
}

fn check_limits(limits: &Limits) -> Result<(), LoadError> {
    let fault = |what: &'static str, why: String| Err(LoadError::Limit { what, why });
    if !(64 * 1024..=MAX_MEMORY_BYTES).contains(&limits.memory) {
        return fault("memory", format!("{} bytes: between 64 KiB and 256 MiB", limits.memory));
    }
    for (what, time) in [("time", limits.time), ("exchange", Some(limits.exchange))] {
        if time.is_some_and(|time| time.is_zero() || time > MAX_TIME) {
            return fault(what, format!("more than nothing, and at most {MAX_TIME:?}"));
        }
    }
    if limits.instances == 0 {
        return fault("instances", "at least 1".to_owned());
    }
    Ok(())
}

//! The composition root: the only place that knows every crate of the host. It turns a configuration into a running server, and takes it
//! down again in order.
//!
//! It decides nothing about registries. What goes wrong before the server listens ends the start, with everything that was begun undone.

mod error;
mod load;
mod renewal;
mod services;
mod shutdown;
mod ungranted;
mod wire;

#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Clock;
use bulkhead_http::tls::ServerTls;
use bulkhead_http::{App, AppExtras, Drained, HttpLimits, Listener};
use bulkhead_plugin::{Runtime, RuntimeOptions};

pub use error::AppError;
pub use load::LoadedPlugin;
pub use wire::ServedRegistry;

use load::Loaded;
use renewal::Renewal;
use services::{AccountServices, Services};
use shutdown::Shutdown;
use wire::Wired;

use crate::audit::{AuditLog, AuditOptions};
use crate::clock::SystemClock;
use crate::config::{self, Config, ConfigError, Fault, Folders, Overrides};
use crate::data::{self, DataDirectory, ScratchDirectory};
use crate::keys::{Rotation, TokenKeys};
use crate::welcome::{Encryption, Welcome};
use crate::{bundled, login, socket};

/// How long requests may go on after the server was asked to end.
const DRAIN: Duration = Duration::from_secs(10);

/// What a configuration that is right has.
pub struct Checked {
    /// What is legal, and probably not meant.
    pub warnings: Vec<Fault>,
    /// In the order of the configuration.
    pub registries: Vec<ServedRegistry>,
    /// In the order of the configuration.
    pub plugins: Vec<LoadedPlugin>,
}

/// Everything that has to be there before it listens.
struct Prepared {
    loaded: Loaded,
    wired: Wired,
    tls: Option<Arc<ServerTls>>,
}

/// Serves this configuration, or the built-in one, until the process is asked to end.
///
/// # Errors
/// [`AppError`]: why it did not start.
pub async fn serve(file: Option<&Path>, overrides: &Overrides) -> Result<(), AppError> {
    let shutdown = Shutdown::listen().map_err(AppError::Signals)?;
    let config = config::load(file, overrides, &bundled::names())?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let directory = DataDirectory::open(&config.data)?;
    make_granted(&config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let keys = Arc::new(TokenKeys::open(directory.path(), services::key_schedule(&config), Arc::clone(&clock))?);
    let keep = usize::try_from(config.audit.keep).unwrap_or(usize::MAX);
    let audit = Arc::new(AuditLog::open(AuditOptions { keep, ..AuditOptions::new(config.audit.directory.clone()) })?);
    let catalog = Arc::new(match config.catalog {
        config::Catalog::Sqlite => bulkhead_catalog::open(&directory.path().join("catalog.sqlite")).await?,
    });
    let services = Services::new(&config, &catalog, Arc::clone(&audit) as _, keys, clock);
    let prepared = tokio::select! {
        prepared = prepare(&config, directory.path(), &services) => prepared.map(Some),
        // Nothing is under way that would have to be waited for.
        () = shutdown.clone().asked() => Ok(None),
    };
    let outcome = match prepared {
        Ok(Some(prepared)) => answer(&config, directory.path(), prepared, &services, shutdown).await,
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    audit.close().await;
    let closed = catalog.close().await;
    outcome?;
    Ok(closed?)
}

/// From an open catalog to registries that are ready.
async fn prepare(config: &Config, data: &Path, services: &Services) -> Result<Prepared, AppError> {
    let Services { clock, catalog, accounts, .. } = services;
    let runtime = start_runtime(clock, data.join("compiled"), catalog, accounts)?;
    let (tls, loaded) = load_all(config, &runtime).await?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let wired = wire::wire(config, &loaded, services).await?;
    Ok(Prepared { loaded, wired, tls })
}

/// From the sockets to the end of the last request.
async fn answer(
    config: &Config,
    data: &Path,
    prepared: Prepared,
    services: &Services,
    shutdown: Shutdown,
) -> Result<(), AppError> {
    let Prepared { loaded, wired, tls } = prepared;
    let address = config.listen.value;
    let listener = bulkhead_http::bind(address).map_err(|error| AppError::Bind { address, error })?;
    let address = listener.local_addr().map_err(|error| AppError::Bind { address, error })?;
    let (admin, _socket) = socket::open(data)?.unzip();
    let renewal = Renewal::new(tls.clone(), Arc::clone(&services.clock)).map_err(AppError::Signals)?;
    let manager = Arc::new(services.manager());
    // Only now can somebody log in, so that a start that fails leaves no password that nobody has seen.
    let login = login::first(config, &manager, &services.accounts.rows).await?;
    let encryption = if tls.is_some() { Encryption::Tls } else { Encryption::None };
    let (registries, plugins) = (&wired.served, &loaded.listed);
    let welcome = Welcome { address, encryption, data, registries, plugins, login: login.as_ref() };
    print(&welcome.text()).map_err(AppError::Output)?;
    drop(login);
    let background = [
        tokio::spawn(wired.courier.run()),
        tokio::spawn(wired.janitor.run()),
        tokio::spawn(Arc::clone(&services.keys).run(Arc::clone(&services.audit))),
        tokio::spawn(renewal.run()),
    ];
    let network = match tls {
        Some(tls) => Listener::Tls(listener, tls),
        None => Listener::Plain(listener),
    };
    let listeners = std::iter::once(network).chain(admin.map(Listener::Admin)).collect();
    let limits = HttpLimits { drain: DRAIN, ..HttpLimits::default() };
    let extras = AppExtras {
        manager,
        account_plugins: wire::account_plugins(config),
        keys: Arc::new(Rotation { keys: Arc::clone(&services.keys), audit: Arc::clone(&services.audit) }),
        proxies: config.proxies.iter().cloned().collect(),
    };
    let app = Arc::new(App::new(Arc::new(wired.host), Arc::clone(&services.clock), limits, extras));
    match bulkhead_http::serve(listeners, app, shutdown.asked()).await {
        Drained::Whole => tracing::info!("every request was answered"),
        Drained::CutOff(connections) => tracing::warn!(connections, "cut off, since they took too long to end"),
    }
    // A delivery that is cut off is still in the outbox, and an upload that has expired is found again.
    for task in background {
        task.abort();
        task.await.ok();
    }
    Ok(())
}

/// Reads a configuration and loads its plugins, and leaves no trace.
///
/// # Errors
/// [`AppError`]: what is wrong with it.
pub async fn check(file: Option<&Path>, overrides: &Overrides) -> Result<Checked, AppError> {
    let mut config = config::load(file, overrides, &bundled::names())?;
    let scratch = ScratchDirectory::new()?;
    stand_in(&mut config, scratch.path())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // A plugin may be granted a state of its own, which must be kept somewhere, and the host's accounts, of which there are none here.
    let catalog = Arc::new(bulkhead_catalog::open(&scratch.path().join("catalog.sqlite")).await?);
    let (shared, accounts) = (Arc::clone(&catalog) as Arc<dyn Catalog>, AccountServices::new(&catalog));
    let runtime = start_runtime(&clock, scratch.path().join("compiled"), &shared, &accounts)?;
    let loaded = load_all(&config, &runtime).await;
    catalog.close().await?;
    let (_, loaded) = loaded?;
    let registries = wire::served(&config);
    let mut warnings = config.warnings;
    warnings.extend(loaded.warnings);
    warnings.sort();
    Ok(Checked { registries, plugins: loaded.listed, warnings })
}

/// The certificate and the plugins; or everything that is wrong with either, so that one start tells all of it.
async fn load_all(config: &Config, runtime: &Runtime) -> Result<(Option<Arc<ServerTls>>, Loaded), config::Faults> {
    let tls = config.tls.as_ref().map(renewal::load).transpose();
    match (tls, load::load(config, runtime).await) {
        (Ok(tls), Ok(loaded)) => Ok((tls.map(Arc::new), loaded)),
        (Err(one), Err(other)) => Err(one.and(other)),
        (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults),
    }
}

fn start_runtime(
    clock: &Arc<dyn Clock>,
    cache: PathBuf,
    catalog: &Arc<dyn Catalog>,
    accounts: &AccountServices,
) -> Result<Arc<Runtime>, AppError> {
    let options = RuntimeOptions::new(Arc::clone(clock));
    let (cache, catalog, accounts) = (Some(cache), Some(Arc::clone(catalog)), Some(accounts.directory(clock)));
    Ok(Runtime::new(RuntimeOptions { cache, catalog, accounts, ..options })?)
}

/// Makes the directories that the plugins in use are granted in the data directory, since that is the host's own; any other must be
/// there.
fn make_granted(config: &Config) -> Result<(), AppError> {
    let used = config.plugins.iter().filter(|plugin| config.uses(&plugin.name));
    for grant in used.flat_map(|plugin| &plugin.grants.directories) {
        if Folders::is_in_data(&config.data, &grant.path) {
            data::make_directory(&grant.path)?;
        }
    }
    Ok(())
}

/// Puts empty directories in the place of those that a start would make.
fn stand_in(config: &mut Config, scratch: &Path) -> Result<(), AppError> {
    let directories = config.plugins.iter_mut().flat_map(|plugin| &mut plugin.grants.directories);
    for (number, grant) in directories.enumerate() {
        if Folders::is_in_data(&config.data, &grant.path) && !grant.path.exists() {
            grant.path = scratch.join(format!("directory-{number}"));
            data::make_directory(&grant.path)?;
        }
    }
    Ok(())
}

fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

impl From<config::Faults> for AppError {
    fn from(faults: config::Faults) -> Self {
        Self::Config(ConfigError::Faulty(faults))
    }
}

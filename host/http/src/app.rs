//! What the server is made of, and its limits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::accounts::Manager;
use bulkhead_core::ports::clock::Clock;
use bulkhead_core::ports::ids::RegistryName;
use bulkhead_core::registry::Host;

use crate::proxy::Proxies;

/// The bounds of what a client may take up. Each has a default that suits a registry.
#[derive(Clone, Debug)]
pub struct HttpLimits {
    /// Connections at the same time; further ones wait in the kernel's queue. At least 1.
    pub connections: usize,
    /// How long a TLS handshake may take.
    pub handshake: Duration,
    /// How long a request's head may take, the first as well as the next on a connection that is kept alive.
    pub head: Duration,
    /// How long a client may send nothing in the midst of a body, or take nothing of an answer.
    pub idle: Duration,
    /// The largest request head, in bytes.
    pub head_bytes: usize,
    /// How long requests may go on after the server was told to stop.
    pub drain: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 4096,
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            idle: Duration::from_secs(60),
            head_bytes: 64 * 1024,
            drain: Duration::from_secs(30),
        }
    }
}

/// Makes the host sign its tokens with a new key. The server implements it, since it keeps the keys.
#[async_trait]
pub trait KeyRotation: Send + Sync {
    /// Makes a new key, keeps it, and signs with it from now on.
    ///
    /// # Errors
    /// Why that is not so; for the log alone. The key of before goes on being used.
    async fn rotate(&self) -> Result<RotatedKeys, String>;
}

/// The host's keys after a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotatedKeys {
    /// The new key's id.
    pub kid: String,
    /// How many keys tokens are verified with now, this one among them.
    pub keys: usize,
}

/// Which plugins of each registry's chain check the accounts that the host keeps, by name. Where there is none, accounts can be made, and
/// nobody can log in with them.
#[derive(Clone, Debug, Default)]
pub struct AccountPlugins(BTreeMap<RegistryName, Vec<String>>);

impl AccountPlugins {
    /// Those of this registry.
    pub(crate) fn of(&self, registry: &RegistryName) -> &[String] {
        self.0.get(registry).map_or(&[], Vec::as_slice)
    }
}

impl FromIterator<(RegistryName, Vec<String>)> for AccountPlugins {
    fn from_iter<I: IntoIterator<Item = (RegistryName, Vec<String>)>>(all: I) -> Self {
        Self(all.into_iter().collect())
    }
}

/// What requests need besides the registries.
pub struct AppExtras {
    /// Changes accounts, for `/api/v1/`.
    pub manager: Arc<Manager>,
    /// Who checks accounts, for warnings and explanations.
    pub account_plugins: AccountPlugins,
    /// For `POST /api/v1/keys/rotate`.
    pub keys: Arc<dyn KeyRotation>,
    /// Whose word about where a request comes from is taken.
    pub proxies: Proxies,
}

/// What every request is answered from.
pub struct App {
    pub(crate) host: Arc<Host>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: HttpLimits,
    pub(crate) extras: AppExtras,
    draining: AtomicBool,
}

impl App {
    /// The registries of `host`, by the time of `clock`, within `limits`.
    pub fn new(host: Arc<Host>, clock: Arc<dyn Clock>, limits: HttpLimits, extras: AppExtras) -> Self {
        Self { host, clock, limits, extras, draining: AtomicBool::new(false) }
    }

    /// From now on `/readyz` says no, so that a balancer sends nothing new.
    pub(crate) fn begin_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

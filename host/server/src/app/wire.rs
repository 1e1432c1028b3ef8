//! Puts registries together from a configuration and its loaded plugins.

use std::collections::HashMap;
use std::sync::Arc;

use bulkhead_core::auth::{Chain, Gate, GateOptions, TokenKey};
use bulkhead_core::events::{Courier, Subscription};
use bulkhead_core::ports::admission::Admission;
use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Clock;
use bulkhead_core::ports::event::WebhookPlugin;
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_core::registry::{Host, Janitor, Registry, RegistryParts};
use bulkhead_storage::{GuardedDriver, Store};
use tokio::sync::Notify;

use super::AppError;
use super::load::Loaded;
use crate::config::{self, Config, DEFAULT_REGISTRY, Fault, Faults, Located};

/// A registry, for the start message.
#[derive(Clone, Debug)]
pub struct ServedRegistry {
    /// Its name.
    pub name: String,
    /// The hosts that are its own.
    pub hosts: Vec<String>,
    /// Whether it answers all others too.
    pub answers_every_host: bool,
    /// Its storage plugin.
    pub storage: String,
    /// Its chain.
    pub auth: Vec<String>,
    /// The plugins that look at its changes.
    pub admission: Vec<String>,
}

/// Everything that runs.
pub struct Wired {
    /// The registries.
    pub host: Host,
    /// Delivers to their webhooks.
    pub courier: Courier,
    /// Drops the uploads that nobody goes on with.
    pub janitor: Janitor,
    /// The registries, for the start message.
    pub served: Vec<ServedRegistry>,
}

/// What all registries share.
struct Shared<'a> {
    loaded: &'a Loaded,
    key: &'a TokenKey,
    catalog: &'a Arc<dyn Catalog>,
    clock: &'a Arc<dyn Clock>,
    outbox: Arc<Notify>,
}

/// Puts all of them together.
///
/// # Errors
/// [`AppError`].
pub async fn wire(
    config: &Config,
    loaded: &Loaded,
    key: &TokenKey,
    catalog: &Arc<dyn Catalog>,
    clock: &Arc<dyn Clock>,
) -> Result<Wired, AppError> {
    let shared = Shared { loaded, key, catalog, clock, outbox: Arc::default() };
    let mut host = Host::default();
    let mut webhooks = HashMap::new();
    for registry in &config.registries {
        let id = catalog.registry(&registry.name, clock.now()).await?;
        let hosts: Vec<String> = registry.hosts.iter().map(|host| host.value.clone()).collect();
        host.add(Arc::new(shared.registry(registry, id)?), &hosts)?;
        webhooks.extend(shared.webhooks(registry, id));
    }
    let courier = Courier::new(Arc::clone(catalog), Arc::clone(clock), Arc::clone(&shared.outbox), webhooks);
    let janitor = Janitor::new(host.registries().cloned().collect(), Arc::clone(clock));
    Ok(Wired { host, courier, janitor, served: served(config) })
}

impl Shared<'_> {
    fn registry(&self, registry: &config::Registry, id: RegistryId) -> Result<Registry, AppError> {
        let storage = self.loaded.plugins.get(&registry.storage.value).and_then(|plugin| plugin.storage(&registry.name));
        let Some(driver) = storage else {
            let message = format!("registry {}: {} is no storage plugin", registry.name, registry.storage.value);
            return Err(Faults::one(Fault::new(&registry.storage.location, message)).into());
        };
        let options = registry.token_lifetime.map_or_else(GateOptions::default, |token_life| GateOptions { token_life });
        Ok(Registry::new(RegistryParts {
            name: registry.name.clone(),
            id,
            gate: Gate::new(self.chain(registry), self.key.clone(), Arc::clone(self.clock), options),
            catalog: Arc::clone(self.catalog),
            store: Arc::new(Store::new(GuardedDriver::new(driver))),
            clock: Arc::clone(self.clock),
            subscriptions: registry.webhooks.iter().map(subscription).collect(),
            outbox: Arc::clone(&self.outbox),
            admission: self.admission(registry),
            rules: registry.rules.clone(),
        }))
    }

    /// A plugin of both kinds is asked twice: who, and whether.
    fn chain(&self, registry: &config::Registry) -> Chain {
        let plugins = || registry.auth.iter().filter_map(|name| self.loaded.plugins.get(&name.value));
        Chain {
            authenticators: plugins().filter_map(|plugin| plugin.authenticator()).collect(),
            authorizers: plugins().filter_map(|plugin| plugin.authorizer()).collect(),
        }
    }

    fn admission(&self, registry: &config::Registry) -> Vec<Arc<dyn Admission>> {
        let plugins = registry.admission.iter().filter_map(|name| self.loaded.plugins.get(&name.value));
        plugins.filter_map(|plugin| plugin.admission()).collect()
    }

    fn webhooks(&self, registry: &config::Registry, id: RegistryId) -> Vec<((RegistryId, String), Arc<dyn WebhookPlugin>)> {
        let ready = |webhook: &config::Webhook| {
            let plugin = self.loaded.webhooks.get(&(registry.name.to_string(), webhook.name.clone()))?;
            Some(((id, webhook.name.clone()), plugin.webhook(&registry.name)?))
        };
        registry.webhooks.iter().filter_map(ready).collect()
    }
}

fn subscription(webhook: &config::Webhook) -> Subscription {
    Subscription { webhook: webhook.name.clone(), actions: webhook.actions.clone(), scope: webhook.scope.clone() }
}

/// What the start message and `config check` show of the registries.
pub fn served(config: &Config) -> Vec<ServedRegistry> {
    let values = |all: &[Located<String>]| all.iter().map(|one| one.value.clone()).collect();
    let registry = |registry: &config::Registry| ServedRegistry {
        name: registry.name.to_string(),
        hosts: values(&registry.hosts),
        answers_every_host: registry.name.as_str() == DEFAULT_REGISTRY,
        storage: registry.storage.value.clone(),
        auth: values(&registry.auth),
        admission: values(&registry.admission),
    };
    config.registries.iter().map(registry).collect()
}

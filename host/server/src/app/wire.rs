//! Puts registries together from a configuration and its loaded plugins.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bulkhead_core::auth::{Chain, Gate, GateParts};
use bulkhead_core::events::{Courier, Subscription};
use bulkhead_core::ports::admission::Admission;
use bulkhead_core::ports::driver::{Layer, LayerName};
use bulkhead_core::ports::event::WebhookPlugin;
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_core::registry::{Host, Janitor, Registry, RegistryParts};
use bulkhead_http::AccountPlugins;
use bulkhead_storage::{Below, Stack, Store};
use tokio::sync::Notify;

use super::AppError;
use super::load::Loaded;
use super::services::{Services, gate_options};
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

/// What registries are made from.
struct Shared<'a> {
    plugins: &'a [config::Plugin],
    loaded: &'a Loaded,
    services: &'a Services,
    outbox: Arc<Notify>,
}

/// Puts all of them together.
///
/// # Errors
/// [`AppError`].
pub async fn wire(config: &Config, loaded: &Loaded, services: &Services) -> Result<Wired, AppError> {
    let Services { catalog, clock, accounts, .. } = services;
    let shared = Shared { plugins: &config.plugins, loaded, services, outbox: Arc::default() };
    let mut host = Host::default();
    let mut webhooks = HashMap::new();
    for registry in &config.registries {
        let id = catalog.registry(&registry.name, clock.now()).await?;
        accounts.rows.insert(registry.name.clone(), id);
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
        let storage = self.storage(registry, &registry.storage)?;
        let Services { clock, catalog, audit, keys, throttle, .. } = self.services;
        let gate = Gate::new(GateParts {
            chain: self.chain(registry),
            keys: Arc::clone(keys.ring()),
            clock: Arc::clone(clock),
            audit: Arc::clone(audit),
            throttle: Arc::clone(throttle),
            options: gate_options(registry),
        });
        Ok(Registry::new(RegistryParts {
            name: registry.name.clone(),
            id,
            gate,
            catalog: Arc::clone(catalog),
            store: Arc::new(Store::new(storage)),
            clock: Arc::clone(clock),
            subscriptions: registry.webhooks.iter().map(subscription).collect(),
            outbox: Arc::clone(&self.outbox),
            admission: self.admission(registry),
            rules: registry.rules.clone(),
            audit: Arc::clone(audit),
        }))
    }

    /// A storage over what it lies over. The configuration was checked to lead to an end.
    fn storage(&self, registry: &config::Registry, name: &Located<String>) -> Result<Arc<Stack>, AppError> {
        let over = self.plugins.iter().find(|plugin| plugin.name == name.value).map(|plugin| plugin.over.as_slice());
        let mut below = BTreeMap::new();
        for layer in over.unwrap_or_default() {
            below.insert(LayerName::from(layer.name.as_str()), self.storage(registry, &layer.plugin)?);
        }
        let layers: BTreeMap<LayerName, Arc<dyn Layer>> =
            below.iter().map(|(name, stack)| (Arc::clone(name), Arc::new(Below(Arc::clone(stack))) as _)).collect();
        let plugin = self.loaded.plugins.get(&name.value).and_then(|plugin| plugin.storage(&registry.name, Arc::new(layers)));
        let Some(driver) = plugin else {
            let message = format!("registry {}: {} is no storage plugin", registry.name, name.value);
            return Err(Faults::one(Fault::new(&name.location, message)).into());
        };
        Ok(Stack::new(driver, below))
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

/// Which plugins of each chain check the accounts that the host keeps.
pub fn account_plugins(config: &Config) -> AccountPlugins {
    let of = |registry: &config::Registry| {
        let names = config.account_plugins(registry).map(str::to_owned).collect();
        (registry.name.clone(), names)
    };
    config.registries.iter().map(of).collect()
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

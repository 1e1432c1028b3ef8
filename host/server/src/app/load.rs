//! Loads the plugins that a configuration names, and puts every complaint at the line that it is about.
//!
//! A plugin that stores, decides or admits is loaded once, with its own settings. A webhook is a plugin of its own: the same component with the
//! webhook's settings over the plugin's. A plugin that nobody uses is compiled and not run.

use std::collections::BTreeMap;
use std::sync::Arc;

use bulkhead_plugin::{
    ComponentSource, DirectoryAccess, DirectoryGrant, Grants, HttpGrant, Inspection, Limits, LoadError, Plugin, PluginSpec,
    Runtime, SecretSource,
};
use bytes::Bytes;

use super::ungranted;
use crate::bundled;
use crate::config::{self, Access, Component, Config, Fault, Faults, Located, Location, Settings, State};

/// A plugin, for the start message and for `config check`.
#[derive(Clone, Debug)]
pub struct LoadedPlugin {
    /// Its name.
    pub name: String,
    /// As the configuration names it, or the path that it leads to.
    pub component: String,
    /// SHA-256 of the component, `sha256:...`.
    pub digest: String,
    /// What it can be used for.
    pub kinds: Vec<&'static str>,
}

/// All plugins of a configuration, ready to be called.
#[derive(Default)]
pub struct Loaded {
    /// In the order of the configuration.
    pub listed: Vec<LoadedPlugin>,
    /// Those that store, decide or admit, by name.
    pub plugins: BTreeMap<String, Arc<Plugin>>,
    /// Those that webhooks call, by registry and webhook.
    pub webhooks: BTreeMap<(String, String), Arc<Plugin>>,
    /// What is legal, and probably not meant.
    pub warnings: Vec<Fault>,
}

/// Loads all of them.
///
/// # Errors
/// Every plugin that cannot be loaded or is used for what it is not, each with its line.
pub async fn load(config: &Config, runtime: &Runtime) -> Result<Loaded, Faults> {
    let mut loader = Loader { runtime, loaded: Loaded::default(), faults: Vec::new() };
    for plugin in &config.plugins {
        if let Some(inspection) = loader.load_uses(config, plugin).await {
            if config.uses(&plugin.name) {
                loader.loaded.warnings.extend(ungranted::warnings(plugin, &inspection));
            }
            loader.loaded.listed.push(LoadedPlugin {
                name: plugin.name.clone(),
                component: component_name(&plugin.component.value),
                digest: inspection.digest.to_string(),
                kinds: inspection.kinds.iter().map(|kind| kind.as_str()).collect(),
            });
        }
    }
    let Loader { loaded, mut faults, .. } = loader;
    check_kinds(config, &loaded, &mut faults);
    Faults::check(faults)?;
    Ok(loaded)
}

struct Loader<'a> {
    runtime: &'a Runtime,
    loaded: Loaded,
    faults: Vec<Fault>,
}

impl Loader<'_> {
    /// Loads a plugin for each of its uses. None: it cannot be loaded.
    async fn load_uses(&mut self, config: &Config, plugin: &config::Plugin) -> Option<Inspection> {
        if !config.uses(&plugin.name) {
            return self.inspect(plugin).await;
        }
        let mut inspection = None;
        let names = |name: &Located<String>| name.value == plugin.name;
        let is_named = config.registries.iter().flat_map(config::Registry::own_settings).any(|(_, name)| names(name));
        if is_named || config.is_below(&plugin.name) {
            let ready = self.load(plugin, &plugin.settings).await?;
            inspection = Some(ready.inspection().clone());
            self.loaded.plugins.insert(plugin.name.clone(), ready);
        }
        for registry in &config.registries {
            for webhook in registry.webhooks.iter().filter(|webhook| names(&webhook.plugin)) {
                if let Some(ready) = self.load(plugin, &plugin.settings.overlaid(&webhook.settings)).await {
                    inspection = Some(ready.inspection().clone());
                    self.loaded.webhooks.insert((registry.name.to_string(), webhook.name.clone()), ready);
                }
            }
        }
        inspection
    }

    async fn load(&mut self, plugin: &config::Plugin, settings: &Settings) -> Option<Arc<Plugin>> {
        match self.runtime.load(spec(plugin, settings)).await {
            Ok(ready) => Some(ready),
            Err(error) => self.fault(plugin, settings, &error),
        }
    }

    async fn inspect(&mut self, plugin: &config::Plugin) -> Option<Inspection> {
        match self.runtime.inspect(source(&plugin.component.value)).await {
            Ok(inspection) => Some(inspection),
            Err(error) => self.fault(plugin, &plugin.settings, &error),
        }
    }

    fn fault<T>(&mut self, plugin: &config::Plugin, settings: &Settings, error: &LoadError) -> Option<T> {
        let location = blame(plugin, settings, error);
        self.faults.push(Fault::new(location, format!("plugin {}: {error}", plugin.name)));
        None
    }
}

/// The line that an error is about.
fn blame<'a>(plugin: &'a config::Plugin, settings: &'a Settings, error: &LoadError) -> &'a Location {
    match error {
        LoadError::Unreadable { .. }
        | LoadError::NotAComponent(_)
        | LoadError::UnknownImport { .. }
        | LoadError::MissingExport { .. }
        | LoadError::NoKind { .. } => &plugin.component.location,
        LoadError::Settings(complaint) => settings.blame(complaint),
        LoadError::Grant { what, .. } => grant_line(plugin, what),
        LoadError::Limit { what, .. } => limit_line(plugin, what),
        LoadError::TimedOut(_) | LoadError::Trapped(_) | LoadError::Host(_) => &plugin.location,
    }
}

/// `what` is such as `directories."/blobs"`.
fn grant_line<'a>(plugin: &'a config::Plugin, what: &str) -> &'a Location {
    let grants = &plugin.grants;
    let directories = grants.directories.iter().map(|grant| (format!("directories.{:?}", grant.guest), &grant.location));
    let files = grants.files.iter().map(|grant| (format!("files.{:?}", grant.guest), &grant.location));
    let secrets = grants.secrets.iter().map(|grant| (format!("secrets.{:?}", grant.name), &grant.location));
    let mut all = directories.chain(files).chain(secrets);
    all.find(|(name, _)| name == what).map_or(&plugin.location, |(_, location)| location)
}

fn limit_line<'a>(plugin: &'a config::Plugin, what: &str) -> &'a Location {
    let limits = &plugin.limits;
    let line = match what {
        "memory" => limits.memory.as_ref().map(|limit| &limit.location),
        "time" => limits.time.as_ref().map(|limit| &limit.location),
        "instances" => limits.instances.as_ref().map(|limit| &limit.location),
        _ => None,
    };
    line.unwrap_or(&plugin.location)
}

fn spec(plugin: &config::Plugin, settings: &Settings) -> PluginSpec {
    let standard = Limits::default();
    let limits = &plugin.limits;
    PluginSpec {
        name: plugin.name.as_str().into(),
        component: source(&plugin.component.value),
        settings: serde_json::Value::Object(settings.value.clone()),
        grants: Grants { over: plugin.over.iter().map(|layer| layer.name.as_str().into()).collect(), ..grants(&plugin.grants) },
        limits: Limits {
            memory: limits.memory_bytes(),
            time: limits.time.as_ref().map(|time| time.value),
            instances: limits.instances.as_ref().map_or(standard.instances, |instances| instances.value),
            ..standard
        },
    }
}

fn source(component: &Component) -> ComponentSource {
    match component {
        Component::Builtin(name) => ComponentSource::Bytes(Bytes::from_static(bundled::component(name).unwrap_or_default())),
        Component::File(path) => ComponentSource::File(path.clone()),
    }
}

fn component_name(component: &Component) -> String {
    match component {
        Component::Builtin(name) => format!("builtin:{name}"),
        Component::File(path) => path.display().to_string(),
    }
}

fn grants(grants: &config::Grants) -> Grants {
    let directory = |grant: &config::DirectoryGrant| {
        let access = match grant.access {
            Access::Read => DirectoryAccess::ReadOnly,
            Access::ReadWrite => DirectoryAccess::ReadWrite,
        };
        (grant.guest.clone(), DirectoryGrant { path: grant.path.clone(), access })
    };
    let secret = |grant: &config::SecretGrant| {
        let source = match &grant.source {
            config::SecretSource::File(path) => SecretSource::File(path.clone()),
            config::SecretSource::Environment(variable) => SecretSource::Environment(variable.clone()),
        };
        (grant.name.clone(), source)
    };
    Grants {
        directories: grants.directories.iter().map(directory).collect(),
        files: grants.files.iter().map(|grant| (grant.guest.clone(), grant.path.clone())).collect(),
        http: HttpGrant { origins: grants.http.clone(), ..HttpGrant::default() },
        secrets: grants.secrets.iter().map(secret).collect(),
        kv: grants.kv == State::Granted,
        accounts: grants.accounts == State::Granted,
        over: Vec::new(),
    }
}

/// A plugin may be named only for what it is.
fn check_kinds(config: &Config, loaded: &Loaded, faults: &mut Vec<Fault>) {
    for plugin in config.plugins.iter().filter(|plugin| !plugin.over.is_empty()) {
        let name = Located::new(plugin.location.clone(), plugin.name.clone());
        check_kind(&name, &loaded.plugins, faults, &["storage"], format!("plugin {}: `over`", plugin.name));
        for layer in &plugin.over {
            check_kind(&layer.plugin, &loaded.plugins, faults, &["storage"], format!("plugin {}: `over`", plugin.name));
        }
    }
    for registry in &config.registries {
        let name = &registry.name;
        check_kind(&registry.storage, &loaded.plugins, faults, &["storage"], format!("registry {name}: `storage`"));
        for used in &registry.auth {
            check_kind(used, &loaded.plugins, faults, &["authenticator", "authorizer"], format!("registry {name}: `auth`"));
        }
        let authorizes =
            |used: &Located<String>| loaded.plugins.get(&used.value).is_none_or(|plugin| kinds(plugin).contains(&"authorizer"));
        if let Some(first) = registry.auth.first()
            && !registry.auth.iter().any(authorizes)
        {
            let message = format!(
                "registry {name}: `auth` has no authorizer, so nobody could do anything: add one, such as builtin:policy-rules"
            );
            faults.push(Fault::new(&first.location, message));
        }
        for used in &registry.admission {
            check_kind(used, &loaded.plugins, faults, &["admission"], format!("registry {name}: `admission`"));
        }
        for webhook in &registry.webhooks {
            if let Some(plugin) = loaded.webhooks.get(&(name.to_string(), webhook.name.clone())) {
                let plugins = BTreeMap::from([(webhook.plugin.value.clone(), Arc::clone(plugin))]);
                let place = format!("registry {name}: `plugin` of the webhook {}", webhook.name);
                check_kind(&webhook.plugin, &plugins, faults, &["webhook"], place);
            }
        }
    }
}

fn check_kind(
    used: &Located<String>,
    plugins: &BTreeMap<String, Arc<Plugin>>,
    faults: &mut Vec<Fault>,
    wanted: &[&str],
    place: String,
) {
    // One that is missing could not be loaded, which is a fault already.
    let Some(plugin) = plugins.get(&used.value) else { return };
    let found = kinds(plugin);
    if !wanted.iter().any(|kind| found.contains(kind)) {
        let message = format!(
            "{place} names the plugin {}, which is of the kind {}, not {}",
            used.value,
            found.join(", "),
            wanted.join(" or ")
        );
        faults.push(Fault::new(&used.location, message));
    }
}

fn kinds(plugin: &Plugin) -> Vec<&'static str> {
    plugin.kinds().iter().map(|kind| kind.as_str()).collect()
}

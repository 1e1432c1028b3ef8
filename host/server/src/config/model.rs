//! A configuration that has been read and checked: typed values, each with the line that later faults name.
//!
//! Paths are resolved, names refer to something that exists, units are numbers. What only a loaded component can tell (which kinds a
//! plugin is, whether it likes its settings) is checked by `app`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bulkhead_core::auth::ThrottleOptions;
use bulkhead_core::ports::event::{EventAction, Scope};
use bulkhead_core::ports::ids::RegistryName;
use bulkhead_core::registry::Rules;
use bulkhead_http::Proxy;
use bulkhead_plugin::Origin;
use serde_json::{Map, Value};

use super::location::{Fault, Located, Location};

/// All of it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients connect. Port 0: any free one.
    pub listen: Located<SocketAddr>,
    /// The data directory.
    pub data: PathBuf,
    /// The certificate; none: connections are not encrypted.
    pub tls: Option<Tls>,
    /// Who may say on whose behalf they ask.
    pub proxies: Vec<Proxy>,
    /// How old the key that signs tokens may become.
    pub key_rotation: Duration,
    /// How many logins may fail, and when that is answered.
    pub failed_logins: ThrottleOptions,
    /// The audit log.
    pub audit: AuditSettings,
    /// Where the catalog is.
    pub catalog: Catalog,
    /// In the order of the file; names are unique.
    pub plugins: Vec<Plugin>,
    /// In the order of the file; names, and hosts over all of them, are unique. At least one.
    pub registries: Vec<Registry>,
    /// What is legal, and probably not meant, in the order of the file.
    pub warnings: Vec<Fault>,
}

/// `[server.tls]`: PEM files, not opened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// Where its table begins.
    pub location: Location,
    /// The server's certificate, and those above it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Who vouches for the certificates of clients; none: clients are not asked for one.
    pub client_authorities: Option<PathBuf>,
}

/// `[server.audit]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditSettings {
    /// Where its files lie.
    pub directory: PathBuf,
    /// How many of them are kept.
    pub keep: u32,
}

/// Where the catalog is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catalog {
    /// A SQLite database in the data directory.
    Sqlite,
}

/// `[plugins.NAME]`.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// Where its table begins.
    pub location: Location,
    /// What it runs.
    pub component: Located<Component>,
    /// What it is handed.
    pub settings: Settings,
    /// What it may reach.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
    /// The storages that it lies over: the names that it gives them, and the plugins.
    pub over: Vec<Layer>,
}

/// A storage below another one.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What the plugin above calls it.
    pub name: String,
    /// Which plugin it is.
    pub plugin: Located<String>,
}

/// A `config` table, as JSON.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it begins, or where what it belongs to begins if there is none.
    pub location: Location,
    /// What it says.
    pub value: Map<String, Value>,
    /// The line of each value, by its path such as `rules[0].who`.
    pub lines: BTreeMap<String, Location>,
}

impl Settings {
    /// There are none, in what begins at this line.
    pub fn none(location: &Location) -> Self {
        Self { location: location.clone(), value: Map::new(), lines: BTreeMap::new() }
    }

    /// These settings with those of `other` put over them, key by key.
    #[must_use]
    pub fn overlaid(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (key, value) in &other.value {
            both.value.insert(key.clone(), value.clone());
            let of_key =
                |path: &String| path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            both.lines.retain(|path, _| !of_key(path));
        }
        both.lines.extend(other.lines.clone());
        both.location = other.location.clone();
        both
    }

    /// The line that a plugin's complaint is about, where it begins with the path of a value and a colon (`rules[0].who: ...`), or else
    /// the line of the table.
    pub fn blame(&self, complaint: &str) -> &Location {
        let mut path = complaint.split_once(':').map_or("", |(path, _)| path);
        while !path.is_empty() {
            if let Some(location) = self.lines.get(path) {
                return location;
            }
            path = path.rfind(['.', '[']).map_or("", |end| &path[..end]);
        }
        &self.location
    }
}

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// One of those that are embedded in this binary; it exists.
    Builtin(String),
    /// A file, not opened yet.
    File(PathBuf),
}

/// What a plugin may reach; by default nothing.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// The keys that the file has, be there anything in them or not.
    pub named: Vec<&'static str>,
    /// Directories, by the absolute path that the guest names them with.
    pub directories: Vec<DirectoryGrant>,
    /// Single files, read only.
    pub files: Vec<FileGrant>,
    /// Origins that it may send requests to.
    pub http: Vec<Origin>,
    /// Secrets by name.
    pub secrets: Vec<SecretGrant>,
    /// Its own small state.
    pub kv: State,
    /// Checking the accounts that the host keeps.
    pub accounts: State,
}

/// A directory for a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGrant {
    /// Where it is written.
    pub location: Location,
    /// What the guest calls it, such as `/blobs`.
    pub guest: String,
    /// Where it lies.
    pub path: PathBuf,
    /// What the guest may do in it.
    pub access: Access,
}

/// What a guest may do in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Read,
    /// Read, write and remove.
    ReadWrite,
}

/// A file for a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileGrant {
    /// Where it is written.
    pub location: Location,
    /// What the guest calls it, such as `/users`.
    pub guest: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// A secret for a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretGrant {
    /// Where it is written.
    pub location: Location,
    /// What the guest calls it.
    pub name: String,
    /// Where it is kept.
    pub source: SecretSource,
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A file.
    File(PathBuf),
    /// A variable of the host's environment.
    Environment(String),
}

/// Whether a guest may use what is only granted whole: small state in the catalog, the host's accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It may not.
    #[default]
    Refused,
    /// It may.
    Granted,
}

/// What a plugin may use; none: the runtime's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory, an instance.
    pub memory: Option<Located<u64>>,
    /// Time of one call.
    pub time: Option<Located<Duration>>,
    /// Calls at the same time.
    pub instances: Option<Located<u32>>,
}

impl Limits {
    /// Bytes of memory, an instance: what is said here, or the runtime's default.
    pub fn memory_bytes(&self) -> usize {
        let standard = bulkhead_plugin::Limits::default().memory;
        // The configuration takes no more than 256 MiB.
        self.memory.as_ref().map_or(standard, |memory| usize::try_from(memory.value).unwrap_or(usize::MAX))
    }
}

/// `[registries.NAME]`.
#[derive(Clone, Debug)]
pub struct Registry {
    /// Its name.
    pub name: RegistryName,
    /// The `Host` values that it answers, lower case. `default` answers all that no registry names.
    pub hosts: Vec<Located<String>>,
    /// The plugin that knows where its bytes are.
    pub storage: Located<String>,
    /// The chain, in order.
    pub auth: Vec<Located<String>>,
    /// The plugins that look at a change before it is made, in order.
    pub admission: Vec<Located<String>>,
    /// What it takes, keeps and lets go.
    pub rules: Rules,
    /// How long a token holds; none: the core's default.
    pub token_lifetime: Option<Duration>,
    /// How long a refresh token holds; none: the core's default.
    pub refresh_lifetime: Option<Duration>,
    /// Who hears of changes; names are unique.
    pub webhooks: Vec<Webhook>,
}

/// `[[registries.NAME.webhooks]]`.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// Where its table begins.
    pub location: Location,
    /// The plugin that makes its requests.
    pub plugin: Located<String>,
    /// What it hears of; at least one.
    pub actions: BTreeSet<EventAction>,
    /// Where.
    pub scope: Scope,
    /// What the plugin is handed besides its own settings; a key of the webhook wins.
    pub settings: Settings,
}

/// The name of the registry that answers every host which none names.
pub const DEFAULT_REGISTRY: &str = "default";

impl Config {
    /// Whether a registry names this plugin.
    pub fn uses(&self, plugin: &str) -> bool {
        self.registries.iter().any(|registry| registry.plugins().any(|(_, name)| name.value == plugin)) || self.is_below(plugin)
    }

    /// Whether another plugin lies over this one.
    pub fn is_below(&self, plugin: &str) -> bool {
        self.plugins.iter().any(|upper| upper.over.iter().any(|layer| layer.plugin.value == plugin))
    }

    /// The plugins of a registry's chain that may check the host's accounts.
    pub fn account_plugins<'a>(&'a self, registry: &'a Registry) -> impl Iterator<Item = &'a str> {
        let granted =
            |name: &str| self.plugins.iter().any(|plugin| plugin.name == name && plugin.grants.accounts == State::Granted);
        registry.auth.iter().map(|name| name.value.as_str()).filter(move |name| granted(name))
    }
}

impl Registry {
    /// Every place that names a plugin: its key, and the name.
    pub fn plugins(&self) -> impl Iterator<Item = (&'static str, &Located<String>)> {
        self.own_settings().chain(self.webhooks.iter().map(|webhook| ("plugin", &webhook.plugin)))
    }

    /// Of these, the places whose plugin runs with its own settings: all but the webhooks.
    pub fn own_settings(&self) -> impl Iterator<Item = (&'static str, &Located<String>)> {
        std::iter::once(("storage", &self.storage))
            .chain(self.auth.iter().map(|name| ("auth", name)))
            .chain(self.admission.iter().map(|name| ("admission", name)))
    }
}

#[cfg(test)]
impl Config {
    /// The plugin of this name.
    pub fn plugin(&self, name: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }
}

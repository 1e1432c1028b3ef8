//! What the composition root says about a plugin: which component, which settings, what it is granted and how far it may go.
//!
//! By default nothing is granted. The server makes these values from its configuration; nothing here reads or opens anything.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::driver::LayerName;
use bytes::Bytes;

use crate::net::Origin;

/// A plugin to load.
#[derive(Clone, Debug)]
pub struct PluginSpec {
    /// As the configuration names it: in logs, labels and errors.
    pub name: Arc<str>,
    /// Its component.
    pub component: ComponentSource,
    /// Its `config` table: an object, or null for none.
    pub settings: serde_json::Value,
    /// What it may reach.
    pub grants: Grants,
    /// How far it may go.
    pub limits: Limits,
}

/// Where a component comes from.
#[derive(Clone, Debug)]
pub enum ComponentSource {
    /// Held in memory, such as a bundled one.
    Bytes(Bytes),
    /// A file, read once.
    File(PathBuf),
}

/// What a plugin may reach besides `log`, `clock` and `random`.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    /// Directories, by the absolute path under which the plugin knows them.
    pub directories: BTreeMap<String, DirectoryGrant>,
    /// Single files for reading, by the absolute path under which the plugin knows them. Opened afresh at each read.
    pub files: BTreeMap<String, PathBuf>,
    /// Origins that it may send requests to.
    pub http: HttpGrant,
    /// Secrets by name.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Whether it may keep small state of its own in the catalog.
    pub kv: bool,
    /// Whether it may check secrets against the accounts that the host keeps for the registry that is served, and look accounts up.
    pub accounts: bool,
    /// What it calls the storages that it lies over.
    pub over: Vec<LayerName>,
}

/// A directory of the host that a plugin may name paths in.
#[derive(Clone, Debug)]
pub struct DirectoryGrant {
    /// Where it is. It must be there when the plugin is loaded.
    pub path: PathBuf,
    /// What may be done in it.
    pub access: DirectoryAccess,
}

/// What may be done in a granted directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryAccess {
    /// Reading and listing.
    ReadOnly,
    /// Writing, publishing and removing too.
    ReadWrite,
}

/// Requests that a plugin may send.
#[derive(Clone, Debug)]
pub struct HttpGrant {
    /// To these origins alone.
    pub origins: Vec<Origin>,
    /// The longest body of an answer that is handed to the plugin, in bytes. 1 MiB unless said otherwise.
    pub body: usize,
}

impl Default for HttpGrant {
    fn default() -> Self {
        Self { origins: Vec::new(), body: 1024 * 1024 }
    }
}

/// Where a secret is kept. It is read at each use, so that it can be changed while the host runs.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// A regular file, at most 64 KiB, handed out byte for byte.
    File(PathBuf),
    /// A variable of the host's environment.
    Environment(String),
}

/// How far a plugin may go.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Memory of one instance, in bytes: 64 KiB to 256 MiB, 64 MiB unless said otherwise.
    pub memory: usize,
    /// How long a call may take, all that it waits for included. At most an hour. None: 1 second; 10 where the plugin is of kind storage; 15
    /// where it is granted the accounts, since a secret may wait 10 for its turn to be hashed.
    pub time: Option<Duration>,
    /// How many calls may be under way at once, in all registries together: 32 unless said otherwise. More of them wait, within their time.
    pub instances: u32,
    /// How long the host waits, outside any call, for the answer to a request that it sends for the plugin (a webhook's delivery, an
    /// object that lies behind HTTP), and for the next bytes of a body. At most an hour; 30 seconds unless said otherwise.
    pub exchange: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 64 * 1024 * 1024, time: None, instances: 32, exchange: Duration::from_secs(30) }
    }
}

//! The runtime that a contract runs in: the process's only one, and plugins loaded into it.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::ports::clock::{Clock, Timestamp};
use bulkhead_core::ports::driver::{Layer, LayerName};
use bulkhead_plugin::{
    ComponentSource, DirectoryAccess, DirectoryGrant, Grants, HttpGrant, Limits, Plugin, PluginSpec, Runtime, RuntimeOptions,
    SecretSource,
};
use bulkhead_storage::{Below, Stack};
use bulkhead_tests::places;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::accounts::Few;

struct Wall;

#[async_trait]
impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let since = std::time::UNIX_EPOCH.elapsed().expect("the clock is past 1970");
        Timestamp(u64::try_from(since.as_millis()).expect("milliseconds since 1970 fit"))
    }
    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// Of this process, started when it is first asked for.
pub async fn runtime() -> &'static Arc<Runtime> {
    static RUNTIME: OnceCell<Arc<Runtime>> = OnceCell::const_new();
    let start = async || {
        let mut options = RuntimeOptions::new(Arc::new(Wall));
        options.accounts = Some(Arc::new(Few));
        Runtime::new(options).expect("a runtime")
    };
    RUNTIME.get_or_init(start).await
}

/// A storage plugin, and what it lies over.
#[derive(Clone, Default)]
pub struct Storage {
    /// Its component.
    pub component: &'static str,
    /// Its settings.
    pub settings: Value,
    /// The granted directory, below the test's folder; none: no directory.
    pub directory: Option<&'static str>,
    /// The granted origin, if one.
    pub origin: Option<String>,
    /// The granted secrets, and what they are.
    pub secrets: Vec<(&'static str, String)>,
    /// How many instances there may be, and how much memory; none: as usual.
    pub limits: Option<(u32, usize)>,
    /// What it lies over, and what it calls that.
    pub over: Vec<(&'static str, Storage)>,
}

impl Storage {
    /// Of this component, with these settings.
    pub fn new(component: &'static str, settings: Value) -> Self {
        Self { component, settings, ..Self::default() }
    }

    /// The bundled one, in a folder of its own.
    pub fn disk(directory: &'static str) -> Self {
        Self { directory: Some(directory), ..Self::new("storage-fs", serde_json::json!({})) }
    }

    fn grants(&self, folder: &Path) -> Grants {
        let directory = |name: &&str| {
            let path = folder.join(name);
            std::fs::create_dir_all(&path).expect("the test's folder can be written");
            ("/blobs".to_owned(), DirectoryGrant { path, access: DirectoryAccess::ReadWrite })
        };
        let secret = |(name, value): &(&'static str, String)| {
            let path = folder.join(format!("{}-{name}", self.component));
            std::fs::write(&path, value).expect("the test's folder can be written");
            ((*name).to_owned(), SecretSource::File(path))
        };
        Grants {
            directories: self.directory.iter().map(directory).collect(),
            http: HttpGrant {
                origins: self.origin.iter().map(|origin| origin.parse().expect("an origin")).collect(),
                ..HttpGrant::default()
            },
            secrets: self.secrets.iter().map(secret).collect(),
            over: self.over.iter().map(|(name, _)| LayerName::from(*name)).collect(),
            ..Grants::default()
        }
    }

    /// Loads it for a registry, with all that it lies over.
    pub fn load<'a>(&'a self, folder: &'a Path) -> Pin<Box<dyn Future<Output = Arc<Stack>> + 'a>> {
        Box::pin(async move {
            let mut below = BTreeMap::new();
            for (name, storage) in &self.over {
                below.insert(LayerName::from(*name), storage.load(folder).await);
            }
            let layers: BTreeMap<LayerName, Arc<dyn Layer>> =
                below.iter().map(|(name, stack)| (Arc::clone(name), Arc::new(Below(Arc::clone(stack))) as _)).collect();
            let usual = Limits::default();
            let (instances, memory) = self.limits.unwrap_or((usual.instances, usual.memory));
            let limits = Limits { instances, memory, ..usual };
            let plugin = load(self.component, self.settings.clone(), self.grants(folder), limits).await;
            let registry = "default".parse().expect("a name");
            Stack::new(plugin.storage(&registry, Arc::new(layers)).expect("a storage plugin"), below)
        })
    }
}

/// Any plugin, under its component's name.
pub async fn plugin(component: &str, settings: Value, grants: Grants) -> Arc<Plugin> {
    load(component, settings, grants, Limits::default()).await
}

async fn load(component: &str, settings: Value, grants: Grants, limits: Limits) -> Arc<Plugin> {
    let spec = PluginSpec {
        name: component.into(),
        component: ComponentSource::File(places::component(component)),
        settings,
        grants,
        limits,
    };
    runtime().await.load(spec).await.expect("the plugin loads")
}

/// Runs a clause, on threads of its own.
pub fn block_on(clause: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(clause);
}

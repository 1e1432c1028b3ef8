//! The runtime that a contract runs in: the process's only one, and plugins loaded into it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::ports::clock::{Clock, Timestamp};
use bulkhead_plugin::{
    ComponentSource, DirectoryAccess, DirectoryGrant, Grants, Limits, Plugin, PluginSpec, Runtime, RuntimeOptions,
};
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

/// A storage plugin over this folder.
pub async fn storage(component: &str, settings: Value, folder: &std::path::Path) -> Arc<Plugin> {
    let directory = DirectoryGrant { path: folder.to_owned(), access: DirectoryAccess::ReadWrite };
    let grants = Grants { directories: [("/blobs".to_owned(), directory)].into(), ..Grants::default() };
    plugin(component, settings, grants).await
}

/// Any plugin, under its component's name.
pub async fn plugin(component: &str, settings: Value, grants: Grants) -> Arc<Plugin> {
    let spec = PluginSpec {
        name: component.into(),
        component: ComponentSource::File(places::component(component)),
        settings,
        grants,
        limits: Limits::default(),
    };
    runtime().await.load(spec).await.expect("the plugin loads")
}

/// Runs a clause, on threads of its own.
pub fn block_on(clause: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(clause);
}

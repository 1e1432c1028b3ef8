//! What the tests of this crate share: a runtime, the guests that `cargo xtask build` has made, and a server on the loopback.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::ports::clock::{Clock, Timestamp};
use bulkhead_core::ports::context::RequestContext;
use bulkhead_plugin::{
    ComponentSource, DirectoryAccess, DirectoryGrant, Grants, LoadError, Plugin, PluginSpec, Runtime, RuntimeOptions,
};
use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Stands still at the beginning of 2026.
pub struct StoppedClock;

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_225_600_000)
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

/// One for all tests of a program: an engine reserves much address space.
pub fn runtime() -> Arc<Runtime> {
    static RUNTIME: OnceLock<Arc<Runtime>> = OnceLock::new();
    let start = || {
        let mut options = RuntimeOptions::new(Arc::new(StoppedClock));
        options.cache = Some(repository().join("target/tests-compiled"));
        Runtime::new(options).unwrap()
    };
    RUNTIME.get_or_init(start).clone()
}

/// Another one, with room for so many instances.
pub fn small_runtime(instances: u32) -> Arc<Runtime> {
    let mut options = RuntimeOptions::new(Arc::new(StoppedClock));
    options.cache = Some(repository().join("target/tests-compiled"));
    options.instances = instances;
    Runtime::new(options).unwrap()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A guest's component, by its crate's name.
pub fn guest(name: &str) -> ComponentSource {
    let folder = |variable: &str, usual: &str| std::env::var_os(variable).map_or_else(|| repository().join(usual), PathBuf::from);
    let folders = [folder("BULKHEAD_GUESTS", "target/guests-out"), folder("BULKHEAD_PLUGINS", "target/plugins")];
    let found = folders.iter().map(|folder| folder.join(format!("{name}.wasm"))).find(|path| path.is_file());
    let path = found.unwrap_or_else(|| panic!("there is no {name}.wasm in {folders:?}: run `cargo xtask build` first"));
    ComponentSource::Bytes(Bytes::from(std::fs::read(path).unwrap()))
}

pub fn spec(name: &str, settings: Value) -> PluginSpec {
    PluginSpec {
        name: name.into(),
        component: guest(name),
        settings,
        grants: Grants::default(),
        limits: bulkhead_plugin::Limits::default(),
    }
}

pub async fn load(name: &str, settings: Value) -> Arc<Plugin> {
    try_load(spec(name, settings)).await.unwrap()
}

pub async fn try_load(spec: PluginSpec) -> Result<Arc<Plugin>, LoadError> {
    runtime().load(spec).await
}

/// `/blobs` for writing, at `path`.
pub fn blobs(path: &Path) -> Grants {
    let grant = DirectoryGrant { path: path.to_owned(), access: DirectoryAccess::ReadWrite };
    Grants { directories: BTreeMap::from([("/blobs".to_owned(), grant)]), ..Grants::default() }
}

pub fn context() -> RequestContext {
    RequestContext {
        request_id: "0123456789abcdef".into(),
        registry: "default".parse().unwrap(),
        received: Timestamp(1_767_225_600_000),
        address: "192.0.2.7:4711".into(),
        source: [192, 0, 2, 7].into(),
        host: "registry.example.com".into(),
        method: "GET".into(),
        user_agent: Some("docker/29".into()),
        encrypted: true,
    }
}

/// Answers every request, whose head and body it reads, with the same bytes. Returns its origin.
pub async fn server(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
                while !is_whole(&heard) {
                    match stream.read(&mut piece).await {
                        Ok(count) if count > 0 => heard.extend_from_slice(&piece[..count]),
                        _ => return,
                    }
                }
                // A client that has gone is none of the server's business.
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    origin
}

fn is_whole(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

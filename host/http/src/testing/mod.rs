//! A whole registry over in-memory ports, asked through the same door as over a socket. For tests alone.

mod catalog;
mod plugins;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base64::Engine;
use bulkhead_core::auth::{Chain, Gate, GateOptions, TokenKey};
use bulkhead_core::ports::admission::Admission;
use bulkhead_core::ports::clock::{Clock, Timestamp};
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_core::registry::{Host, Registry, RegistryParts, Rules};
use bulkhead_oci::{Algorithm, Digest, MediaType};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::Value;
use sha2::Digest as _;

use crate::handler::{Peer, answer};
use crate::parse::{MAX_PAGE, Paging};
use crate::{App, HttpLimits};

pub(crate) use catalog::MemoryCatalog;
pub(crate) use store::MemoryStore;

/// 2023-11-14T22:13:20Z.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

struct StoppedClock;

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        NOW
    }
    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

/// A context as the handler would make it.
pub(crate) fn context() -> RequestContext {
    RequestContext {
        request_id: "0123456789abcdef".into(),
        registry: "default".parse().unwrap(),
        received: NOW,
        address: "192.0.2.1:40000".into(),
        host: "registry.test:5000".into(),
        method: "GET".into(),
        user_agent: None,
        encrypted: false,
    }
}

pub(crate) fn everything() -> Paging {
    Paging { limit: MAX_PAGE, last: None }
}

pub(crate) async fn bytes(body: Body) -> Bytes {
    body.collect().await.unwrap().to_bytes()
}

pub(crate) fn sha256(content: &[u8]) -> Digest {
    Digest::from_bytes(Algorithm::Sha256, &sha2::Sha256::digest(content)).unwrap()
}

/// A registry named `default`, which answers every host, and one named `other` under `other.test`.
pub(crate) struct World {
    pub peer: Peer,
    pub catalog: Arc<MemoryCatalog>,
    pub store: Arc<MemoryStore>,
    failing: Arc<AtomicBool>,
}

/// What came back.
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// All lines of a header.
    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and error code.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["errors"][0]["code"].as_str().unwrap().to_owned())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::limited(HttpLimits::default())
    }

    pub(crate) fn limited(limits: HttpLimits) -> Self {
        Self::with(limits, Self::rules(), Vec::new())
    }

    /// Under these rules.
    pub(crate) fn ruled(rules: Rules) -> Self {
        Self::with(HttpLimits::default(), rules, Vec::new())
    }

    /// With an admission plugin that refuses changes of the tag `refused` and of `kept` once it is there, fails at `failing`, and has these
    /// warnings else.
    pub(crate) fn guarded(warnings: &[&str]) -> Self {
        let warden: Arc<dyn Admission> = Arc::new(plugins::Warden::new(warnings));
        Self::with(HttpLimits::default(), Self::rules(), vec![warden])
    }

    /// Blobs of a kibibyte at most, and the defaults.
    pub(crate) fn rules() -> Rules {
        Rules { max_blob_bytes: 1024, ..Rules::default() }
    }

    fn with(limits: HttpLimits, rules: Rules, admission: Vec<Arc<dyn Admission>>) -> Self {
        let (catalog, store) = (Arc::new(MemoryCatalog::default()), Arc::new(MemoryStore::default()));
        let failing = Arc::new(AtomicBool::new(false));
        let clock: Arc<dyn Clock> = Arc::new(StoppedClock);
        let mut host = Host::default();
        for (name, id, hosts) in [("default", 1, vec![]), ("other", 2, vec!["other.test".to_owned()])] {
            let key = TokenKey::from_pem(&TokenKey::generate().unwrap()).unwrap();
            let chain = Chain {
                authenticators: vec![Arc::new(plugins::Staff::new(Arc::clone(&failing)))],
                authorizers: vec![Arc::new(plugins::Rules::new())],
            };
            let registry = Registry::new(RegistryParts {
                name: name.parse().unwrap(),
                id: RegistryId(id),
                gate: Gate::new(chain, key, Arc::clone(&clock), GateOptions::default()),
                catalog: Arc::clone(&catalog) as _,
                store: Arc::clone(&store) as _,
                clock: Arc::clone(&clock),
                subscriptions: vec![],
                outbox: Arc::default(),
                admission: admission.clone(),
                rules: rules.clone(),
            });
            host.add(Arc::new(registry), &hosts).unwrap();
        }
        let app = Arc::new(App::new(Arc::new(host), clock, limits));
        Self { peer: Peer { app, address: "192.0.2.1:40000".into(), encrypted: false }, catalog, store, failing }
    }

    /// From now on the auth plugin fails.
    pub(crate) fn break_authenticator(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }

    /// Sends what `builder` has, to `registry.test:5000` unless it names another host.
    pub(crate) async fn send(&self, builder: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        let mut request = builder.body(body.into()).unwrap();
        let host = "registry.test:5000".parse().unwrap();
        request.headers_mut().entry("host").or_insert(host);
        let response = answer(&self.peer, request).await;
        let (parts, body) = response.into_parts();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes(body).await }
    }

    /// As alice, who may everything.
    pub(crate) async fn alice(&self, method: &str, target: &str, body: impl Into<Body>) -> Answer {
        self.send(as_user("alice", method, target), body).await
    }

    /// Puts a blob, and says under which digest.
    pub(crate) async fn put_blob(&self, repository: &str, content: &'static str) -> Digest {
        let digest = sha256(content.as_bytes());
        let answer = self.alice("POST", &format!("/v2/{repository}/blobs/uploads/?digest={digest}"), content).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        digest
    }

    /// Puts a manifest of no layers, whose config is a blob that is put too; `more` goes into it.
    pub(crate) async fn put_manifest(&self, repository: &str, reference: &str, more: Value) -> (Bytes, Answer) {
        let body = self.manifest(repository, more).await;
        let answer = self.push(repository, reference, MediaType::OCI_MANIFEST, body.clone(), &[]).await;
        (body, answer)
    }

    /// Such a manifest, not put yet.
    pub(crate) async fn manifest(&self, repository: &str, more: Value) -> Bytes {
        let config = self.put_blob(repository, "{}").await;
        let mut manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": MediaType::OCI_MANIFEST,
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 },
            "layers": [],
        });
        manifest.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Bytes::from(manifest.to_string())
    }

    /// Puts an index of these manifests (digest, size, media type), each for linux/amd64.
    pub(crate) async fn put_index(
        &self,
        repository: &str,
        reference: &str,
        listed: &[(&Digest, usize, &str)],
    ) -> (Bytes, Answer) {
        let platform = serde_json::json!({ "os": "linux", "architecture": "amd64" });
        let entry = |(digest, size, kind): &(&Digest, usize, &str)| serde_json::json!({ "mediaType": kind, "digest": digest, "size": size, "platform": platform });
        let manifests: Vec<Value> = listed.iter().map(entry).collect();
        let index = serde_json::json!({ "schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": manifests });
        let body = Bytes::from(index.to_string());
        let answer = self.push(repository, reference, MediaType::OCI_INDEX, body.clone(), &[]).await;
        (body, answer)
    }

    /// Puts `body` as a manifest, with further headers.
    pub(crate) async fn push(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        body: Bytes,
        headers: &[(&str, &str)],
    ) -> Answer {
        let request =
            as_user("alice", "PUT", &format!("/v2/{repository}/manifests/{reference}")).header("content-type", media_type);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.send(request, body).await
    }
}

pub(crate) fn request(method: &str, target: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(target)
}

/// A user whose password is the name backwards.
pub(crate) fn as_user(user: &str, method: &str, target: &str) -> axum::http::request::Builder {
    let secret: String = user.chars().rev().collect();
    request(method, target).header("authorization", basic(user, &secret))
}

pub(crate) fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}")))
}

//! A whole registry over in-memory ports, asked through the same door as over a socket. For tests alone.

mod accounts;
mod audit;
mod catalog;
pub(crate) mod certificates;
mod plugins;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base64::Engine;
use bulkhead_core::accounts::{Hasher, Manager};
use bulkhead_core::auth::{Chain, Gate, GateOptions, GateParts, KeyRing, Throttle, ThrottleOptions, TokenKey};
use bulkhead_core::ports::admission::Admission;
use bulkhead_core::ports::audit::Audit;
use bulkhead_core::ports::auth::Certificate;
use bulkhead_core::ports::clock::{Clock, Timestamp};
use bulkhead_core::ports::context::RequestContext;
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_core::registry::{Host, Registry, RegistryParts, Rules};
use bulkhead_oci::{Algorithm, Digest, MediaType};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::Value;
use sha2::Digest as _;

use crate::handler::answer;
use crate::parse::{MAX_PAGE, Paging};
use crate::peer::Peer;
use crate::{App, AppExtras, HttpLimits, KeyRotation, Proxies, RotatedKeys};

pub(crate) use accounts::MemoryAccounts;
pub(crate) use audit::MemoryAudit;
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
    /// Nobody waits where time stands still.
    async fn sleep(&self, _: Duration) {}
}

/// Counts rotations.
#[derive(Default)]
struct Keys(AtomicUsize);

#[async_trait]
impl KeyRotation for Keys {
    async fn rotate(&self) -> Result<RotatedKeys, String> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(RotatedKeys { kid: "new".to_owned(), keys: 2 })
    }
}

fn new_key() -> TokenKey {
    TokenKey::from_pem(&TokenKey::generate().unwrap()).unwrap()
}

/// A context as the handler would make it.
pub(crate) fn context() -> RequestContext {
    RequestContext {
        request_id: "0123456789abcdef".into(),
        registry: "default".parse().unwrap(),
        received: NOW,
        address: CLIENT.into(),
        source: "192.0.2.1".parse().unwrap(),
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

/// Where requests come from, unless a test says otherwise.
const CLIENT: &str = "192.0.2.1:40000";

/// A registry named `default`, which answers every host, and one named `other` under `other.test`.
pub(crate) struct World {
    pub peer: Peer,
    pub catalog: Arc<MemoryCatalog>,
    pub store: Arc<MemoryStore>,
    pub accounts: Arc<MemoryAccounts>,
    pub audit: Arc<MemoryAudit>,
    keys: Arc<Keys>,
    switches: Arc<plugins::Switches>,
}

/// What differs from one world to another.
struct Differs {
    limits: HttpLimits,
    rules: Rules,
    admission: Vec<Arc<dyn Admission>>,
    proxies: Proxies,
    /// Failed logins: by default, so many that no test meets the bound by chance.
    failures: ThrottleOptions,
}

impl Default for Differs {
    fn default() -> Self {
        let failures = ThrottleOptions { per_account: 1000, per_source: 1000, ..ThrottleOptions::default() };
        let (limits, rules) = (HttpLimits::default(), World::rules());
        Self { limits, rules, admission: Vec::new(), proxies: Proxies::default(), failures }
    }
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
        Self::with(Differs::default())
    }

    pub(crate) fn limited(limits: HttpLimits) -> Self {
        Self::with(Differs { limits, ..Differs::default() })
    }

    /// Under these rules.
    pub(crate) fn ruled(rules: Rules) -> Self {
        Self::with(Differs { rules, ..Differs::default() })
    }

    /// Which takes large blobs.
    pub(crate) fn roomy(limits: HttpLimits) -> Self {
        let rules = Rules { max_blob_bytes: 64 * 1024 * 1024, ..Self::rules() };
        Self::with(Differs { limits, rules, ..Differs::default() })
    }

    /// Which believes these proxies, and lets so many logins fail as a server does that is set to nothing else.
    pub(crate) fn behind(proxies: &[&str]) -> Self {
        let proxies = Proxies::parse(proxies.iter().copied()).unwrap();
        Self::with(Differs { proxies, failures: ThrottleOptions::default(), ..Differs::default() })
    }

    /// With an admission plugin that refuses changes of the tag `refused` and of `kept` once it is there, fails at `failing`, and has these
    /// warnings else.
    pub(crate) fn guarded(warnings: &[&str]) -> Self {
        let warden: Arc<dyn Admission> = Arc::new(plugins::Warden::new(warnings));
        Self::with(Differs { admission: vec![warden], ..Differs::default() })
    }

    /// Blobs of a kibibyte at most, and the defaults.
    pub(crate) fn rules() -> Rules {
        Rules { max_blob_bytes: 1024, ..Rules::default() }
    }

    fn with(differs: Differs) -> Self {
        let (catalog, store) = (Arc::new(MemoryCatalog::default()), Arc::new(MemoryStore::default()));
        let (accounts, switches) = (Arc::new(MemoryAccounts::default()), Arc::new(plugins::Switches::default()));
        let clock: Arc<dyn Clock> = Arc::new(StoppedClock);
        let kept = Arc::new(MemoryAudit::default());
        let audit: Arc<dyn Audit> = Arc::clone(&kept) as _;
        let (ring, keys) = (Arc::new(KeyRing::new(new_key(), Vec::new())), Arc::new(Keys::default()));
        let mut host = Host::default();
        for (name, id, hosts) in [("default", 1, vec![]), ("other", 2, vec!["other.test".to_owned()])] {
            let chain = Chain {
                authenticators: vec![Arc::new(plugins::Staff::new(Arc::clone(&switches)))],
                authorizers: vec![Arc::new(plugins::Rules::new())],
            };
            let gate = Gate::new(GateParts {
                chain,
                keys: Arc::clone(&ring),
                clock: Arc::clone(&clock),
                audit: Arc::clone(&audit),
                throttle: Arc::new(Throttle::new(differs.failures, Arc::clone(&clock))),
                options: GateOptions::default(),
            });
            let registry = Registry::new(RegistryParts {
                name: name.parse().unwrap(),
                id: RegistryId(id),
                gate,
                catalog: Arc::clone(&catalog) as _,
                store: Arc::clone(&store) as _,
                clock: Arc::clone(&clock),
                subscriptions: vec![],
                outbox: Arc::default(),
                admission: differs.admission.clone(),
                rules: differs.rules.clone(),
                audit: Arc::clone(&audit),
            });
            host.add(Arc::new(registry), &hosts).unwrap();
        }
        let manager = Manager::new(Arc::clone(&accounts) as _, Arc::new(Hasher::new(1)), Arc::clone(&clock), audit);
        // Staff check the accounts of the one, and nobody those of the other.
        let account_plugins = std::iter::once(("default".parse().unwrap(), vec!["staff".to_owned()])).collect();
        let keys_port = Arc::clone(&keys) as _;
        let extras = AppExtras { manager: Arc::new(manager), account_plugins, keys: keys_port, proxies: differs.proxies };
        let app = Arc::new(App::new(Arc::new(host), clock, differs.limits, extras));
        let peer = Peer::network(app, CLIENT.parse().unwrap(), false, None);
        Self { peer, catalog, store, accounts, audit: kept, keys, switches }
    }

    pub(crate) fn app(&self) -> Arc<App> {
        Arc::clone(&self.peer.app)
    }

    /// A connection from this address, with TLS if it bears a certificate of this subject.
    pub(crate) fn peer_at(&self, address: &str, subject: Option<&str>) -> Peer {
        let certificate = subject.map(|subject| {
            let expires = NOW.after(Duration::from_secs(60));
            Arc::new(Certificate { subject: subject.to_owned(), names: vec![], fingerprint: "0".repeat(64), expires })
        });
        Peer::network(self.app(), address.parse().unwrap(), certificate.is_some(), certificate)
    }

    /// From now on the auth plugin fails.
    pub(crate) fn break_authenticator(&self) {
        self.switches.failing.store(true, Ordering::SeqCst);
    }

    /// From now on the auth plugin knows none of those that it vouched for.
    pub(crate) fn dismiss_everybody(&self) {
        self.switches.dismissed.store(true, Ordering::SeqCst);
    }

    /// Sends what `builder` has, to `registry.test:5000` unless it names another host.
    pub(crate) async fn send(&self, builder: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        let mut request = builder.body(body.into()).unwrap();
        let host = "registry.test:5000".parse().unwrap();
        request.headers_mut().entry("host").or_insert(host);
        ask(&self.peer, request).await
    }

    /// The same over another connection.
    pub(crate) async fn send_from(&self, peer: &Peer, builder: axum::http::request::Builder) -> Answer {
        let host = "registry.test:5000";
        ask(peer, builder.header("host", host).body(Body::empty()).unwrap()).await
    }

    /// As the operator, over the administration's socket, and without a host.
    pub(crate) async fn operator(&self, builder: axum::http::request::Builder, body: impl Into<Body>) -> Answer {
        ask(&Peer::admin(self.app()), builder.body(body.into()).unwrap()).await
    }

    /// How often the keys were rotated.
    pub(crate) fn rotations(&self) -> usize {
        self.keys.0.load(Ordering::SeqCst)
    }

    /// As alice, who may everything.
    pub(crate) async fn alice(&self, method: &str, target: &str, body: impl Into<Body>) -> Answer {
        self.send(as_user("alice", method, target), body).await
    }

    /// Puts a blob, and says under which digest.
    pub(crate) async fn put_blob(&self, repository: &str, content: impl Into<Bytes>) -> Digest {
        let content = content.into();
        let digest = sha256(&content);
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

async fn ask(peer: &Peer, request: Request<Body>) -> Answer {
    let (parts, body) = answer(peer, request).await.into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: bytes(body).await }
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

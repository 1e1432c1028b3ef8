//! A registry over the real catalog and the real data plane, with a driver that keeps plain files and a clock that only tests move.

#![allow(dead_code, reason = "each test program uses its own part of it")]

mod audit;
mod clock;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_catalog::SqliteCatalog;
use bulkhead_core::auth::{Caller, Chain, Gate, GateOptions, GateParts, KeyRing, Throttle, ThrottleOptions, TokenKey};
use bulkhead_core::events::Subscription;
use bulkhead_core::ports::admission::Admission;
use bulkhead_core::ports::audit::AuditEntry;
use bulkhead_core::ports::auth::{Access, Answer, Authorizer, Verdict};
use bulkhead_core::ports::catalog::{Attribute, Attributed, AttributesChange, Catalog, Delivery, Lock, LockedBy};
use bulkhead_core::ports::clock::{Clock, Timestamp};
use bulkhead_core::ports::context::{Identity, RequestContext};
use bulkhead_core::ports::driver::{ObjectInfo, ObjectKey, Progress, Receipt, Sink, Source, StorageDriver};
use bulkhead_core::ports::event::{EventAction, Scope};
use bulkhead_core::ports::ids::{RegistryId, UploadId};
use bulkhead_core::ports::plugin::{PluginError, PluginLabel};
use bulkhead_core::ports::store::{BodyError, Incoming, ObjectBody};
use bulkhead_core::registry::{
    Act, Condition, Locked, ManifestPush, PushTarget, PushedManifest, Registry, RegistryError, RegistryParts, Rules,
};
use bulkhead_oci::{Algorithm, ByteRange, Digest, Reference, RepositoryName};
use bulkhead_storage::{Stack, Store};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sha2::{Digest as _, Sha256, Sha512};
use tokio::sync::{Notify, oneshot};

pub use audit::Ledger;
pub use clock::ManualClock;

/// Keeps objects as files of one folder.
pub struct Folder {
    label: PluginLabel,
    pub path: PathBuf,
}

impl Folder {
    fn object(&self, key: &ObjectKey) -> PathBuf {
        self.path.join(key.as_str().replace('/', "+"))
    }
    fn staged(&self, state: &[u8]) -> PathBuf {
        self.path.join(format!("UPLOAD-{}", std::str::from_utf8(state).unwrap()))
    }
}

#[async_trait]
impl StorageDriver for Folder {
    fn label(&self) -> &PluginLabel {
        &self.label
    }
    async fn open(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Source, PluginError> {
        let Ok(file) = File::open(self.object(key)) else { return Err(PluginError::NotFound) };
        let offset = range.map_or(0, |range| range.offset);
        Ok(Source::File { file, offset, length: range.map(|range| range.length) })
    }
    async fn stat(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, PluginError> {
        let metadata = std::fs::metadata(self.object(key)).ok();
        let info = |metadata: std::fs::Metadata| ObjectInfo { key: key.clone(), size: metadata.len(), modified: Timestamp(0) };
        Ok(metadata.map(info))
    }
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), PluginError> {
        for key in keys {
            let _ = std::fs::remove_file(self.object(key));
        }
        Ok(())
    }
    async fn list(&self, _: &str, _: Option<&ObjectKey>, _: u32) -> Result<Vec<ObjectInfo>, PluginError> {
        Ok(Vec::new())
    }
    async fn link(&self, _: &ObjectKey, _: u32) -> Result<Option<String>, PluginError> {
        Ok(None)
    }
    async fn begin(&self, upload: &UploadId) -> Result<Vec<u8>, PluginError> {
        Ok(upload.as_str().as_bytes().to_vec())
    }
    async fn next(&self, state: &[u8], offset: u64, _: Option<u64>) -> Result<Sink, PluginError> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(self.staged(state));
        file.map(|file| Sink::File { file, offset }).map_err(|error| PluginError::Internal(error.to_string()))
    }
    async fn written(&self, state: &[u8], _: u64, _: Receipt) -> Result<Vec<u8>, PluginError> {
        Ok(state.to_vec())
    }
    async fn commit(&self, state: &[u8], key: &ObjectKey) -> Result<Progress, PluginError> {
        match std::fs::rename(self.staged(state), self.object(key)) {
            Err(_) if !self.object(key).exists() => Err(PluginError::NotFound),
            _ => Ok(Progress::Done),
        }
    }
    async fn abort(&self, state: &[u8]) -> Result<(), PluginError> {
        let _ = std::fs::remove_file(self.staged(state));
        Ok(())
    }
}

/// Lets everybody do everything, but in repositories whose name begins with `hidden`.
struct NotHidden(PluginLabel);

#[async_trait]
impl Authorizer for NotHidden {
    fn label(&self) -> &PluginLabel {
        &self.0
    }
    async fn authorize(&self, _: &RequestContext, _: Option<&Identity>, asked: &[Access]) -> Result<Answer, PluginError> {
        let hidden = |access: &Access| access.repository.as_ref().is_some_and(|name| name.as_str().starts_with("hidden"));
        let verdict = |access| if hidden(access) { Verdict::Deny("hidden".to_owned()) } else { Verdict::Allow(String::new()) };
        Ok(Answer { verdicts: asked.iter().map(verdict).collect(), reuse: 0 })
    }
}

/// What differs between worlds.
#[derive(Default)]
pub struct Setup {
    /// A webhook named `build` wants to hear of these.
    pub hears: Vec<EventAction>,
    pub rules: Rules,
    pub admission: Vec<Arc<dyn Admission>>,
}

/// One registry, all its parts at hand.
pub struct World {
    pub folder: Arc<tempfile::TempDir>,
    pub clock: Arc<ManualClock>,
    pub catalog: Arc<SqliteCatalog>,
    pub outbox: Arc<Notify>,
    pub registry: Arc<Registry>,
    pub id: RegistryId,
    pub audit: Arc<Ledger>,
    context: RequestContext,
    caller: Caller,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn hearing(actions: &[EventAction]) -> Self {
        Self::with(Setup { hears: actions.to_vec(), ..Setup::default() }).await
    }

    pub async fn ruled(rules: Rules) -> Self {
        Self::with(Setup { rules, ..Setup::default() }).await
    }

    pub async fn with(setup: Setup) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.path().join("blobs")).unwrap();
        let catalog = Arc::new(bulkhead_catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap());
        Self::over(folder, ManualClock::new(), catalog, setup).await
    }

    /// The same content behind a registry that asks nobody.
    pub async fn sharing(other: &Self) -> Self {
        Self::over(Arc::clone(&other.folder), other.clock.clone(), other.catalog.clone(), Setup::default()).await
    }

    async fn over(folder: Arc<tempfile::TempDir>, clock: Arc<ManualClock>, catalog: Arc<SqliteCatalog>, setup: Setup) -> Self {
        let name: bulkhead_core::ports::ids::RegistryName = "default".parse().unwrap();
        let id = catalog.registry(&name, clock.now()).await.unwrap();
        let blobs = folder.path().join("blobs");
        let driver = Arc::new(Folder { label: label("disk"), path: blobs });
        let key = TokenKey::from_pem(&TokenKey::generate().unwrap()).unwrap();
        let chain = Chain { authenticators: vec![], authorizers: vec![Arc::new(NotHidden(label("rules")))] };
        let (outbox, audit) = (Arc::new(Notify::new()), Ledger::new());
        let registry = Arc::new(Registry::new(RegistryParts {
            name: name.clone(),
            id,
            gate: Gate::new(GateParts {
                chain,
                keys: Arc::new(KeyRing::new(key, vec![])),
                clock: clock.clone(),
                audit: audit.clone(),
                throttle: Arc::new(Throttle::new(ThrottleOptions::default(), clock.clone())),
                options: GateOptions::default(),
            }),
            catalog: catalog.clone(),
            store: Arc::new(Store::new(Stack::new(driver, BTreeMap::new()))),
            clock: clock.clone(),
            subscriptions: subscriptions(&setup.hears),
            outbox: Arc::clone(&outbox),
            admission: setup.admission,
            rules: setup.rules,
            audit: audit.clone(),
        }));
        let context = RequestContext {
            request_id: "0123456789abcdef".into(),
            registry: name,
            received: clock.now(),
            address: "127.0.0.1:9".into(),
            source: [127, 0, 0, 1].into(),
            host: "localhost:5000".into(),
            method: "PUT".into(),
            user_agent: Some("test".into()),
            encrypted: false,
        };
        Self { folder, clock, catalog, outbox, registry, id, audit, context, caller: Caller::Anonymous }
    }

    pub fn act(&self) -> Act<'_> {
        Act { context: &self.context, caller: &self.caller }
    }

    /// The same by somebody.
    pub fn acting<'a>(&'a self, caller: &'a Caller) -> Act<'a> {
        Act { context: &self.context, caller }
    }

    /// Sets attributes.
    pub async fn change(&self, repository: &str, of: &Attributed, change: AttributesChange) {
        self.registry.change_attributes(self.act(), &name(repository), of, change).await.unwrap();
    }

    /// What the audit log was told since the last time: action, outcome and targets.
    pub fn audited(&self) -> Vec<String> {
        let told = |entry: AuditEntry| {
            let action = serde_json::to_value(entry.action).unwrap();
            let outcome = serde_json::to_value(entry.outcome).unwrap();
            let words = [action.as_str().unwrap(), outcome.as_str().unwrap()].map(str::to_owned);
            words.into_iter().chain(entry.targets).collect::<Vec<_>>().join(" ")
        };
        self.audit.take().into_iter().map(told).collect()
    }

    /// Names of the files in the driver's folder.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join("blobs")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub async fn push_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = sha256(bytes);
        self.registry.put_blob(self.act(), &name(repository), &digest, None, body(&[bytes])).await.unwrap();
        digest
    }

    /// An image of one layer, under a tag.
    pub async fn push_image(&self, repository: &str, tag: &str, content: &[u8]) -> Digest {
        let blob = self.push_blob(repository, content).await;
        self.put(repository, tag, image(&blob, content.len())).await.unwrap().digest
    }

    /// A manifest under a tag or a digest.
    pub async fn put(&self, repository: &str, reference: &str, body: Bytes) -> Result<PushedManifest, RegistryError> {
        let target = match reference.parse().unwrap() {
            Reference::Tag(tag) => PushTarget::Tag { tag, algorithm: Algorithm::Sha256 },
            Reference::Digest(digest) => PushTarget::Digest { digest, tags: vec![] },
        };
        self.push(repository, target, body, Condition::default()).await
    }

    /// A manifest under its digest, with these tags.
    pub async fn put_with_tags(&self, repository: &str, body: Bytes, tags: &[&str]) -> Result<PushedManifest, RegistryError> {
        let tags = tags.iter().map(|tag| tag.parse().unwrap()).collect();
        self.push(repository, PushTarget::Digest { digest: sha256(&body), tags }, body, Condition::default()).await
    }

    pub async fn push(
        &self,
        repository: &str,
        target: PushTarget,
        body: Bytes,
        condition: Condition,
    ) -> Result<PushedManifest, RegistryError> {
        let push = ManifestPush { target, content_type: None, body, condition };
        self.registry.put_manifest(self.act(), &name(repository), push).await
    }

    /// The digest that a tag points to; none: there is no such tag.
    pub async fn tagged(&self, repository: &str, tag: &str) -> Option<Digest> {
        match self.registry.manifest(&name(repository), &tag.parse().unwrap()).await {
            Ok(manifest) => Some(manifest.digest),
            Err(RegistryError::ManifestUnknown) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// What the outbox has: action, repository and tag.
    pub async fn due(&self) -> Vec<(EventAction, String, Option<String>)> {
        let target = |delivery: Delivery| {
            let target = delivery.event.target.unwrap();
            (delivery.event.action, target.repository, target.tag)
        };
        self.catalog.due(self.clock.now(), 100).await.unwrap().into_iter().map(target).collect()
    }
}

const NOTHING: AttributesChange =
    AttributesChange { delete_enabled: None, write_enabled: None, read_enabled: None, list_enabled: None };
pub const UNDELETABLE: AttributesChange = AttributesChange { delete_enabled: Some(false), ..NOTHING };
pub const UNWRITABLE: AttributesChange = AttributesChange { write_enabled: Some(false), ..NOTHING };
pub const UNREADABLE: AttributesChange = AttributesChange { read_enabled: Some(false), ..NOTHING };
pub const UNLISTED: AttributesChange = AttributesChange { list_enabled: Some(false), ..NOTHING };
/// No lock.
pub const EVERYTHING: AttributesChange = AttributesChange {
    delete_enabled: Some(true),
    write_enabled: Some(true),
    read_enabled: Some(true),
    list_enabled: Some(true),
};

/// What a lock answers.
pub fn locked(on: LockedBy, attribute: Attribute) -> RegistryError {
    RegistryError::Locked(Locked::ByAttribute(Lock { on, attribute }))
}

fn label(name: &str) -> PluginLabel {
    PluginLabel { name: name.into(), digest: "sha256:0".into() }
}

fn subscriptions(hears: &[EventAction]) -> Vec<Subscription> {
    let actions: BTreeSet<EventAction> = hears.iter().copied().collect();
    let scope = Scope::parse("").unwrap();
    if actions.is_empty() { vec![] } else { vec![Subscription { webhook: "build".to_owned(), actions, scope }] }
}

/// An index that lists these manifests, each of so many bytes.
pub fn index(entries: &[(&Digest, usize)]) -> Bytes {
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let entry = |(digest, size): &(&Digest, usize)| format!(r#"{{"mediaType":"{kind}","digest":"{digest}","size":{size}}}"#);
    let list: Vec<String> = entries.iter().map(entry).collect();
    let media_type = "application/vnd.oci.image.index.v1+json";
    format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{}]}}"#, list.join(",")).into()
}

/// A manifest whose config and only layer are this blob.
pub fn image(blob: &Digest, size: usize) -> Bytes {
    let descriptor =
        |kind: &str| format!(r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"{blob}","size":{size}}}"#);
    let (config, layer) = (descriptor("config.v1+json"), descriptor("layer.v1.tar"));
    format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{config},"layers":[{layer}]}}"#
    )
    .into()
}

pub fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

pub fn sha256(bytes: &[u8]) -> Digest {
    Digest::from_bytes(bulkhead_oci::Algorithm::Sha256, &Sha256::digest(bytes)).unwrap()
}

pub fn sha512(bytes: &[u8]) -> Digest {
    Digest::from_bytes(bulkhead_oci::Algorithm::Sha512, &Sha512::digest(bytes)).unwrap()
}

pub fn body(frames: &[&[u8]]) -> Incoming {
    let frames: Vec<Result<Bytes, BodyError>> = frames.iter().map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    Box::pin(stream::iter(frames))
}

/// A body that says when it is asked for, and comes when it is let go.
pub struct HeldBody {
    pub was_asked: oneshot::Receiver<()>,
    pub release: oneshot::Sender<()>,
}

impl HeldBody {
    pub fn new(content: &'static [u8]) -> (Self, Incoming) {
        let (asked, was_asked) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let body = stream::once(async move {
            asked.send(()).unwrap();
            released.await.unwrap();
            Ok(Bytes::from_static(content))
        });
        (Self { was_asked, release }, Box::pin(body))
    }
}

/// A body that breaks off after this.
pub fn broken(frame: &[u8]) -> Incoming {
    Box::pin(body(&[frame]).chain(stream::iter([Err(BodyError::Broken("reset".to_owned()))])))
}

pub async fn collect(body: ObjectBody) -> Vec<u8> {
    match body {
        ObjectBody::Bytes(bytes) => bytes.to_vec(),
        ObjectBody::Stream(mut stream) => {
            let mut all = Vec::new();
            while let Some(piece) = stream.next().await {
                all.extend_from_slice(&piece.unwrap());
            }
            all
        }
    }
}

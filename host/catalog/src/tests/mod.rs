//! The port's contract, on a file in a directory of its own for each test.

mod accounts;
mod blobs;
mod cache;
mod durability;
mod large;
mod locks;
mod manifests;
mod migration;
mod needed;
mod outbox;
mod pages;
mod referrers;
mod repositories;
mod sparse;
mod speed;
mod state;
mod tags;
mod tenants;
mod uploads;

use std::path::PathBuf;

use bulkhead_core::ports::admission::TagState;
use bulkhead_core::ports::catalog::{
    BlobRecord, Catalog, Deletion, Expected, ManifestRecord, NewDelivery, NewManifest, NewTag, OldManifest, PutManifest,
    Referenced, RepositoryDeletion, Sparse, UploadRecord,
};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::event::{Event, EventAction};
use bulkhead_core::ports::ids::{RegistryId, UploadId};
use bulkhead_core::ports::store::UploadProgress;
use bulkhead_oci::{Algorithm, Descriptor, Digest, Manifest, ManifestKind, MediaType, Reference, RepositoryName, Tag};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::SqliteCatalog;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

struct Home {
    directory: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("catalog.sqlite")
    }

    async fn open(&self) -> SqliteCatalog {
        crate::open(&self.file()).await.unwrap()
    }

    /// What a loss of power at this instant would leave.
    fn copy(&self) -> Self {
        let copy = Self::new();
        for suffix in ["", "-wal"] {
            let from = format!("{}{suffix}", self.file().display());
            std::fs::copy(from, format!("{}{suffix}", copy.file().display())).unwrap();
        }
        copy
    }

    /// The file without the catalog.
    async fn connect(&self) -> SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file()).foreign_keys(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// A number straight from the file.
    async fn number(&self, query: &'static str) -> i64 {
        let (number,): (i64,) = sqlx::query_as(query).fetch_one(&mut self.connect().await).await.unwrap();
        number
    }

    /// How SQLite would run a query.
    async fn plan(&self, query: &str) -> Vec<String> {
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut self.connect().await).await.unwrap();
        rows.into_iter().map(|row| row.3).collect()
    }

    async fn run(&self, script: &'static str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(script).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

/// A fresh catalog with one registry.
async fn fresh() -> (Home, SqliteCatalog, RegistryId) {
    let home = Home::new();
    let catalog = home.open().await;
    let registry = catalog.registry(&"default".parse().unwrap(), NOW).await.unwrap();
    (home, catalog, registry)
}

fn digest(number: u64) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Digest::from_bytes(Algorithm::Sha256, &bytes).unwrap()
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn by_tag(text: &str) -> Reference {
    Reference::Tag(tag(text))
}

fn blob(number: u64) -> BlobRecord {
    BlobRecord { digest: digest(number), size: number + 1, key: format!("default/blobs/{number}").parse().unwrap() }
}

fn descriptor(number: u64) -> Descriptor {
    let media_type = "application/octet-stream".parse().unwrap();
    Descriptor { media_type, digest: digest(number), size: number + 1, foreign: false, platform: None }
}

fn image(blobs: &[u64]) -> Manifest {
    Manifest {
        kind: ManifestKind::Image,
        media_type: MediaType::OCI_MANIFEST.parse().unwrap(),
        blobs: blobs.iter().copied().map(descriptor).collect(),
        manifests: Vec::new(),
        subject: None,
        artifact_type: Some("application/config".to_owned()),
        annotations: Default::default(),
    }
}

/// A manifest as an index lists it: with the size of its body.
fn listed(number: u64) -> Descriptor {
    Descriptor { size: body(number).len() as u64, ..descriptor(number) }
}

fn index(manifests: &[u64]) -> Manifest {
    Manifest {
        kind: ManifestKind::Index,
        media_type: MediaType::OCI_INDEX.parse().unwrap(),
        blobs: Vec::new(),
        manifests: manifests.iter().copied().map(listed).collect(),
        artifact_type: None,
        ..image(&[])
    }
}

fn body(number: u64) -> bytes::Bytes {
    format!("manifest {number}").into()
}

fn event(number: u64) -> NewDelivery {
    let event = Event {
        id: format!("{number:032x}"),
        action: EventAction::Push,
        registry: "default".to_owned(),
        host: "localhost:5000".to_owned(),
        at: NOW.0 + number,
        target: None,
        actor: None,
        request_id: "0".repeat(16),
        method: "PUT".to_owned(),
        user_agent: None,
        address: "127.0.0.1:1".to_owned(),
    };
    NewDelivery { webhook: "build".to_owned(), event }
}

fn progress(offset: u64) -> UploadProgress {
    UploadProgress { offset, algorithm: Algorithm::Sha512, hash: vec![1; 200], driver: vec![0, 255] }
}

fn upload(repository: &str, offset: u64) -> UploadRecord {
    UploadRecord {
        id: UploadId::random(),
        repository: name(repository),
        actor: Some("alice".to_owned()),
        progress: progress(offset),
        touched: NOW,
    }
}

/// What is pushed, and where to.
struct Push<'a> {
    repository: &'a str,
    number: u64,
    manifest: Manifest,
    tags: Vec<NewTag>,
    sparse: Sparse,
    deliveries: Vec<NewDelivery>,
}

impl<'a> Push<'a> {
    fn new(repository: &'a str, number: u64, manifest: Manifest) -> Self {
        Self { repository, number, manifest, tags: Vec::new(), sparse: Sparse::Refuse, deliveries: Vec::new() }
    }

    fn tagged(self, tag: &str) -> Self {
        self.expecting(tag, Expected::Anything)
    }

    fn expecting(mut self, text: &str, expected: Expected) -> Self {
        self.tags.push(NewTag { tag: tag(text), expected });
        self
    }

    fn sparse(mut self, sparse: Sparse) -> Self {
        self.sparse = sparse;
        self
    }

    fn telling(mut self, event: NewDelivery) -> Self {
        self.deliveries.push(event);
        self
    }

    async fn to(self, catalog: &SqliteCatalog, registry: RegistryId) -> PutManifest {
        let (repository, digest) = (name(self.repository), digest(self.number));
        let new = NewManifest {
            repository: &repository,
            digest: &digest,
            manifest: &self.manifest,
            body: body(self.number),
            tags: &self.tags,
            sparse: self.sparse,
            now: NOW,
            deliveries: self.deliveries,
        };
        catalog.put_manifest(registry, new).await.unwrap()
    }
}

/// What a push answers that refers to nothing that is not there.
fn stored() -> PutManifest {
    PutManifest::Stored { absent: vec![] }
}

/// What is deleted, and where.
struct Delete<'a> {
    repository: &'a str,
    referenced: Referenced,
    reviewed: Option<Vec<TagState>>,
    deliveries: Vec<NewDelivery>,
}

impl<'a> Delete<'a> {
    /// Whatever its tags are, unless it is needed.
    fn from(repository: &'a str) -> Self {
        Self { repository, referenced: Referenced::Refuse, reviewed: None, deliveries: Vec::new() }
    }

    fn although_needed(mut self) -> Self {
        self.referenced = Referenced::Allow;
        self
    }

    fn reviewed(mut self, tags: &[&str]) -> Self {
        self.reviewed = Some(tags.iter().map(|text| pointing(text, None)).collect());
        self
    }

    fn reviewed_at(mut self, tags: &[(&str, u64)]) -> Self {
        self.reviewed = Some(tags.iter().map(|(text, number)| pointing(text, Some(*number))).collect());
        self
    }

    fn telling(mut self, event: NewDelivery) -> Self {
        self.deliveries.push(event);
        self
    }

    async fn manifest(self, number: u64, catalog: &SqliteCatalog, registry: RegistryId) -> Deletion {
        let reviewed: Option<Vec<Tag>> = self.reviewed.map(|states| states.into_iter().map(|state| state.tag).collect());
        let old = OldManifest {
            repository: &name(self.repository),
            digest: &digest(number),
            referenced: self.referenced,
            reviewed: reviewed.as_deref(),
            now: NOW,
            deliveries: self.deliveries,
        };
        catalog.remove_manifest(registry, old).await.unwrap()
    }

    async fn blob(self, number: u64, catalog: &SqliteCatalog, registry: RegistryId) -> Deletion {
        let repository = name(self.repository);
        catalog.remove_blob(registry, &repository, &digest(number), self.referenced, self.deliveries).await.unwrap()
    }

    async fn tag(self, text: &str, expected: &Expected, catalog: &SqliteCatalog, registry: RegistryId) -> Deletion {
        catalog.remove_tag(registry, &name(self.repository), &tag(text), expected, NOW, self.deliveries).await.unwrap()
    }

    async fn all(self, catalog: &SqliteCatalog, registry: RegistryId) -> RepositoryDeletion {
        let (repository, deliveries) = (name(self.repository), self.deliveries);
        let announce = Box::new(|_: &[_]| deliveries);
        catalog.remove_repository(registry, &repository, self.reviewed.as_deref(), announce).await.unwrap()
    }
}

/// A tag and what it points to.
fn pointing(text: &str, number: Option<u64>) -> TagState {
    TagState { tag: tag(text), now: number.map(digest) }
}

async fn pull(catalog: &SqliteCatalog, registry: RegistryId, repository: &str, reference: &Reference) -> Option<ManifestRecord> {
    catalog.manifest(registry, &name(repository), reference).await.unwrap()
}

async fn add(catalog: &SqliteCatalog, registry: RegistryId, repository: &str, number: u64) {
    catalog.add_blob(registry, &name(repository), &blob(number), None, NOW).await.unwrap();
}

async fn outbox(catalog: &SqliteCatalog) -> Vec<String> {
    let due = catalog.due(Timestamp(u64::MAX), 10_000).await.unwrap();
    due.into_iter().map(|delivery| delivery.event.id).collect()
}

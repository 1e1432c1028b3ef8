//! The port's contract, on a file in a directory of its own for each test.

mod blobs;
mod cache;
mod durability;
mod lists;
mod manifests;
mod outbox;
mod speed;
mod state;
mod tenants;
mod uploads;

use std::path::PathBuf;

use bulkhead_core::ports::catalog::{BlobRecord, Catalog, ManifestRecord, NewDelivery, NewManifest, PutManifest, UploadRecord};
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

    /// A number straight from the file.
    async fn number(&self, query: &'static str) -> i64 {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file());
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let (number,): (i64,) = sqlx::query_as(query).fetch_one(&mut connection).await.unwrap();
        number
    }

    /// How SQLite would run a query.
    async fn plan(&self, query: &str) -> Vec<String> {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file());
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let rows: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut connection).await.unwrap();
        rows.into_iter().map(|row| row.3).collect()
    }

    async fn run(&self, script: &'static str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.file());
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
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
    Descriptor { media_type, digest: digest(number), size: number + 1, foreign: false }
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
    tag: Option<&'a str>,
    deliveries: Vec<NewDelivery>,
}

impl<'a> Push<'a> {
    fn new(repository: &'a str, number: u64, manifest: Manifest) -> Self {
        Self { repository, number, manifest, tag: None, deliveries: Vec::new() }
    }

    fn tagged(mut self, tag: &'a str) -> Self {
        self.tag = Some(tag);
        self
    }

    fn telling(mut self, event: NewDelivery) -> Self {
        self.deliveries.push(event);
        self
    }

    async fn to(self, catalog: &SqliteCatalog, registry: RegistryId) -> PutManifest {
        let (repository, digest, tag) = (name(self.repository), digest(self.number), self.tag.map(tag));
        let new = NewManifest {
            repository: &repository,
            digest: &digest,
            manifest: &self.manifest,
            body: body(self.number),
            tag: tag.as_ref(),
            now: NOW,
            deliveries: self.deliveries,
        };
        catalog.put_manifest(registry, new).await.unwrap()
    }
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

//! What readers may remember: manifests, tags and blobs that are there, with their attributes, and those of repositories. Absence is never
//! remembered, but for that of a repository: it has the attributes of a new one, so that its coming changes nothing.
//!
//! Nothing stale is ever handed out. An entry carries the generation that its key's stripe had when it was read; the writer moves the
//! stripes of all keys that it changes before it commits and again after, before it acknowledges, and while a stripe is in motion
//! (odd) nothing is taken from it. An entry is kept only if no change was committed between the beginning of its query and its
//! insertion (the epoch), so the value belongs to the generation that is stored with it.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use bulkhead_core::ports::catalog::{Attributes, BlobRecord, ManifestRecord};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Digest, Reference, RepositoryName, Tag};
use quick_cache::Weighter;

/// All entries together, in bytes.
const CAPACITY: u64 = 32 * 1024 * 1024;
/// A larger body is read each time.
const LARGEST_BODY: usize = 64 * 1024;
/// Keys, records and the cache's own bookkeeping, roughly, in bytes.
const ENTRY_OVERHEAD: u64 = 512;
const STRIPES: usize = 4096;

/// What an entry is of. The registry is part of it: tenants are walls here too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Tag(RegistryId, RepositoryName, Tag),
    Manifest(RegistryId, RepositoryName, Digest),
    Blob(RegistryId, RepositoryName, Digest),
    Repository(RegistryId, RepositoryName),
}

#[derive(Clone)]
enum Value {
    /// What it points to, and its own attributes.
    Tag(Digest, Attributes),
    /// With its own attributes.
    Manifest(ManifestRecord),
    Blob(BlobRecord),
    Repository(Attributes),
}

/// A manifest as it was read.
pub(crate) struct Found {
    /// With its own attributes.
    pub(crate) record: ManifestRecord,
    /// Those of the tag that it was asked by.
    pub(crate) tag: Option<Attributes>,
}

impl Found {
    /// With the attributes of both.
    pub(crate) fn into_record(self) -> ManifestRecord {
        let attributes = self.tag.map_or(self.record.attributes, |tag| self.record.attributes.and(tag));
        ManifestRecord { attributes, ..self.record }
    }
}

#[derive(Clone)]
struct Entry {
    generation: u64,
    value: Value,
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Entry> for Weight {
    fn weight(&self, _key: &Key, entry: &Entry) -> u64 {
        match &entry.value {
            Value::Manifest(record) => ENTRY_OVERHEAD + record.body.len() as u64,
            Value::Tag(..) | Value::Blob(_) | Value::Repository(_) => ENTRY_OVERHEAD,
        }
    }
}

/// Taken before a query, handed in with its result.
pub(crate) struct Ticket {
    epoch: u64,
}

pub(crate) struct Cache {
    entries: quick_cache::sync::Cache<Key, Entry, Weight>,
    /// Odd while changes are being committed.
    epoch: AtomicU64,
    stripes: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self {
            entries: quick_cache::sync::Cache::with_weighter(16 * 1024, CAPACITY, Weight),
            epoch: AtomicU64::new(0),
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    fn stripe(&self, key: &Key) -> usize {
        // The remainder is below STRIPES, so nothing is lost.
        (self.hasher.hash_one(key) % STRIPES as u64) as usize
    }

    fn get(&self, key: &Key) -> Option<Value> {
        let generation = self.stripes[self.stripe(key)].load(Ordering::SeqCst);
        if generation % 2 == 1 {
            return None;
        }
        self.entries.get(key).filter(|entry| entry.generation == generation).map(|entry| entry.value)
    }

    /// A tag is followed to its manifest; both must be remembered.
    pub(crate) fn manifest(
        &self,
        registry: RegistryId,
        repository: &RepositoryName,
        reference: &Reference,
    ) -> Option<ManifestRecord> {
        let (digest, tag) = match reference {
            Reference::Digest(digest) => (digest.clone(), None),
            Reference::Tag(tag) => match self.get(&Key::Tag(registry, repository.clone(), tag.clone()))? {
                Value::Tag(digest, attributes) => (digest, Some(attributes)),
                Value::Manifest(_) | Value::Blob(_) | Value::Repository(_) => return None,
            },
        };
        match self.get(&Key::Manifest(registry, repository.clone(), digest))? {
            Value::Manifest(record) => Some(Found { record, tag }.into_record()),
            Value::Tag(..) | Value::Blob(_) | Value::Repository(_) => None,
        }
    }

    pub(crate) fn repository(&self, registry: RegistryId, repository: &RepositoryName) -> Option<Attributes> {
        match self.get(&Key::Repository(registry, repository.clone()))? {
            Value::Repository(attributes) => Some(attributes),
            Value::Tag(..) | Value::Manifest(_) | Value::Blob(_) => None,
        }
    }

    pub(crate) fn blob(&self, registry: RegistryId, repository: &RepositoryName, digest: &Digest) -> Option<BlobRecord> {
        match self.get(&Key::Blob(registry, repository.clone(), digest.clone()))? {
            Value::Blob(record) => Some(record),
            Value::Tag(..) | Value::Manifest(_) | Value::Repository(_) => None,
        }
    }

    pub(crate) fn ticket(&self) -> Ticket {
        Ticket { epoch: self.epoch.load(Ordering::SeqCst) }
    }

    fn keep(&self, ticket: &Ticket, key: Key, value: Value) {
        let generation = self.stripes[self.stripe(&key)].load(Ordering::SeqCst);
        // Read after the generation: if nothing was committed since the ticket, the generation is that of the query too.
        let undisturbed = ticket.epoch.is_multiple_of(2) && self.epoch.load(Ordering::SeqCst) == ticket.epoch;
        if undisturbed {
            self.entries.insert(key, Entry { generation, value });
        }
    }

    pub(crate) fn keep_manifest(
        &self,
        ticket: &Ticket,
        registry: RegistryId,
        repository: &RepositoryName,
        reference: &Reference,
        found: &Found,
    ) {
        let record = &found.record;
        if record.body.len() > LARGEST_BODY {
            return;
        }
        if let (Reference::Tag(tag), Some(attributes)) = (reference, found.tag) {
            let key = Key::Tag(registry, repository.clone(), tag.clone());
            self.keep(ticket, key, Value::Tag(record.digest.clone(), attributes));
        }
        let key = Key::Manifest(registry, repository.clone(), record.digest.clone());
        self.keep(ticket, key, Value::Manifest(record.clone()));
    }

    pub(crate) fn keep_blob(&self, ticket: &Ticket, registry: RegistryId, repository: &RepositoryName, record: &BlobRecord) {
        let key = Key::Blob(registry, repository.clone(), record.digest.clone());
        self.keep(ticket, key, Value::Blob(record.clone()));
    }

    /// Of one that is not there, what a new one has.
    pub(crate) fn keep_repository(
        &self,
        ticket: &Ticket,
        registry: RegistryId,
        repository: &RepositoryName,
        attributes: Attributes,
    ) {
        self.keep(ticket, Key::Repository(registry, repository.clone()), Value::Repository(attributes));
    }

    /// Called by the writer alone, before it commits a change to these keys; the change ends when the guard is dropped.
    pub(crate) fn change(&self, keys: &[Key]) -> Change<'_> {
        let mut stripes: Vec<usize> = keys.iter().map(|key| self.stripe(key)).collect();
        stripes.sort_unstable();
        stripes.dedup();
        let change = Change { cache: self, stripes };
        change.step();
        change
    }
}

/// A change that is being committed.
pub(crate) struct Change<'a> {
    cache: &'a Cache,
    stripes: Vec<usize>,
}

impl Change<'_> {
    fn step(&self) {
        if self.stripes.is_empty() {
            return;
        }
        self.cache.epoch.fetch_add(1, Ordering::SeqCst);
        for stripe in &self.stripes {
            self.cache.stripes[*stripe].fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.step();
    }
}

//! Manifests and tags.

use std::collections::HashSet;

use bulkhead_core::ports::catalog::{CatalogError, NewManifest, PutManifest};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Descriptor, Digest, Manifest, RepositoryName, Tag};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Answer, Deliveries, Outcome, Work, removed, script};
use crate::cache::Key;
use crate::convert::{failed, parse, time, to_row};

pub(crate) struct StoreManifest {
    registry: RegistryId,
    repository: RepositoryName,
    digest: Digest,
    media_type: String,
    size: i64,
    artifact_type: Option<String>,
    subject: Option<String>,
    body: Vec<u8>,
    tag: Option<Tag>,
    now: i64,
    deliveries: Deliveries,
    /// JSON: pairs of digest and size, of blobs that must be there.
    blobs: String,
    /// JSON: pairs of digest and size, of manifests that must be there.
    manifests: String,
    /// JSON: pairs of kind and digest.
    references: String,
}

const STORE: &str = script!(
    "INSERT INTO repositories (registry_id, name, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    "SELECT value ->> 0, held FROM (SELECT value, (
         SELECT size FROM repositories JOIN repository_blobs ON repository_id = id
         JOIN blobs ON blobs.registry_id = $1 AND blobs.digest = repository_blobs.digest
         WHERE repositories.registry_id = $1 AND name = $2 AND repository_blobs.digest = value ->> 0
     ) AS held FROM json_each($4)) WHERE held IS NOT value ->> 1
     UNION ALL SELECT value ->> 0, held FROM (SELECT value, (
         SELECT size FROM manifests WHERE digest = value ->> 0
         AND repository_id = (SELECT id FROM repositories WHERE registry_id = $1 AND name = $2)
     ) AS held FROM json_each($5)) WHERE held IS NOT value ->> 1"
    "INSERT INTO manifests (repository_id, digest, media_type, size, artifact_type, subject, created, body)
     SELECT id, $6, $7, $8, $9, $10, $3, $11 FROM repositories WHERE registry_id = $1 AND name = $2
     ON CONFLICT (repository_id, digest) DO UPDATE
     SET media_type = excluded.media_type, artifact_type = excluded.artifact_type, subject = excluded.subject
     WHERE media_type <> excluded.media_type"
    "INSERT INTO manifest_references (repository_id, manifest, kind, digest)
     SELECT repository_id, manifests.id, value ->> 0, value ->> 1 FROM json_each($12), manifests
     WHERE repository_id = (SELECT id FROM repositories WHERE registry_id = $1 AND name = $2) AND digest = $6
     ON CONFLICT DO NOTHING"
    "INSERT INTO tags (repository_id, name, digest, created, updated)
     SELECT id, $13, $6, $3, $3 FROM repositories WHERE registry_id = $1 AND name = $2 AND $13 IS NOT NULL
     ON CONFLICT (repository_id, name) DO UPDATE SET digest = excluded.digest, updated = excluded.updated"
);

impl StoreManifest {
    pub(crate) fn new(registry: RegistryId, new: NewManifest<'_>) -> Result<Self, CatalogError> {
        let manifest = new.manifest;
        let required = manifest.blobs.iter().filter(|blob| !blob.foreign);
        Ok(Self {
            registry,
            repository: new.repository.clone(),
            digest: new.digest.clone(),
            media_type: manifest.media_type.to_string(),
            size: to_row(new.body.len() as u64, "a manifest's size")?,
            artifact_type: manifest.artifact_type.clone(),
            subject: manifest.subject.as_ref().map(|subject| subject.digest.to_string()),
            body: new.body.into(),
            tag: new.tag.cloned(),
            now: time(new.now),
            deliveries: Deliveries::new(&new.deliveries, Some(new.now))?,
            blobs: json(serde_json::to_string(&sized(required))),
            manifests: json(serde_json::to_string(&sized(manifest.manifests.iter()))),
            references: json(serde_json::to_string(&references(manifest))),
        })
    }

    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(STORE)
            .bind(self.registry.0)
            .bind(self.repository.as_str())
            .bind(self.now)
            .bind(self.blobs)
            .bind(self.manifests)
            .bind(self.digest.as_str())
            .bind(self.media_type)
            .bind(self.size)
            .bind(self.artifact_type)
            .bind(self.subject)
            .bind(self.body)
            .bind(self.references)
            .bind(self.tag.as_ref().map(Tag::as_str));
        let rows = work.rows("storing a manifest", script).await?;
        if let Some(refused) = refused(&rows)? {
            return Ok(Outcome::Undo(Answer::Manifest(refused)));
        }
        self.deliveries.insert(work, self.registry).await?;
        if let Some(tag) = self.tag {
            work.changed.push(Key::Tag(self.registry, self.repository.clone(), tag));
        }
        work.changed.push(Key::Manifest(self.registry, self.repository, self.digest));
        Ok(Outcome::Keep(Answer::Manifest(PutManifest::Stored)))
    }
}

/// Each row is a digest and the size that is there: null where the content is missing.
fn refused(rows: &[SqliteRow]) -> Result<Option<PutManifest>, CatalogError> {
    let (mut missing, mut wrong) = (Vec::new(), Vec::new());
    for row in rows {
        let decode = failed("reading which digests are missing");
        let digest = parse(row.try_get(0).map_err(&decode)?, "a digest")?;
        let held: Option<i64> = row.try_get(1).map_err(&decode)?;
        let list = if held.is_some() { &mut wrong } else { &mut missing };
        list.push(digest);
    }
    // What is missing is pushed and the manifest again: only then is the size the client's last fault.
    Ok(match (missing.is_empty(), wrong.is_empty()) {
        (true, true) => None,
        (false, _) => Some(PutManifest::Missing(missing)),
        (true, false) => Some(PutManifest::WrongSize(wrong)),
    })
}

fn json(written: serde_json::Result<String>) -> String {
    written.expect("lists of text have no form that JSON lacks")
}

/// Two sizes for one digest are two pairs: at least one of them is wrong.
fn sized<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<(&'a str, u64)> {
    let mut seen = HashSet::new();
    descriptors.map(|descriptor| (descriptor.digest.as_str(), descriptor.size)).filter(|pair| seen.insert(*pair)).collect()
}

fn distinct<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    descriptors.map(|descriptor| descriptor.digest.as_str()).filter(|digest| seen.insert(*digest)).collect()
}

fn references(manifest: &Manifest) -> Vec<(&'static str, &str)> {
    let kinds = [("blob", &manifest.blobs[..]), ("manifest", &manifest.manifests[..]), ("subject", manifest.subject.as_slice())];
    kinds.into_iter().flat_map(|(kind, list)| distinct(list.iter()).into_iter().map(move |digest| (kind, digest))).collect()
}

pub(crate) struct RemoveManifest {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) deliveries: Deliveries,
}

/// The rows are the names of the tags, and null for the manifest.
const REMOVE: &str = script!(
    "DELETE FROM tags
     WHERE repository_id = (SELECT id FROM repositories WHERE registry_id = $1 AND name = $2) AND digest = $3 RETURNING name"
    "DELETE FROM manifests
     WHERE repository_id = (SELECT id FROM repositories WHERE registry_id = $1 AND name = $2) AND digest = $3 RETURNING NULL"
);

impl RemoveManifest {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(REMOVE).bind(self.registry.0).bind(self.repository.as_str()).bind(self.digest.as_str());
        let rows = work.rows("removing a manifest", script).await?;
        for row in &rows {
            let name: Option<&str> = row.try_get(0).map_err(failed("reading which tags are removed"))?;
            if let Some(name) = name {
                work.changed.push(Key::Tag(self.registry, self.repository.clone(), parse(name, "a tag")?));
            }
        }
        work.changed.push(Key::Manifest(self.registry, self.repository, self.digest));
        removed(work, self.registry, rows.len(), self.deliveries).await
    }
}

pub(crate) struct RemoveTag {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    pub(crate) tag: Tag,
    pub(crate) deliveries: Deliveries,
}

const REMOVE_TAG: &str = script!(
    "DELETE FROM tags
     WHERE repository_id = (SELECT id FROM repositories WHERE registry_id = $1 AND name = $2) AND name = $3 RETURNING 1"
);

impl RemoveTag {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(REMOVE_TAG).bind(self.registry.0).bind(self.repository.as_str()).bind(self.tag.as_str());
        let rows = work.rows("removing a tag", script).await?;
        work.changed.push(Key::Tag(self.registry, self.repository, self.tag));
        removed(work, self.registry, rows.len(), self.deliveries).await
    }
}

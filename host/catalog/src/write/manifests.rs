//! Manifests that are stored, and tags that are set on them.

use std::collections::HashSet;

use bulkhead_core::ports::catalog::{CatalogError, Expected, NewManifest, NewTag, PutManifest, Sparse};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Descriptor, Digest, Manifest, RepositoryName, Tag};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Answer, Deliveries, Outcome, Work, script};
use crate::cache::Key;
use crate::convert::{failed, parse, time, to_row};
use crate::sql::repository;

pub(crate) struct StoreManifest {
    registry: RegistryId,
    repository: RepositoryName,
    digest: Digest,
    media_type: String,
    size: i64,
    artifact_type: Option<String>,
    subject: Option<String>,
    /// JSON: an object of strings; none: it has none, or no subject that would show them.
    annotations: Option<String>,
    body: Vec<u8>,
    tags: Vec<Tag>,
    /// JSON: the names of `tags`.
    names: String,
    /// JSON: pairs of a tag and the digest that it must point to, null: there must be no such tag.
    expected: String,
    sparse: Sparse,
    now: i64,
    deliveries: Deliveries,
    /// JSON: pairs of digest and size, of blobs that must be there.
    blobs: String,
    /// JSON: pairs of digest and size, of manifests that must be there.
    manifests: String,
    /// JSON: pairs of kind and digest.
    references: String,
}

/// The rows are what speaks against it: a kind, which digest or tag, and for a digest the size that is there (null: it is missing).
macro_rules! store {
    ($($more:expr)?) => {
        script!(
            "INSERT INTO repositories (registry_id, name, created, listed) VALUES ($1, $2, $3, 1)
             ON CONFLICT (registry_id, name) DO UPDATE SET listed = 1 WHERE listed = 0",
            concat!(
                "SELECT 'blob', value ->> 0, held FROM (SELECT value, (
                     SELECT size FROM repositories JOIN repository_blobs ON repository_id = id
                     JOIN blobs ON blobs.registry_id = $1 AND blobs.digest = repository_blobs.digest
                     WHERE repositories.registry_id = $1 AND name = $2 AND repository_blobs.digest = value ->> 0
                 ) AS held FROM json_each($4)) WHERE held IS NOT value ->> 1
                 UNION ALL SELECT 'manifest', value ->> 0, held FROM (SELECT value, (
                     SELECT size FROM manifests WHERE digest = value ->> 0 AND repository_id = ",
                repository!(),
                ") AS held FROM json_each($5)) WHERE held IS NOT value ->> 1
                 UNION ALL SELECT 'tag', value ->> 0, NULL FROM json_each($14) WHERE (
                     SELECT digest FROM tags WHERE tags.name = value ->> 0 AND repository_id = ",
                repository!(),
                ") IS NOT value ->> 1"
            ),
            "INSERT INTO manifests (repository_id, digest, media_type, size, artifact_type, subject, created, body)
             SELECT id, $6, $7, $8, $9, $10, $3, $11 FROM repositories WHERE registry_id = $1 AND name = $2
             ON CONFLICT (repository_id, digest) DO UPDATE
             SET media_type = excluded.media_type, artifact_type = excluded.artifact_type, subject = excluded.subject
             WHERE media_type <> excluded.media_type",
            concat!(
                "INSERT INTO manifest_references (repository_id, manifest, kind, digest)
                 SELECT repository_id, manifests.id, value ->> 0, value ->> 1 FROM json_each($12), manifests
                 WHERE digest = $6 AND repository_id = ",
                repository!(),
                " ON CONFLICT DO NOTHING"
            ),
            "INSERT INTO tags (repository_id, name, digest, created, updated)
             SELECT repositories.id, value, $6, $3, $3 FROM repositories, json_each($13) WHERE registry_id = $1 AND name = $2
             ON CONFLICT (repository_id, name) DO UPDATE SET digest = excluded.digest, updated = excluded.updated"
            $(, $more)?
        )
    };
}

const STORE: &str = store!();
/// Few manifests have a subject, so that all others are spared the statement.
const STORE_ANNOTATED: &str = store!(concat!(
    "INSERT INTO manifest_annotations (manifest, annotations)
     SELECT id, $15 FROM manifests WHERE digest = $6 AND repository_id = ",
    repository!(),
    " ON CONFLICT DO NOTHING"
));

impl StoreManifest {
    pub(crate) fn new(registry: RegistryId, new: NewManifest<'_>) -> Result<Self, CatalogError> {
        let manifest = new.manifest;
        let required = manifest.blobs.iter().filter(|blob| !blob.foreign);
        let shown = manifest.subject.is_some() && !manifest.annotations.is_empty();
        let tags: Vec<Tag> = new.tags.iter().map(|new| new.tag.clone()).collect();
        Ok(Self {
            registry,
            repository: new.repository.clone(),
            digest: new.digest.clone(),
            media_type: manifest.media_type.to_string(),
            size: to_row(new.body.len() as u64, "a manifest's size")?,
            artifact_type: manifest.artifact_type.clone(),
            subject: manifest.subject.as_ref().map(|subject| subject.digest.to_string()),
            annotations: shown.then(|| json(serde_json::to_string(&manifest.annotations))),
            body: new.body.into(),
            names: json(serde_json::to_string(&tags.iter().map(Tag::as_str).collect::<Vec<_>>())),
            tags,
            expected: json(serde_json::to_string(&expected(new.tags))),
            sparse: new.sparse,
            now: time(new.now),
            deliveries: Deliveries::new(&new.deliveries, Some(new.now))?,
            blobs: json(serde_json::to_string(&sized(required))),
            manifests: json(serde_json::to_string(&sized(manifest.manifests.iter()))),
            references: json(serde_json::to_string(&references(manifest))),
        })
    }

    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(if self.annotations.is_some() { STORE_ANNOTATED } else { STORE })
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
            .bind(self.names)
            .bind(self.expected)
            .bind(self.annotations);
        let rows = work.rows("storing a manifest", script).await?;
        let put = Objections::read(&rows, self.sparse)?.answer();
        if !matches!(put, PutManifest::Stored { .. }) {
            return Ok(Outcome::Undo(Answer::Manifest(put)));
        }
        self.deliveries.insert(work, self.registry).await?;
        work.changed.extend(self.tags.into_iter().map(|tag| Key::Tag(self.registry, self.repository.clone(), tag)));
        work.changed.push(Key::Manifest(self.registry, self.repository, self.digest));
        Ok(Outcome::Keep(Answer::Manifest(put)))
    }
}

/// What speaks against a manifest.
#[derive(Default)]
struct Objections {
    /// Not there, and needed.
    missing: Vec<Digest>,
    /// Not there, and allowed not to be.
    absent: Vec<Digest>,
    /// There, with another size.
    wrong: Vec<Digest>,
    /// A tag is not what was expected.
    changed: bool,
}

impl Objections {
    fn read(rows: &[SqliteRow], sparse: Sparse) -> Result<Self, CatalogError> {
        let mut found = Self::default();
        // A digest with two sizes is one that is missing.
        let mut seen = HashSet::new();
        for row in rows {
            let decode = failed("reading what speaks against a manifest");
            let kind: &str = row.try_get(0).map_err(&decode)?;
            let held: Option<i64> = row.try_get(2).map_err(&decode)?;
            let list = match (kind, held, sparse) {
                ("tag", ..) => {
                    found.changed = true;
                    continue;
                }
                (_, Some(_), _) => &mut found.wrong,
                ("blob", None, Sparse::All) | ("manifest", None, Sparse::Indexes | Sparse::All) => &mut found.absent,
                (_, None, _) => &mut found.missing,
            };
            let digest: Digest = parse(row.try_get(1).map_err(&decode)?, "a digest")?;
            if seen.insert(digest.clone()) {
                list.push(digest);
            }
        }
        Ok(found)
    }

    /// What is missing is pushed and the manifest again: only then is the size the client's last fault. And only what could be stored is
    /// worth another look at the tags.
    fn answer(self) -> PutManifest {
        if !self.missing.is_empty() {
            return PutManifest::Missing(self.missing);
        }
        if !self.wrong.is_empty() {
            return PutManifest::WrongSize(self.wrong);
        }
        if self.changed { PutManifest::Changed } else { PutManifest::Stored { absent: self.absent } }
    }
}

fn json(written: serde_json::Result<String>) -> String {
    written.expect("lists of text have no form that JSON lacks")
}

fn expected(tags: &[NewTag]) -> Vec<(&str, Option<&str>)> {
    let mut pairs = Vec::new();
    for new in tags {
        match &new.expected {
            Expected::Anything => {}
            Expected::Nothing => pairs.push((new.tag.as_str(), None)),
            Expected::Digest(digest) => pairs.push((new.tag.as_str(), Some(digest.as_str()))),
        }
    }
    pairs
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

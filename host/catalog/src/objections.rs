//! What speaks against storing a manifest. The writer asks at the moment of the change. Where that takes long, a reader asks before: what
//! it refuses makes nobody else wait. Both ask with the same SQL.

use std::collections::HashSet;

use bulkhead_core::ports::catalog::{
    Attribute, CatalogError, Expected, Lock, LockedBy, NewManifest, NewTag, PutManifest, Sparse,
};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Descriptor, Digest, MediaType, RepositoryName};
use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{FromRow, Sqlite, query_as};

use crate::convert::{json, parse};
use crate::readers::Readers;

/// A manifest with more references is large.
const MANY_REFERENCES: usize = 256;
/// So is one with a longer body, in bytes.
const LONG_BODY: usize = 64 * 1024;

/// The rows are what speaks against a manifest: a kind, which digest, type or tag, and for a digest the size that is there (null: it is
/// missing). `$1` to `$7` are what a [`Question`] binds.
macro_rules! objections {
    () => {
        concat!(
            "SELECT 'blob' AS kind, value ->> 0 AS what, held FROM (SELECT value, (
                 SELECT size FROM repository_blobs CROSS JOIN blobs ON registry_id = $1 AND blobs.digest = repository_blobs.digest
                 WHERE repository_blobs.digest = value ->> 0 AND repository_id = ",
            $crate::sql::repository!(),
            ") AS held FROM json_each($3)) WHERE held IS NOT value ->> 1
             UNION ALL SELECT 'manifest', value ->> 0, held FROM (SELECT value, (
                 SELECT size FROM manifests WHERE digest = value ->> 0 AND repository_id = ",
            $crate::sql::repository!(),
            ") AS held FROM json_each($4)) WHERE held IS NOT value ->> 1
             UNION ALL SELECT 'type', media_type, NULL FROM manifests WHERE digest = $5 AND media_type <> $6 AND repository_id = ",
            $crate::sql::repository!(),
            " UNION ALL SELECT iif(write_enabled = 0, 'locked', 'tag'), value ->> 0, NULL FROM json_each($7)
             LEFT JOIN tags ON tags.name = value ->> 0 AND repository_id = ",
            $crate::sql::repository!(),
            " WHERE write_enabled = 0 OR value ->> 1 AND tags.digest IS NOT value ->> 2
             UNION ALL SELECT 'repository', name, NULL FROM repositories
             WHERE registry_id = $1 AND name = $2 AND write_enabled = 0"
        )
    };
}
pub(crate) use objections;

/// The same rows as one JSON list: many single rows take longer than all else.
macro_rules! objections_at_once {
    () => {
        concat!("SELECT json_group_array(json_array(kind, what, held)) FROM (", $crate::objections::objections!(), ")")
    };
}
pub(crate) use objections_at_once;

const OBJECTIONS: &str = objections_at_once!();

/// One row of the answer.
pub(crate) type Row = (String, String, Option<i64>);

/// Asks what speaks against a manifest.
pub(crate) struct Question {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    /// JSON: pairs of digest and size, of blobs that must be there.
    blobs: String,
    /// JSON: pairs of digest and size, of manifests that must be there.
    manifests: String,
    pub(crate) digest: Digest,
    media_type: String,
    /// JSON, of all tags that are to be set: the tag, whether it matters what it points to, and the digest that it must point to; null: there
    /// must be no such tag.
    tags: String,
    sparse: Sparse,
    large: bool,
}

impl Question {
    pub(crate) fn new(registry: RegistryId, new: &NewManifest<'_>) -> Self {
        let manifest = new.manifest;
        let required = manifest.blobs.iter().filter(|blob| !blob.foreign);
        let references = manifest.blobs.len() + manifest.manifests.len();
        Self {
            registry,
            repository: new.repository.clone(),
            blobs: json(serde_json::to_string(&sized(required))),
            manifests: json(serde_json::to_string(&sized(manifest.manifests.iter()))),
            digest: new.digest.clone(),
            media_type: manifest.media_type.to_string(),
            tags: json(serde_json::to_string(&expected(new.tags))),
            sparse: new.sparse,
            large: references > MANY_REFERENCES || new.body.len() > LONG_BODY,
        }
    }

    /// Whether to ask, or to store and undo, takes so long that others should not wait for it.
    pub(crate) fn is_large(&self) -> bool {
        self.large
    }

    /// The statement or script, with the values of `$1` to `$7` bound.
    pub(crate) fn ask<T>(&self, script: &'static str) -> QueryAs<'_, Sqlite, T, SqliteArguments>
    where
        T: for<'r> FromRow<'r, SqliteRow>,
    {
        query_as(script)
            .bind(self.registry.0)
            .bind(self.repository.as_str())
            .bind(self.blobs.as_str())
            .bind(self.manifests.as_str())
            .bind(self.digest.as_str())
            .bind(self.media_type.as_str())
            .bind(self.tags.as_str())
    }

    /// What the rows say.
    pub(crate) fn answer(&self, rows: Vec<Row>) -> Result<PutManifest, CatalogError> {
        Ok(Objections::read(rows, self.sparse)?.answer())
    }

    /// What the rows say that came at once.
    pub(crate) fn answer_at_once(&self, listed: &[(String,)]) -> Result<PutManifest, CatalogError> {
        let [(listed,)] = listed else {
            return Err(CatalogError(format!("reading what speaks against a manifest: {} lists: it is one", listed.len())));
        };
        let rows = serde_json::from_str(listed)
            .map_err(|error| CatalogError(format!("reading what speaks against a manifest: {error}")))?;
        self.answer(rows)
    }
}

impl Readers {
    /// What becomes of a manifest by what there is now. Nothing is stored.
    pub(crate) async fn objections(&self, question: &Question) -> Result<PutManifest, CatalogError> {
        question.answer_at_once(&self.all("asking what speaks against a manifest", question.ask(OBJECTIONS)).await?)
    }
}

/// What speaks against a manifest.
#[derive(Default)]
struct Objections {
    /// It may not be written, or a tag of it may not.
    lock: Option<LockedBy>,
    /// It is there, as this type.
    other_type: Option<MediaType>,
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
    fn read(rows: Vec<Row>, sparse: Sparse) -> Result<Self, CatalogError> {
        let mut found = Self::default();
        // A digest with two sizes is one that is missing.
        let mut seen = HashSet::new();
        for (kind, text, held) in rows {
            let list = match (kind.as_str(), held, sparse) {
                ("repository", ..) => {
                    found.lock = Some(LockedBy::Repository);
                    continue;
                }
                ("locked", ..) => {
                    let tag = LockedBy::Tag(parse(&text, "a tag")?);
                    found.lock.get_or_insert(tag);
                    continue;
                }
                ("tag", ..) => {
                    found.changed = true;
                    continue;
                }
                ("type", ..) => {
                    found.other_type = Some(parse(&text, "a media type")?);
                    continue;
                }
                (_, Some(_), _) => &mut found.wrong,
                ("blob", None, Sparse::All) | ("manifest", None, Sparse::Indexes | Sparse::All) => &mut found.absent,
                (_, None, _) => &mut found.missing,
            };
            let digest: Digest = parse(&text, "a digest")?;
            if seen.insert(digest.clone()) {
                list.push(digest);
            }
        }
        Ok(found)
    }

    /// Nothing helps against a lock, and no push of anything else against another type. What is missing is pushed and the manifest again: only then is the size the
    /// client's last fault. And only what could be stored is worth another look at the tags.
    fn answer(self) -> PutManifest {
        if let Some(on) = self.lock {
            return PutManifest::Locked(Lock { on, attribute: Attribute::Write });
        }
        if let Some(media_type) = self.other_type {
            return PutManifest::OtherType(media_type);
        }
        if !self.missing.is_empty() {
            return PutManifest::Missing(self.missing);
        }
        if !self.wrong.is_empty() {
            return PutManifest::WrongSize(self.wrong);
        }
        if self.changed { PutManifest::Changed } else { PutManifest::Stored { absent: self.absent } }
    }
}

fn expected(tags: &[NewTag]) -> Vec<(&str, bool, Option<&str>)> {
    let mut all = Vec::with_capacity(tags.len());
    for new in tags {
        all.push(match &new.expected {
            Expected::Anything => (new.tag.as_str(), false, None),
            Expected::Nothing => (new.tag.as_str(), true, None),
            Expected::Digest(digest) => (new.tag.as_str(), true, Some(digest.as_str())),
        });
    }
    all
}

/// Two sizes for one digest are two pairs: at least one of them is wrong.
fn sized<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<(&'a str, u64)> {
    let mut seen = HashSet::new();
    descriptors.map(|descriptor| (descriptor.digest.as_str(), descriptor.size)).filter(|pair| seen.insert(*pair)).collect()
}

//! What goes: blobs, manifests, tags, and whole repositories.
//!
//! Each script removes what it is asked to and tells what that was, and who needs it; then it is judged, and undone if it may not be.

use std::collections::{HashMap, HashSet};

use bulkhead_core::ports::catalog::{
    Announce, Attributes, CatalogError, Deletion, Expected, Lock, LockedBy, Referenced, RemovedManifest, RepositoryDeletion,
};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Digest, RepositoryName, Tag};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Answer, Deliveries, Outcome, Work, script};
use crate::cache::Key;
use crate::convert::{failed, from_row, parse};
use crate::sql::{guarded, repository};

/// What a script told: each row is a word and a text. Those of what has attributes go on with `delete_enabled` and `write_enabled`; then
/// that of a tag has one column more, that of a manifest three.
#[derive(Default)]
struct Told {
    /// A manifest that needs what was removed.
    needed: Option<Digest>,
    blobs: Vec<Digest>,
    manifests: Vec<RemovedManifest>,
    /// With what they pointed to.
    tags: Vec<(Tag, Digest)>,
    /// A repository's row is gone.
    repository: bool,
    /// What stands in the way: the repository's own lock before all others.
    lock: Option<Lock>,
    /// Something in the repository is locked.
    guarded: bool,
}

impl Told {
    fn read(rows: &[SqliteRow]) -> Result<Self, CatalogError> {
        let mut told = Self::default();
        for row in rows {
            let decode = failed("reading what is removed");
            let (word, text): (&str, &str) = (row.try_get(0).map_err(&decode)?, row.try_get(1).map_err(&decode)?);
            match word {
                "needed" => told.needed = Some(parse(text, "a digest")?),
                "blob" => told.blobs.push(parse(text, "a digest")?),
                "manifest" => {
                    let digest: Digest = parse(text, "a digest")?;
                    told.heed(row, || LockedBy::Manifest(digest.clone()))?;
                    told.manifests.push(RemovedManifest {
                        digest,
                        media_type: parse(row.try_get(4).map_err(&decode)?, "a media type")?,
                        size: from_row(row.try_get(5).map_err(&decode)?, "a manifest's size")?,
                        artifact_type: row.try_get(6).map_err(&decode)?,
                    });
                }
                "tag" => {
                    let tag: Tag = parse(text, "a tag")?;
                    told.heed(row, || LockedBy::Tag(tag.clone()))?;
                    told.tags.push((tag, parse(row.try_get(4).map_err(&decode)?, "a digest")?));
                }
                "in" => told.heed(row, || LockedBy::Repository)?,
                "repository" => told.repository = true,
                "guarded" => told.guarded = true,
                other => return Err(CatalogError(format!("reading what is removed: a script told of {other:?}"))),
            }
        }
        Ok(told)
    }

    /// The first lock is told: scripts begin with the repository's.
    fn heed(&mut self, row: &SqliteRow, on: impl FnOnce() -> LockedBy) -> Result<(), CatalogError> {
        let decode = failed("reading what is locked");
        let attributes = Attributes {
            delete_enabled: row.try_get(2).map_err(&decode)?,
            write_enabled: row.try_get(3).map_err(&decode)?,
            ..Attributes::default()
        };
        if let (None, Some(attribute)) = (&self.lock, attributes.against_deletion()) {
            self.lock = Some(Lock { on: on(), attribute });
        }
        Ok(())
    }

    /// The cache remembers nothing of a repository but its attributes and what it has, so these are the keys of all that it may remember of
    /// what went.
    fn changed(&self, work: &mut Work<'_>, registry: RegistryId, repository: &RepositoryName) {
        let tags = self.tags.iter().map(|(tag, _)| Key::Tag(registry, repository.clone(), tag.clone()));
        let manifests = self.manifests.iter().map(|gone| Key::Manifest(registry, repository.clone(), gone.digest.clone()));
        let blobs = self.blobs.iter().map(|digest| Key::Blob(registry, repository.clone(), digest.clone()));
        work.changed.extend(tags.chain(manifests).chain(blobs));
        if self.repository {
            work.changed.push(Key::Repository(registry, repository.clone()));
        }
    }
}

/// The repository itself, with its attributes. The first of a script.
macro_rules! within {
    () => {
        "SELECT 'in', name, delete_enabled, write_enabled FROM repositories WHERE registry_id = $1 AND name = $2"
    };
}

/// The repository changed at `$N`.
macro_rules! touched {
    ($now:literal) => {
        concat!("UPDATE repositories SET updated = ", $now, " WHERE registry_id = $1 AND name = $2 AND updated < ", $now)
    };
}

/// An index of the repository, other than `$3` itself, that lists the manifest `$3`; looked for if `$4` is true, or something is locked.
macro_rules! listing {
    () => {
        concat!(
            "SELECT 'needed', manifests.digest FROM manifest_references AS needs JOIN manifests ON manifests.id = needs.manifest
             WHERE ($4 OR ",
            guarded!(),
            ") AND needs.digest = $3 AND needs.kind = 'manifest' AND manifests.digest <> $3 AND needs.repository_id = ",
            repository!(),
            " LIMIT 1"
        )
    };
}

/// A manifest of the repository that needs the blob `$3`, among those whose numbers are greater than `$4`; null: none is looked for. The
/// plus keeps SQLite from walking over all that the repository has.
macro_rules! needed_since {
    () => {
        concat!(
            "SELECT 'needed', manifests.digest FROM manifests CROSS JOIN manifest_references AS needs
                 ON needs.manifest = manifests.id AND needs.kind = 'blob' AND needs.digest = $3
             WHERE manifests.id > $4 AND +manifests.repository_id = ",
            repository!(),
            " LIMIT 1"
        )
    };
}

#[cfg(test)]
pub(crate) const LISTING: &str = listing!();
#[cfg(test)]
pub(crate) const NEEDED_SINCE: &str = needed_since!();

/// Removes what the condition says of the repository's rows in the table, and tells of each.
macro_rules! remove {
    ($word:literal, $table:literal, $text:literal, $condition:literal) => {
        concat!("DELETE FROM ", $table, " WHERE repository_id = ", repository!(), $condition, " RETURNING '", $word, "', ", $text)
    };
}

pub(crate) struct RemoveBlob {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    pub(crate) digest: Digest,
    /// No manifest with a number up to this one needs it; none: it may go although it is needed.
    pub(crate) unneeded_up_to: Option<i64>,
    pub(crate) deliveries: Deliveries,
}

/// Where nobody asked who needs it, something may have been locked since it was found that nobody had to.
const REMOVE_BLOB: &str = script!(
    within!(),
    concat!("SELECT 'guarded', '' WHERE $4 IS NULL AND ", guarded!()),
    needed_since!(),
    remove!("blob", "repository_blobs", "digest", " AND digest = $3"),
);

impl RemoveBlob {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(REMOVE_BLOB)
            .bind(self.registry.0)
            .bind(self.repository.as_str())
            .bind(self.digest.as_str())
            .bind(self.unneeded_up_to);
        let told = Told::read(&work.rows("removing a blob", script).await?)?;
        if told.blobs.is_empty() {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::Absent)));
        }
        if let Some(lock) = told.lock {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::Locked(lock))));
        }
        if let Some(manifest) = told.needed {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::NeededBy(manifest))));
        }
        if told.guarded {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::Changed)));
        }
        self.deliveries.insert(work, self.registry).await?;
        told.changed(work, self.registry, &self.repository);
        Ok(Outcome::Keep(Answer::Deletion(Deletion::Deleted)))
    }
}

pub(crate) struct RemoveManifest {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) referenced: Referenced,
    /// All tags that may go with it.
    pub(crate) reviewed: Option<HashSet<Tag>>,
    pub(crate) now: i64,
    pub(crate) deliveries: Deliveries,
}

const REMOVE_MANIFEST: &str = script!(
    within!(),
    listing!(),
    remove!("tag", "tags", "name, delete_enabled, write_enabled, digest", " AND digest = $3"),
    remove!(
        "manifest",
        "manifests",
        "digest, delete_enabled, write_enabled, media_type, size, artifact_type",
        " AND digest = $3"
    ),
    touched!("$5"),
    "UPDATE repositories SET listed = 0 WHERE registry_id = $1 AND name = $2 AND listed = 1
     AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository_id = repositories.id)",
);

impl RemoveManifest {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(REMOVE_MANIFEST)
            .bind(self.registry.0)
            .bind(self.repository.as_str())
            .bind(self.digest.as_str())
            .bind(self.referenced == Referenced::Refuse)
            .bind(self.now);
        let told = Told::read(&work.rows("removing a manifest", script).await?)?;
        if told.manifests.is_empty() {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::Absent)));
        }
        if let Some(lock) = told.lock {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::Locked(lock))));
        }
        // Before the tags: what is needed is not worth another look at them.
        if let Some(manifest) = told.needed {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::NeededBy(manifest))));
        }
        if !self.reviewed.is_none_or(|reviewed| told.tags.iter().all(|(tag, _)| reviewed.contains(tag))) {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::Changed)));
        }
        self.deliveries.insert(work, self.registry).await?;
        told.changed(work, self.registry, &self.repository);
        Ok(Outcome::Keep(Answer::Deletion(Deletion::Deleted)))
    }
}

pub(crate) struct RemoveTag {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    pub(crate) tag: Tag,
    pub(crate) expected: Expected,
    pub(crate) now: i64,
    pub(crate) deliveries: Deliveries,
}

const REMOVE_TAG: &str =
    script!(within!(), remove!("tag", "tags", "name, delete_enabled, write_enabled, digest", " AND name = $3"), touched!("$4"),);

impl RemoveTag {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script =
            sqlx::query(REMOVE_TAG).bind(self.registry.0).bind(self.repository.as_str()).bind(self.tag.as_str()).bind(self.now);
        let told = Told::read(&work.rows("removing a tag", script).await?)?;
        let Some((_, pointed)) = told.tags.first() else { return Ok(Outcome::Undo(Answer::Deletion(Deletion::Absent))) };
        if let Some(lock) = told.lock {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::Locked(lock))));
        }
        let as_expected = match &self.expected {
            Expected::Anything => true,
            Expected::Nothing => false,
            Expected::Digest(digest) => digest == pointed,
        };
        if !as_expected {
            return Ok(Outcome::Undo(Answer::Deletion(Deletion::Changed)));
        }
        self.deliveries.insert(work, self.registry).await?;
        work.changed.push(Key::Tag(self.registry, self.repository, self.tag));
        Ok(Outcome::Keep(Answer::Deletion(Deletion::Deleted)))
    }
}

pub(crate) struct RemoveRepository {
    pub(crate) registry: RegistryId,
    pub(crate) repository: RepositoryName,
    /// All tags that may go with it, with what they may point to.
    pub(crate) reviewed: Option<HashMap<Tag, Digest>>,
    pub(crate) announce: Announce,
}

/// With what it has gone, nothing refers to the repository's row any more: uploads name it by its name.
const REMOVE_REPOSITORY: &str = script!(
    within!(),
    remove!("tag", "tags", "name, delete_enabled, write_enabled, digest", ""),
    remove!("manifest", "manifests", "digest, delete_enabled, write_enabled, media_type, size, artifact_type", ""),
    remove!("blob", "repository_blobs", "digest", ""),
    "DELETE FROM repositories WHERE registry_id = $1 AND name = $2 RETURNING 'repository', name",
);

impl RemoveRepository {
    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        let script = sqlx::query(REMOVE_REPOSITORY).bind(self.registry.0).bind(self.repository.as_str());
        let mut told = Told::read(&work.rows("removing a repository", script).await?)?;
        if !told.repository {
            return Ok(Outcome::Undo(Answer::Repository(RepositoryDeletion::Absent)));
        }
        if let Some(lock) = told.lock {
            return Ok(Outcome::Undo(Answer::Repository(RepositoryDeletion::Locked(lock))));
        }
        if !self.reviewed.is_none_or(|reviewed| told.tags.iter().all(|(tag, pointed)| reviewed.get(tag) == Some(pointed))) {
            return Ok(Outcome::Undo(Answer::Repository(RepositoryDeletion::Changed)));
        }
        told.changed(work, self.registry, &self.repository);
        told.manifests.sort_unstable_by(|one, other| one.digest.as_str().cmp(other.digest.as_str()));
        let mut tags: Vec<Tag> = told.tags.into_iter().map(|(tag, _)| tag).collect();
        tags.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        let deliveries = (self.announce)(&told.manifests);
        Deliveries::new(&deliveries, None)?.insert(work, self.registry).await?;
        let manifests = told.manifests.into_iter().map(|gone| gone.digest).collect();
        Ok(Outcome::Keep(Answer::Repository(RepositoryDeletion::Deleted { manifests, tags })))
    }
}

//! Manifests that are stored, and tags that are set on them.
//!
//! A manifest that is there never changes. A row gets a number that no row had since the catalog was opened: whoever knows all up to one
//! number needs to look at those after it alone.

use std::collections::HashSet;

use bulkhead_core::ports::catalog::{CatalogError, NewManifest, PutManifest};
use bulkhead_core::ports::ids::RegistryId;
use bulkhead_oci::{Descriptor, Manifest, Tag};

use super::{Answer, Deliveries, Outcome, Work, script};
use crate::cache::Key;
use crate::convert::{json, time, to_row};
use crate::objections::{Question, objections, objections_at_once};

pub(crate) struct StoreManifest {
    question: Question,
    size: i64,
    artifact_type: Option<String>,
    subject: Option<String>,
    /// JSON: an object of strings; none: it has none, or no subject that would show them.
    annotations: Option<String>,
    body: Vec<u8>,
    tags: Vec<Tag>,
    now: i64,
    deliveries: Deliveries,
    /// JSON: pairs of kind and digest.
    references: String,
}

/// If the manifest is there already, no row is numbered `$14`.
macro_rules! insertions {
    () => {
        "INSERT INTO repositories (registry_id, name, created, updated, listed) VALUES ($1, $2, $8, $8, 1)
         ON CONFLICT (registry_id, name) DO UPDATE SET listed = 1 WHERE listed = 0;
         UPDATE repositories SET updated = $8 WHERE registry_id = $1 AND name = $2 AND updated < $8;
         INSERT INTO manifests (id, repository_id, digest, media_type, size, artifact_type, subject, created, body)
         SELECT $14, id, $5, $6, $9, $10, $11, $8, $12 FROM repositories WHERE registry_id = $1 AND name = $2
         ON CONFLICT (repository_id, digest) DO NOTHING;
         INSERT INTO manifest_references (repository_id, manifest, kind, digest)
         SELECT repository_id, manifests.id, value ->> 0, value ->> 1 FROM manifests CROSS JOIN json_each($13)
         WHERE manifests.id = $14;
         INSERT INTO tags (repository_id, name, digest, created, updated)
         SELECT repositories.id, value ->> 0, $5, $8, $8 FROM repositories, json_each($7) WHERE registry_id = $1 AND name = $2
         ON CONFLICT (repository_id, name) DO UPDATE SET digest = excluded.digest, updated = excluded.updated"
    };
}

/// Few manifests have a subject, so that all others are spared the statement.
macro_rules! annotation {
    () => {
        "INSERT INTO manifest_annotations (manifest, annotations) SELECT id, $15 FROM manifests WHERE id = $14"
    };
}

const STORE: &str = script!(objections!(), insertions!());
const STORE_ANNOTATED: &str = script!(objections!(), insertions!(), annotation!());
/// Large ones are not stored to be undone: first it is asked, then stored.
const ASK: &str = script!(objections_at_once!());
const STORE_ASKED: &str = insertions!();
const STORE_ASKED_ANNOTATED: &str = concat!(insertions!(), "; ", annotation!());

impl StoreManifest {
    pub(crate) fn new(registry: RegistryId, new: NewManifest<'_>) -> Result<Self, CatalogError> {
        let manifest = new.manifest;
        let shown = manifest.subject.is_some() && !manifest.annotations.is_empty();
        let tags: Vec<Tag> = new.tags.iter().map(|new| new.tag.clone()).collect();
        Ok(Self {
            question: Question::new(registry, &new),
            size: to_row(new.body.len() as u64, "a manifest's size")?,
            artifact_type: manifest.artifact_type.clone(),
            subject: manifest.subject.as_ref().map(|subject| subject.digest.to_string()),
            annotations: shown.then(|| json(serde_json::to_string(&manifest.annotations))),
            body: new.body.into(),
            tags,
            now: time(new.now),
            deliveries: Deliveries::new(&new.deliveries, Some(new.now))?,
            references: json(serde_json::to_string(&references(manifest))),
        })
    }

    /// What speaks against it, if that is worth to be asked before it waits for the writer.
    pub(crate) fn question(&self) -> Option<&Question> {
        Some(&self.question).filter(|question| question.is_large())
    }

    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        const DOING: &str = "storing a manifest";
        let asked = match self.question() {
            Some(question) => Some(question.answer_at_once(&work.all(DOING, question.ask(ASK)).await?)?),
            None => None,
        };
        if let Some(refused) = asked.as_ref().filter(|put| !matches!(put, PutManifest::Stored { .. })) {
            return Ok(Outcome::Undo(Answer::Manifest(refused.clone())));
        }
        let script = match (&asked, &self.annotations) {
            (None, None) => STORE,
            (None, Some(_)) => STORE_ANNOTATED,
            (Some(_), None) => STORE_ASKED,
            (Some(_), Some(_)) => STORE_ASKED_ANNOTATED,
        };
        *work.last_manifest += 1;
        let script = self
            .question
            .ask(script)
            .bind(self.now)
            .bind(self.size)
            .bind(self.artifact_type)
            .bind(self.subject)
            .bind(self.body)
            .bind(self.references)
            .bind(*work.last_manifest)
            .bind(self.annotations);
        let rows = work.all(DOING, script).await?;
        let Question { registry, repository, digest, .. } = &self.question;
        let put = match asked {
            Some(put) => put,
            None => self.question.answer(rows)?,
        };
        if !matches!(put, PutManifest::Stored { .. }) {
            return Ok(Outcome::Undo(Answer::Manifest(put)));
        }
        self.deliveries.insert(work, *registry).await?;
        work.changed.extend(self.tags.into_iter().map(|tag| Key::Tag(*registry, repository.clone(), tag)));
        work.changed.push(Key::Manifest(*registry, repository.clone(), digest.clone()));
        Ok(Outcome::Keep(Answer::Manifest(put)))
    }
}

fn distinct<'a>(descriptors: impl Iterator<Item = &'a Descriptor>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    descriptors.map(|descriptor| descriptor.digest.as_str()).filter(|digest| seen.insert(*digest)).collect()
}

fn references(manifest: &Manifest) -> Vec<(&'static str, &str)> {
    let kinds = [("blob", &manifest.blobs[..]), ("manifest", &manifest.manifests[..]), ("subject", manifest.subject.as_slice())];
    kinds.into_iter().flat_map(|(kind, list)| distinct(list.iter()).into_iter().map(move |digest| (kind, digest))).collect()
}

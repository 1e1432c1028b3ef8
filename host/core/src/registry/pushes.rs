//! Pushes of manifests: checked, admitted, and stored with all their tags or not at all. A manifest is kept byte for byte.

use std::sync::Arc;

use bulkhead_oci::{Algorithm, Digest, Manifest, MediaType, Reference, RepositoryName, Tag};
use bytes::Bytes;
use sha2::{Digest as _, Sha256, Sha512};

use super::manifests::manifest_target;
use super::notes::{Notes, detached};
use super::{Act, Condition, Registry, RegistryError};
use crate::ports::admission::{Change, ManifestChange, TagState};
use crate::ports::audit::AuditAction;
use crate::ports::catalog::{Attributes, Expected, ManifestRecord, NewDelivery, NewManifest, NewTag, PutManifest};
use crate::ports::event::EventAction;

/// How often a change is looked at anew because its tags changed meanwhile.
pub(super) const ATTEMPTS: usize = 8;

/// A manifest as it comes.
#[derive(Clone, Debug)]
pub struct ManifestPush {
    /// Under what.
    pub target: PushTarget,
    /// `Content-Type`.
    pub content_type: Option<MediaType>,
    /// The bytes.
    pub body: Bytes,
    /// What must hold of what is there.
    pub condition: Condition,
}

/// What a manifest is pushed under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushTarget {
    /// A tag. The digest is of this algorithm.
    Tag {
        /// The tag.
        tag: Tag,
        /// SHA-256, which every client reads, unless the client wants another.
        algorithm: Algorithm,
    },
    /// Its digest, with any number of tags.
    Digest {
        /// As the client has it.
        digest: Digest,
        /// Tags to set.
        tags: Vec<Tag>,
    },
}

impl PushTarget {
    /// For the audit log, as far as the client says it.
    fn told(&self) -> Vec<String> {
        match self {
            Self::Tag { tag, .. } => vec![tag.to_string()],
            Self::Digest { digest, tags } => told(digest, tags),
        }
    }
}

/// What a push of a manifest made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedManifest {
    /// Its digest.
    pub digest: Digest,
    /// What it refers to.
    pub subject: Option<Digest>,
    /// The tags that were set, in the order of the request.
    pub tags: Vec<Tag>,
    /// For the client.
    pub warnings: Vec<String>,
}

/// A push that has been read.
struct Push<'a> {
    act: Act<'a>,
    repository: &'a RepositoryName,
    manifest: Manifest,
    record: ManifestRecord,
    config: Option<Bytes>,
    tags: Vec<Tag>,
    condition: Condition,
}

impl Push<'_> {
    /// For the audit log.
    fn told(&self) -> Vec<String> {
        told(&self.record.digest, &self.tags)
    }
}

fn told(digest: &Digest, tags: &[Tag]) -> Vec<String> {
    std::iter::once(digest.to_string()).chain(tags.iter().map(ToString::to_string)).collect()
}

impl Registry {
    /// Stores a manifest under its digest, and sets all the tags of the push.
    ///
    /// # Errors
    /// [`RegistryError`]: nothing was stored.
    pub async fn put_manifest(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        push: ManifestPush,
    ) -> Result<PushedManifest, RegistryError> {
        let (registry, owned, repository) = (Arc::clone(self), act.to_owned(), repository.clone());
        detached(async move {
            let mut notes = Notes { targets: push.target.told(), ..Notes::default() };
            let put = registry.try_put(owned.act(), &repository, push, &mut notes).await;
            registry.conclude(owned.act(), AuditAction::PushManifest, &repository, notes, put).await
        })
        .await
    }

    async fn try_put(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        push: ManifestPush,
        notes: &mut Notes,
    ) -> Result<PushedManifest, RegistryError> {
        self.check_writable(repository).await?;
        let push = self.read_push(act, repository, push).await?;
        notes.targets = push.told();
        for _ in 0..ATTEMPTS {
            notes.warnings.clear();
            let tags = self.admit_push(&push, notes).await?;
            let deliveries = self.push_deliveries(&push);
            let any = !deliveries.is_empty();
            let new = NewManifest {
                repository,
                digest: &push.record.digest,
                manifest: &push.manifest,
                body: push.record.body.clone(),
                tags: &tags,
                sparse: self.parts.rules.sparse,
                now: self.parts.clock.now(),
                deliveries,
            };
            match self.parts.catalog.put_manifest(self.parts.id, new).await? {
                PutManifest::Missing(missing) => return Err(RegistryError::MissingReferences(missing)),
                PutManifest::WrongSize(wrong) => return Err(RegistryError::WrongSizes(wrong)),
                PutManifest::Changed => {}
                PutManifest::Locked(lock) => return Err(lock.into()),
                PutManifest::OtherType(media_type) => return Err(RegistryError::OtherType(media_type)),
                PutManifest::Stored { absent } => {
                    self.ring(any);
                    let mut warnings = std::mem::take(&mut notes.warnings);
                    warnings.extend(warn_of(&absent));
                    let subject = push.manifest.subject.map(|subject| subject.digest);
                    return Ok(PushedManifest { digest: push.record.digest, subject, tags: push.tags, warnings });
                }
            }
        }
        Err(RegistryError::Contended)
    }

    async fn read_push<'a>(
        &self,
        act: Act<'a>,
        repository: &'a RepositoryName,
        push: ManifestPush,
    ) -> Result<Push<'a>, RegistryError> {
        let limit = self.parts.rules.max_manifest_bytes;
        if push.body.len() > limit {
            return Err(RegistryError::TooLarge { limit: limit as u64 });
        }
        let manifest = Manifest::parse(push.content_type.as_ref(), &push.body)?;
        let (digest, tags) = settle(push.target, &push.body)?;
        let config = self.reviewed_config(repository, &manifest).await?;
        let record = ManifestRecord {
            digest,
            media_type: manifest.media_type.clone(),
            body: push.body,
            artifact_type: manifest.artifact_type.clone(),
            attributes: Attributes::default(),
        };
        Ok(Push { act, repository, manifest, record, config, tags, condition: push.condition })
    }

    /// Checks the condition and asks the plugins. What they were told of the tags is what the catalog must find.
    async fn admit_push(&self, push: &Push<'_>, notes: &mut Notes) -> Result<Vec<NewTag>, RegistryError> {
        if !self.has_admission() && push.condition.is_none() {
            return Ok(push.tags.iter().map(|tag| NewTag { tag: tag.clone(), expected: Expected::Anything }).collect());
        }
        let states = self.parts.catalog.tag_states(self.parts.id, push.repository, &push.tags).await?;
        if states.is_empty() && !push.condition.is_none() {
            // What lies under a digest never changes, so it need not be looked at again later.
            let reference = Reference::Digest(push.record.digest.clone());
            let now = self.parts.catalog.manifest(self.parts.id, push.repository, &reference).await?;
            push.condition.check(now.map(|record| record.digest).as_ref())?;
        }
        for state in &states {
            push.condition.check(state.now.as_ref())?;
        }
        let change = Change::PutManifest(ManifestChange {
            digest: &push.record.digest,
            media_type: &push.record.media_type,
            body: &push.record.body,
            config: push.config.as_deref(),
            tags: &states,
        });
        self.review(push.act, push.repository, &change, notes).await?;
        let expected =
            |state: TagState| NewTag { tag: state.tag, expected: state.now.map_or(Expected::Nothing, Expected::Digest) };
        Ok(states.into_iter().map(expected).collect())
    }

    /// One event for each tag, or one for a push without.
    fn push_deliveries(&self, push: &Push<'_>) -> Vec<NewDelivery> {
        let event = |tag| self.deliveries(push.act, EventAction::Push, manifest_target(push.repository, &push.record, tag));
        if push.tags.is_empty() { event(None) } else { push.tags.iter().flat_map(|tag| event(Some(tag))).collect() }
    }
}

/// The manifest's digest, if the body agrees, and its tags, each once.
fn settle(target: PushTarget, body: &[u8]) -> Result<(Digest, Vec<Tag>), RegistryError> {
    match target {
        PushTarget::Tag { tag, algorithm } => Ok((digest_of(algorithm, body), vec![tag])),
        PushTarget::Digest { digest: expected, tags } => {
            let found = digest_of(expected.algorithm(), body);
            if expected != found {
                return Err(RegistryError::DigestMismatch { expected, found });
            }
            let mut distinct = Vec::with_capacity(tags.len());
            for tag in tags {
                if !distinct.contains(&tag) {
                    distinct.push(tag);
                }
            }
            Ok((found, distinct))
        }
    }
}

fn digest_of(algorithm: Algorithm, body: &[u8]) -> Digest {
    match algorithm {
        Algorithm::Sha256 => Digest::from_bytes(algorithm, &Sha256::digest(body)),
        Algorithm::Sha512 => Digest::from_bytes(algorithm, &Sha512::digest(body)),
    }
    .expect("a hash has its algorithm's length")
}

fn warn_of(absent: &[Digest]) -> Option<String> {
    let first = absent.first()?;
    let more = match absent.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "This manifest refers to content that is not in this repository: {first}{more}. That cannot be pulled from here."
    ))
}

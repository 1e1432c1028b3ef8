//! Attributes, and what they forbid.

use bulkhead_core::ports::catalog::{
    Attribute, Attributed, AttributedFacts, Attributes, AttributesChange, AttributesRecord, Lock, LockedBy,
};
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_oci::{Digest, RepositoryName, Tag};

use super::tables::{Place, Tables};
use crate::testing::NOW;

/// What was changed of one of them, and when.
#[derive(Clone, Copy)]
pub(super) struct Changed {
    attributes: Attributes,
    updated: Timestamp,
}

fn key(of: &Attributed) -> String {
    match of {
        Attributed::Repository => String::new(),
        Attributed::Manifest(digest) => digest.to_string(),
        Attributed::Tag(tag) => tag.to_string(),
    }
}

fn lock(on: LockedBy, attribute: Option<Attribute>) -> Option<Lock> {
    attribute.map(|attribute| Lock { on, attribute })
}

impl Tables {
    pub(super) fn attributes_of(&self, place: &Place, of: &Attributed) -> Attributes {
        self.changed.get(&(place.clone(), key(of))).map(|changed| changed.attributes).unwrap_or_default()
    }

    pub(super) fn shows_repository(&self, place: &Place) -> bool {
        self.attributes_of(place, &Attributed::Repository).list_enabled
    }

    /// Whether the repository may not be pushed to.
    pub(super) fn write_lock(&self, place: &Place) -> Option<Lock> {
        let writable = self.attributes_of(place, &Attributed::Repository).write_enabled;
        lock(LockedBy::Repository, (!writable).then_some(Attribute::Write))
    }

    /// Whether a tag may not be moved.
    pub(super) fn tag_lock(&self, place: &Place, tag: &Tag) -> Option<Lock> {
        let writable = self.attributes_of(place, &Attributed::Tag(tag.clone())).write_enabled;
        lock(LockedBy::Tag(tag.clone()), (!writable).then_some(Attribute::Write))
    }

    /// Whether one of these may not be deleted.
    pub(super) fn deletion_lock(&self, place: &Place, digests: &[Digest], tags: &[Tag]) -> Option<Lock> {
        let against = |of: &Attributed| self.attributes_of(place, of).against_deletion();
        let repository = lock(LockedBy::Repository, against(&Attributed::Repository));
        let of_tag = |tag: &Tag| lock(LockedBy::Tag(tag.clone()), against(&Attributed::Tag(tag.clone())));
        let of_digest =
            |digest: &Digest| lock(LockedBy::Manifest(digest.clone()), against(&Attributed::Manifest(digest.clone())));
        repository.or_else(|| tags.iter().find_map(of_tag)).or_else(|| digests.iter().find_map(of_digest))
    }

    pub(super) fn attributes_record(&self, place: &Place, of: &Attributed) -> Option<AttributesRecord> {
        let tags_to = |digest: Option<&Digest>| -> Vec<Tag> {
            let here = self.tags.iter().filter(|((at, _), to)| at == place && digest.is_none_or(|digest| *to == digest));
            here.map(|((_, tag), _)| tag.clone()).collect()
        };
        let facts = match of {
            Attributed::Repository => {
                let manifests = self.manifests.keys().filter(|(at, _)| at == place).count() as u64;
                (manifests > 0).then(|| AttributedFacts::Repository { manifests, tags: tags_to(None).len() as u64 })?
            }
            Attributed::Manifest(digest) => {
                let record = &self.manifests.get(&(place.clone(), digest.clone()))?.record;
                let (media_type, size) = (record.media_type.clone(), record.body.len() as u64);
                AttributedFacts::Manifest { media_type, size, tags: tags_to(Some(digest)) }
            }
            Attributed::Tag(tag) => AttributedFacts::Tag { digest: self.tags.get(&(place.clone(), tag.clone()))?.clone() },
        };
        let changed = self.changed.get(&(place.clone(), key(of)));
        let updated = changed.map_or(NOW, |changed| changed.updated);
        Some(AttributesRecord { created: NOW, updated, attributes: self.attributes_of(place, of), facts })
    }

    pub(super) fn change(
        &mut self,
        place: &Place,
        of: &Attributed,
        change: &AttributesChange,
        now: Timestamp,
    ) -> Option<Attributes> {
        let mut attributes = self.attributes_record(place, of)?.attributes;
        for (attribute, value) in change.set() {
            *match attribute {
                Attribute::Delete => &mut attributes.delete_enabled,
                Attribute::Write => &mut attributes.write_enabled,
                Attribute::Read => &mut attributes.read_enabled,
                Attribute::List => &mut attributes.list_enabled,
            } = value;
        }
        self.changed.insert((place.clone(), key(of)), Changed { attributes, updated: now });
        Some(attributes)
    }

    /// A repository that comes later has no lock.
    pub(super) fn forget_attributes(&mut self, place: &Place) {
        self.changed.retain(|(at, _), _| at != place);
    }

    pub(super) fn may_read(&self, registry: bulkhead_core::ports::ids::RegistryId, name: &RepositoryName) -> bool {
        self.attributes_of(&(registry, name.clone()), &Attributed::Repository).read_enabled
    }
}

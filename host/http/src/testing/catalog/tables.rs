//! The rows, and the changes that concern several of them.

use std::collections::{BTreeMap, HashMap};

use bulkhead_core::ports::admission::TagState;
use bulkhead_core::ports::catalog::{
    Attributes, BlobRecord, Deletion, Expected, ManifestRecord, NewManifest, OldManifest, PutManifest, Referenced,
    RepositoryDeletion, Sparse, UploadRecord,
};
use bulkhead_core::ports::ids::{RegistryId, UploadId};
use bulkhead_oci::{Digest, Manifest, RepositoryName, Tag};

use super::locks::Changed;

pub(super) type Place = (RegistryId, RepositoryName);

pub(super) struct Stored {
    pub record: ManifestRecord,
    pub manifest: Manifest,
}

#[derive(Default)]
pub(super) struct Tables {
    pub blobs: BTreeMap<(Place, Digest), BlobRecord>,
    pub uploads: HashMap<(RegistryId, UploadId), UploadRecord>,
    pub manifests: BTreeMap<(Place, Digest), Stored>,
    pub tags: BTreeMap<(Place, Tag), Digest>,
    /// By place, and digest, tag or nothing.
    pub changed: HashMap<(Place, String), Changed>,
}

impl Tables {
    pub(super) fn state(&self, place: &Place, tag: &Tag) -> TagState {
        TagState { tag: tag.clone(), now: self.tags.get(&(place.clone(), tag.clone())).cloned() }
    }

    fn is(&self, place: &Place, tag: &Tag, expected: &Expected) -> bool {
        match expected {
            Expected::Anything => true,
            Expected::Nothing => self.state(place, tag).now.is_none(),
            Expected::Digest(digest) => self.state(place, tag).now.as_ref() == Some(digest),
        }
    }

    /// A manifest of the place that needs this.
    fn needing(&self, place: &Place, digest: &Digest) -> Option<Digest> {
        let needs = |stored: &&Stored| {
            stored.manifest.blobs.iter().chain(&stored.manifest.manifests).any(|descriptor| descriptor.digest == *digest)
        };
        let here = self.manifests.iter().filter(|((at, _), _)| at == place).map(|(_, stored)| stored);
        here.filter(needs).map(|stored| stored.record.digest.clone()).next()
    }

    fn missing(&self, place: &Place, manifest: &Manifest) -> (Vec<Digest>, Vec<Digest>) {
        let absent = |there: &dyn Fn(&Digest) -> bool, all: &[bulkhead_oci::Descriptor]| {
            let needed = all.iter().filter(|descriptor| !descriptor.foreign && !there(&descriptor.digest));
            needed.map(|descriptor| descriptor.digest.clone()).collect::<Vec<_>>()
        };
        let blobs = absent(&|digest| self.blobs.contains_key(&(place.clone(), digest.clone())), &manifest.blobs);
        let manifests = absent(&|digest| self.manifests.contains_key(&(place.clone(), digest.clone())), &manifest.manifests);
        (blobs, manifests)
    }

    pub(super) fn put_manifest(&mut self, place: &Place, new: NewManifest<'_>) -> PutManifest {
        let locked = self.write_lock(place).or_else(|| new.tags.iter().find_map(|tag| self.tag_lock(place, &tag.tag)));
        if let Some(lock) = locked {
            return PutManifest::Locked(lock);
        }
        if !new.tags.iter().all(|tag| self.is(place, &tag.tag, &tag.expected)) {
            return PutManifest::Changed;
        }
        let (blobs, manifests) = self.missing(place, new.manifest);
        let refused = match new.sparse {
            Sparse::Refuse => [blobs.clone(), manifests.clone()].concat(),
            Sparse::Indexes => blobs.clone(),
            Sparse::All => Vec::new(),
        };
        if !refused.is_empty() {
            return PutManifest::Missing(refused);
        }
        let there = self.manifests.get(&(place.clone(), new.digest.clone()));
        if let Some(other) = there.map(|stored| &stored.record.media_type).filter(|there| **there != new.manifest.media_type) {
            return PutManifest::OtherType(other.clone());
        }
        let record = ManifestRecord {
            digest: new.digest.clone(),
            media_type: new.manifest.media_type.clone(),
            body: new.body,
            artifact_type: new.manifest.artifact_type.clone(),
            attributes: Attributes::default(),
        };
        let stored = Stored { record, manifest: new.manifest.clone() };
        self.manifests.insert((place.clone(), new.digest.clone()), stored);
        for tag in new.tags {
            self.tags.insert((place.clone(), tag.tag.clone()), new.digest.clone());
        }
        PutManifest::Stored { absent: [blobs, manifests].concat() }
    }

    pub(super) fn remove_manifest(&mut self, place: &Place, old: &OldManifest<'_>) -> Deletion {
        if let (Some(by), Referenced::Refuse) = (self.needing(place, old.digest), old.referenced) {
            return Deletion::NeededBy(by);
        }
        let points = |at: &Place, to: &Digest| at == place && to == old.digest;
        let unseen = |((at, tag), to): (&(Place, Tag), &Digest)| {
            points(at, to) && old.reviewed.is_some_and(|reviewed| !reviewed.contains(tag))
        };
        if self.tags.iter().any(unseen) {
            return Deletion::Changed;
        }
        let tags: Vec<Tag> = self.tags.iter().filter(|((at, _), to)| points(at, to)).map(|((_, tag), _)| tag.clone()).collect();
        if let Some(lock) = self.deletion_lock(place, std::slice::from_ref(old.digest), &tags) {
            return Deletion::Locked(lock);
        }
        self.tags.retain(|(at, _), to| !points(at, to));
        deletion(self.manifests.remove(&(place.clone(), old.digest.clone())))
    }

    pub(super) fn remove_blob(&mut self, place: &Place, digest: &Digest, referenced: Referenced) -> Deletion {
        if let Some(lock) = self.deletion_lock(place, &[], &[]) {
            return Deletion::Locked(lock);
        }
        match (self.needing(place, digest), referenced) {
            (Some(by), Referenced::Refuse) => Deletion::NeededBy(by),
            _ => deletion(self.blobs.remove(&(place.clone(), digest.clone()))),
        }
    }

    pub(super) fn remove_tag(&mut self, place: &Place, tag: &Tag, expected: &Expected) -> Deletion {
        if let Some(lock) = self.deletion_lock(place, &[], std::slice::from_ref(tag)) {
            return Deletion::Locked(lock);
        }
        match self.is(place, tag, expected) {
            true => deletion(self.tags.remove(&(place.clone(), tag.clone()))),
            false => Deletion::Changed,
        }
    }

    pub(super) fn remove_repository(&mut self, place: &Place, reviewed: Option<&[TagState]>) -> RepositoryDeletion {
        let of = |at: &Place| at == place;
        let manifests: Vec<Digest> = self.manifests.keys().filter(|(at, _)| of(at)).map(|(_, digest)| digest.clone()).collect();
        let tags: Vec<Tag> = self.tags.keys().filter(|(at, _)| of(at)).map(|(_, tag)| tag.clone()).collect();
        if manifests.is_empty() {
            return RepositoryDeletion::Absent;
        }
        if reviewed.is_some_and(|reviewed| !tags.iter().all(|tag| reviewed.contains(&self.state(place, tag)))) {
            return RepositoryDeletion::Changed;
        }
        if let Some(lock) = self.deletion_lock(place, &manifests, &tags) {
            return RepositoryDeletion::Locked(lock);
        }
        self.forget_attributes(place);
        self.manifests.retain(|(at, _), _| !of(at));
        self.tags.retain(|(at, _), _| !of(at));
        self.blobs.retain(|(at, _), _| !of(at));
        RepositoryDeletion::Deleted { manifests, tags }
    }
}

fn deletion<T>(removed: Option<T>) -> Deletion {
    if removed.is_some() { Deletion::Deleted } else { Deletion::Absent }
}

//! What a client of the soak owns: it alone may change or delete it, so it knows what must be there and what must not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many deleted things are remembered, to see that they stay away.
const REMEMBERED: usize = 64;

/// A manifest that the client has pushed.
pub struct Held {
    /// The repository's number.
    pub repository: usize,
    /// Its name.
    pub digest: String,
    /// Its type.
    pub media_type: String,
    /// As pushed.
    pub body: Vec<u8>,
    /// What kind of manifest it is.
    pub kind: Kind,
    /// The blobs that it needs.
    pub blobs: Vec<String>,
}

/// What a manifest is, and what it points to.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// An image.
    Image,
    /// An index of these manifests.
    Index(Vec<String>),
    /// An artifact of this type that refers to a subject.
    Artifact {
        /// `artifactType`.
        artifact_type: &'static str,
        /// The subject's digest.
        subject: String,
    },
}

/// Who may delete a blob from a repository.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// This client.
    Alone,
    /// Nobody, since any client may have pushed it.
    Everybody,
}

/// A blob in a repository.
pub struct Stored {
    /// Its length, in bytes.
    pub size: u64,
    /// Who may delete it.
    pub owner: Owner,
}

/// See the module.
#[derive(Default)]
pub struct Model {
    /// The manifests that are there.
    pub manifests: Vec<Held>,
    /// The tags that are there, by repository, each with the digest that it points to.
    pub tags: BTreeMap<(usize, String), String>,
    /// The blobs that are there, by repository and digest.
    pub blobs: BTreeMap<(usize, String), Stored>,
    /// Paths that were deleted last.
    gone: VecDeque<(usize, String)>,
}

impl Model {
    /// Where a manifest stands in the list.
    pub fn find(&self, repository: usize, digest: &str) -> Option<usize> {
        self.manifests.iter().position(|held| held.repository == repository && held.digest == digest)
    }

    /// A manifest is there under a tag, from now on.
    pub fn hold(&mut self, held: Held) {
        self.came(held.repository, &manifest_path(&held.digest));
        if self.find(held.repository, &held.digest).is_none() {
            self.manifests.push(held);
        }
    }

    /// A blob is there, from now on. What everybody owns stays everybody's.
    pub fn store(&mut self, repository: usize, digest: &str, size: u64, owner: Owner) {
        self.came(repository, &blob_path(digest));
        self.blobs.entry((repository, digest.to_owned())).or_insert(Stored { size, owner });
    }

    /// A blob is there no more.
    pub fn drop_blob(&mut self, repository: usize, digest: &str) {
        self.blobs.remove(&(repository, digest.to_owned()));
        self.went(repository, blob_path(digest));
    }

    /// A tag is there no more.
    pub fn drop_tag(&mut self, repository: usize, tag: &str) {
        self.tags.remove(&(repository, tag.to_owned()));
        self.went(repository, manifest_path(tag));
    }

    /// A manifest is there no more, nor is any tag that pointed to it; these tags.
    pub fn drop_manifest(&mut self, position: usize) -> (Held, Vec<String>) {
        let held = self.manifests.swap_remove(position);
        let tags = self.tags_of(&held);
        for tag in &tags {
            self.drop_tag(held.repository, tag);
        }
        self.went(held.repository, manifest_path(&held.digest));
        (held, tags)
    }

    /// The tags that point to a manifest.
    pub fn tags_of(&self, held: &Held) -> Vec<String> {
        let tags = self.tags_in(held.repository);
        tags.filter(|(_, digest)| **digest == held.digest).map(|(tag, _)| tag.clone()).collect()
    }

    /// All tags of a repository, in their order, with what they point to.
    pub fn tags_in(&self, repository: usize) -> impl Iterator<Item = (&String, &String)> {
        let from = (repository, String::new());
        let below = (repository + 1, String::new());
        self.tags.range(from..below).map(|((_, tag), digest)| (tag, digest))
    }

    /// Whether an index lists this manifest, so that it cannot be deleted.
    pub fn is_listed(&self, repository: usize, digest: &str) -> bool {
        self.manifests.iter().any(|held| {
            held.repository == repository
                && matches!(&held.kind, Kind::Index(children) if children.iter().any(|child| child == digest))
        })
    }

    /// Whether a manifest needs this blob, so that it cannot be deleted.
    pub fn is_needed(&self, repository: usize, digest: &str) -> bool {
        self.manifests.iter().any(|held| held.repository == repository && held.blobs.iter().any(|blob| blob == digest))
    }

    /// The blobs that this client may delete now.
    pub fn free_blobs(&self) -> Vec<(usize, String)> {
        let own = self.blobs.iter().filter(|(_, stored)| stored.owner == Owner::Alone).map(|(key, _)| key);
        own.filter(|(repository, digest)| !self.is_needed(*repository, digest)).cloned().collect()
    }

    /// The artifacts that refer to a manifest, with their types.
    pub fn referrers(&self, repository: usize, to: &str) -> BTreeMap<&str, &'static str> {
        let here = self.manifests.iter().filter(|held| held.repository == repository);
        here.filter_map(|held| match &held.kind {
            Kind::Artifact { artifact_type, subject } if subject == to => Some((held.digest.as_str(), *artifact_type)),
            _ => None,
        })
        .collect()
    }

    /// The repositories that have a manifest of this client.
    pub fn repositories(&self) -> BTreeSet<usize> {
        self.manifests.iter().map(|held| held.repository).collect()
    }

    /// What was deleted last and has not come again: repository, and path below it.
    pub fn gone(&self) -> impl Iterator<Item = &(usize, String)> {
        self.gone.iter()
    }

    fn came(&mut self, repository: usize, path: &str) {
        self.gone.retain(|(place, gone)| *place != repository || gone != path);
    }

    fn went(&mut self, repository: usize, path: String) {
        self.gone.push_back((repository, path));
        if self.gone.len() > REMEMBERED {
            self.gone.pop_front();
        }
    }
}

/// Below `/v2/REPOSITORY/`.
pub fn manifest_path(reference: &str) -> String {
    format!("manifests/{reference}")
}

/// Below `/v2/REPOSITORY/`.
pub fn blob_path(digest: &str) -> String {
    format!("blobs/{digest}")
}

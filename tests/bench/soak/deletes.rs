//! The soak's deletions. What is gone is gone at once; what is needed is refused and stays.

use rand::RngExt as _;

use super::client::{Done, Soaker};
use super::model::{blob_path, manifest_path};
use super::wire::Checked;

impl Soaker<'_> {
    /// The manifest stays.
    pub(super) fn delete_tag(&mut self) -> Checked<Done> {
        let Some(chosen) = self.pick(self.model.tags.len()) else { return Ok(Done::Nothing) };
        let Some(((repository, tag), digest)) = self.model.tags.iter().nth(chosen) else { return Ok(Done::Nothing) };
        let (repository, tag, digest) = (*repository, tag.clone(), digest.clone());
        self.on("DELETE", repository, &manifest_path(&tag), 202)?;
        self.model.drop_tag(repository, &tag);
        self.on("GET", repository, &manifest_path(&tag), 404)?;
        self.on("HEAD", repository, &manifest_path(&digest), 200)?;
        Ok(Done::Yes)
    }

    /// With all its tags, and then mostly with the blobs that nothing needs any more. One that an index lists is refused.
    pub(super) fn delete_manifest(&mut self) -> Checked<Done> {
        let Some(chosen) = self.pick(self.model.manifests.len()) else { return Ok(Done::Nothing) };
        let held = &self.model.manifests[chosen];
        let (repository, path) = (held.repository, manifest_path(&held.digest));
        if self.model.is_listed(repository, &held.digest) {
            self.on("DELETE", repository, &path, 409)?;
            self.check_manifest(held, &held.digest)?;
            return Ok(Done::Yes);
        }
        self.on("DELETE", repository, &path, 202)?;
        let (held, tags) = self.model.drop_manifest(chosen);
        self.on("GET", repository, &path, 404)?;
        for tag in &tags {
            self.on("HEAD", repository, &manifest_path(tag), 404)?;
        }
        if self.random.random_bool(0.75) {
            for digest in &held.blobs {
                if self.model.free_blobs().contains(&(repository, digest.clone())) {
                    self.delete_this_blob(repository, digest)?;
                }
            }
        }
        Ok(Done::Yes)
    }

    /// One that no manifest needs.
    pub(super) fn delete_blob(&mut self) -> Checked<Done> {
        let free = self.model.free_blobs();
        let Some(chosen) = self.pick(free.len()) else { return Ok(Done::Nothing) };
        let (repository, digest) = &free[chosen];
        self.delete_this_blob(*repository, digest)?;
        Ok(Done::Yes)
    }

    fn delete_this_blob(&mut self, repository: usize, digest: &str) -> Checked {
        self.on("DELETE", repository, &blob_path(digest), 202)?;
        self.model.drop_blob(repository, digest);
        self.on("HEAD", repository, &blob_path(digest), 404)
    }

    /// One that a manifest needs, shared or own: refused, and still there.
    pub(super) fn delete_needed_blob(&mut self) -> Checked<Done> {
        let with_blobs = self.held(|held| !held.blobs.is_empty());
        let Some(chosen) = self.pick(with_blobs.len()) else { return Ok(Done::Nothing) };
        let which = self.random.random_range(0..100);
        let held = &self.model.manifests[with_blobs[chosen]];
        let digest = &held.blobs[which % held.blobs.len()];
        self.on("DELETE", held.repository, &blob_path(digest), 409)?;
        self.check_blob(held.repository, digest, self.model.blobs[&(held.repository, digest.clone())].size)?;
        Ok(Done::Yes)
    }

    fn on(&self, method: &str, repository: usize, path: &str, expected: u16) -> Checked {
        self.wire.ask(method, &format!("/v2/{}/{path}", self.world.repositories[repository]), &[expected])?;
        Ok(())
    }
}

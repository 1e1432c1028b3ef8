//! The soak's pulls: what the client owns must be there; what another shows may be gone, but must not be wrong.

use rand::RngExt as _;

use super::client::{Done, Soaker};
use super::wire::Checked;

impl Soaker<'_> {
    /// An own manifest under one of its names, with all its blobs.
    pub(super) fn pull(&mut self) -> Checked<Done> {
        let Some(chosen) = self.pick(self.model.manifests.len()) else { return Ok(Done::Nothing) };
        let tags = self.model.tags_of(&self.model.manifests[chosen]);
        let tag = self.pick(tags.len()).map(|tag| &tags[tag]);
        let held = &self.model.manifests[chosen];
        let reference = tag.unwrap_or(&held.digest);
        let name = &self.world.repositories[held.repository];
        let head = self.wire.ask("HEAD", &format!("/v2/{name}/manifests/{reference}"), &[200])?;
        if head.header("Docker-Content-Digest") != Some(held.digest.as_str()) {
            return Err(format!("HEAD of {name}/{reference} is not {}\n{:?}", held.digest, head.headers));
        }
        self.check_manifest(held, reference)?;
        for digest in &held.blobs {
            self.check_blob(held.repository, digest, self.model.blobs[&(held.repository, digest.clone())].size)?;
        }
        Ok(Done::Yes)
    }

    /// An image of another client, who may be deleting it.
    pub(super) fn pull_from_another(&mut self) -> Checked<Done> {
        let (other, which) = (self.another(), self.random.random_range(0..1000));
        let Some(shown) = self.world.look(other, which) else { return Ok(Done::Nothing) };
        let name = &self.world.repositories[shown.repository];
        // The tag may have moved, so only the bytes are checked.
        self.wire.manifest(name, &shown.tag, &[200, 404])?;
        self.wire.manifest(name, &shown.digest, &[200, 404])?;
        for digest in &shown.blobs {
            self.wire.blob(name, digest, &[200, 404])?;
        }
        Ok(Done::Yes)
    }
}

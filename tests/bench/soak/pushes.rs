//! The soak's writes: images, indexes, artifacts, tags, mounts and uploads that come to nothing.

use bulkhead_tests::digest::Pattern;
use bulkhead_tests::http::{Response, percent_encode};
use bulkhead_tests::image::{self, Blob, media};
use rand::RngExt as _;
use serde_json::json;

use super::client::{Done, Soaker};
use super::model::{Held, Kind, Owner};
use super::wire::{Checked, header};
use super::world::Shown;

/// What the artifacts are.
pub const ARTIFACT_TYPES: [&str; 2] = ["application/vnd.example.sbom.v1+json", "application/vnd.example.signature.v1"];
/// The largest of the small layers, in bytes.
const SMALL: usize = 48 * 1024;

impl Soaker<'_> {
    /// New layers, shared ones and large ones, a configuration, a manifest under a new tag.
    pub(super) fn push_image(&mut self) -> Checked<Done> {
        let repository = self.pick_repository();
        let mut layers: Vec<Blob> = Vec::new();
        for _ in 0..self.random.random_range(1..=4) {
            let layer = match self.random.random_range(0..100) {
                0..20 => self.push_shared(repository)?,
                20..26 => self.push_large(repository)?,
                _ => self.push_small(repository)?,
            };
            if layers.iter().all(|present| present.digest != layer.digest) {
                layers.push(layer);
            }
        }
        let form = if self.random.random_bool(0.5) { media::OCI_MANIFEST } else { media::DOCKER_MANIFEST };
        let config_type = if form == media::OCI_MANIFEST { media::OCI_CONFIG } else { media::DOCKER_CONFIG };
        let tag = self.new_tag();
        let config = Blob::json(config_type, &json!({ "architecture": "amd64", "os": "linux", "config": { "Image": tag } }));
        self.push_bytes(repository, &config, Owner::Alone)?;
        let manifest = Blob::json(form, &image::manifest(form, &config, layers.iter().map(Blob::descriptor).collect()));
        let blobs = layers.iter().chain([&config]).map(|blob| blob.digest.clone()).collect();
        self.put(repository, &tag, manifest, Kind::Image, blobs)?;
        Ok(Done::Yes)
    }

    /// Over one or two own images of a repository.
    pub(super) fn push_index(&mut self) -> Checked<Done> {
        let images: Vec<usize> = self.held(|held| held.kind == Kind::Image);
        let Some(chosen) = self.pick(images.len()) else { return Ok(Done::Nothing) };
        let first = &self.model.manifests[images[chosen]];
        let repository = first.repository;
        let mut neighbours = images.iter().map(|position| &self.model.manifests[*position]);
        let second = neighbours.rfind(|held| held.repository == repository && held.digest != first.digest);
        let children: Vec<Blob> =
            [first].into_iter().chain(second).map(|held| Blob::new(&held.media_type, held.body.clone())).collect();
        let digests = children.iter().map(|child| child.digest.clone()).collect();
        let tag = self.new_tag();
        let value = json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "annotations": { "tag": tag },
                            "manifests": children.iter().map(Blob::descriptor).collect::<Vec<_>>() });
        self.put(repository, &tag, Blob::json(media::OCI_INDEX, &value), Kind::Index(digests), Vec::new())?;
        Ok(Done::Yes)
    }

    /// Something that refers to an own image, pushed by its digest.
    pub(super) fn push_artifact(&mut self) -> Checked<Done> {
        let images: Vec<usize> = self.held(|held| held.kind == Kind::Image);
        let Some(chosen) = self.pick(images.len()) else { return Ok(Done::Nothing) };
        let held = &self.model.manifests[images[chosen]];
        let (repository, subject) = (held.repository, Blob::new(&held.media_type, held.body.clone()));
        let empty = self.world.shared[0].clone();
        self.push_bytes(repository, &empty, Owner::Everybody)?;
        let artifact_type = ARTIFACT_TYPES[self.random.random_range(0..ARTIFACT_TYPES.len())];
        let mut value = image::manifest(media::OCI_MANIFEST, &empty, vec![empty.descriptor()]);
        value["artifactType"] = json!(artifact_type);
        value["subject"] = subject.descriptor();
        value["annotations"] = json!({ "made-by": self.new_tag() });
        let manifest = Blob::json(media::OCI_MANIFEST, &value);
        let (reference, blobs) = (manifest.digest.clone(), vec![empty.digest]);
        let kind = Kind::Artifact { artifact_type, subject: subject.digest.clone() };
        let answer = self.put(repository, &reference, manifest, kind, blobs)?;
        let named = header(&answer, "OCI-Subject", "PUT of an artifact")?;
        if named == subject.digest { Ok(Done::Yes) } else { Err(format!("OCI-Subject is {named}, not {}", subject.digest)) }
    }

    /// A blob that no manifest needs yet.
    pub(super) fn push_free_blob(&mut self) -> Checked<Done> {
        let repository = self.pick_repository();
        let layer = self.push_small(repository)?;
        self.check_blob(repository, &layer.digest, layer.bytes.len() as u64)?;
        Ok(Done::Yes)
    }

    /// A new tag for a manifest that is there.
    pub(super) fn tag(&mut self) -> Checked<Done> {
        let tag = self.new_tag();
        self.put_again(&tag)
    }

    /// An own tag that points to another manifest from now on.
    pub(super) fn move_tag(&mut self) -> Checked<Done> {
        let Some(chosen) = self.pick(self.model.manifests.len()) else { return Ok(Done::Nothing) };
        let held = &self.model.manifests[chosen];
        let (repository, digest) = (held.repository, held.digest.clone());
        let Some(tag) = self.model.tags_in(repository).find(|(_, now)| **now != digest).map(|(tag, _)| tag.clone()) else {
            return Ok(Done::Nothing);
        };
        self.put_held(chosen, &tag)?;
        self.check_manifest(&self.model.manifests[chosen], &tag)?;
        Ok(Done::Yes)
    }

    /// An own image, in another repository, without sending its blobs.
    pub(super) fn mount_image(&mut self) -> Checked<Done> {
        let images: Vec<usize> = self.held(|held| held.kind == Kind::Image);
        let Some(chosen) = self.pick(images.len()) else { return Ok(Done::Nothing) };
        let target = self.pick_repository();
        let held = &self.model.manifests[images[chosen]];
        let (source, blobs) = (held.repository, held.blobs.clone());
        let manifest = Blob::new(&held.media_type, held.body.clone());
        for digest in &blobs {
            let stored = &self.model.blobs[&(source, digest.clone())];
            // In its home a client may delete even what anybody pushes elsewhere.
            let owner = if self.world.is_shared(digest) { Owner::Everybody } else { stored.owner };
            let size = stored.size;
            if !self.model.blobs.contains_key(&(target, digest.clone())) {
                self.mount(source, target, digest, &[201])?;
                self.model.store(target, digest, size, owner);
            }
        }
        let tag = self.new_tag();
        self.put(target, &tag, manifest, Kind::Image, blobs)?;
        Ok(Done::Yes)
    }

    /// What another client shows, into the own home. Once it is there, it stays, whatever its first owner does.
    pub(super) fn mount_from_another(&mut self) -> Checked<Done> {
        let (other, which) = (self.another(), self.random.random_range(0..1000));
        let Some(shown) = self.world.look(other, which) else { return Ok(Done::Nothing) };
        let digest = &shown.blobs[which % shown.blobs.len()];
        let answer = self.mount(shown.repository, self.number, digest, &[201, 202])?;
        if answer.status == 201 {
            let home = &self.world.repositories[self.number];
            let size = self.wire.blob(home, digest, &[200])?.unwrap_or_default();
            self.model.store(self.number, digest, size, Owner::Alone);
        } else {
            let upload = header(&answer, "Location", "a mount that became an upload")?;
            self.wire.ask("DELETE", upload, &[204])?;
        }
        Ok(Done::Yes)
    }

    /// Some bytes, and then no more.
    pub(super) fn cancel_upload(&mut self) -> Checked<Done> {
        let repository = self.pick_repository();
        let upload = self.begin(repository)?;
        let bytes = Pattern::bytes(self.random.random(), self.random.random_range(1..SMALL));
        let patched = self.wire.send("PATCH", &upload, &[202], |request| request.chunked(vec![bytes]))?;
        let upload = header(&patched, "Location", "PATCH")?;
        self.wire.ask("DELETE", upload, &[204])?;
        self.wire.ask("GET", upload, &[404])?;
        Ok(Done::Yes)
    }

    fn push_small(&mut self, repository: usize) -> Checked<Blob> {
        let length = self.random.random_range(64..SMALL);
        let layer = Blob::new(media::OCI_LAYER, Pattern::bytes(self.random.random(), length));
        self.push_bytes(repository, &layer, Owner::Alone)?;
        Ok(layer)
    }

    fn push_large(&mut self, repository: usize) -> Checked<Blob> {
        let chosen = self.random.random_range(0..self.large.len());
        let layer = Blob::new(media::OCI_LAYER, self.large[chosen].bytes());
        self.push_bytes(repository, &layer, Owner::Alone)?;
        Ok(layer)
    }

    fn push_shared(&mut self, repository: usize) -> Checked<Blob> {
        let chosen = self.random.random_range(1..self.world.shared.len());
        let layer = self.world.shared[chosen].clone();
        self.push_bytes(repository, &layer, Owner::Everybody)?;
        Ok(layer)
    }

    /// Pushes a blob that is not there yet, in one of the three ways that clients have.
    fn push_bytes(&mut self, repository: usize, blob: &Blob, owner: Owner) -> Checked {
        let way = self.random.random_range(0..4);
        if self.model.blobs.contains_key(&(repository, blob.digest.clone())) {
            return Ok(());
        }
        let name = &self.world.repositories[repository];
        let expected: &[u16] = if owner == Owner::Everybody { &[200, 404] } else { &[404] };
        // A blob that others push, too, may be there; nobody deletes those, so then it stays.
        if self.wire.ask("HEAD", &format!("/v2/{name}/blobs/{}", blob.digest), expected)?.status == 404 {
            let done = match way {
                0 => self.push_in_one_request(name, blob)?,
                1 => self.finish(&self.begin(repository)?, blob, blob.bytes.clone())?,
                _ => {
                    let upload = self.begin(repository)?;
                    let pieces = blob.bytes.chunks(32 * 1024).map(<[u8]>::to_vec).collect();
                    let patched = self.wire.send("PATCH", &upload, &[202], |request| request.chunked(pieces))?;
                    self.finish(header(&patched, "Location", "PATCH")?, blob, Vec::new())?
                }
            };
            let named = header(&done, "Docker-Content-Digest", "a push of a blob")?;
            if named != blob.digest {
                return Err(format!("a push of {} to {name} was answered with {named}", blob.digest));
            }
        }
        self.model.store(repository, &blob.digest, blob.bytes.len() as u64, owner);
        Ok(())
    }

    fn push_in_one_request(&self, name: &str, blob: &Blob) -> Checked<Response> {
        let target = format!("/v2/{name}/blobs/uploads/?digest={}", percent_encode(&blob.digest));
        let octets = "application/octet-stream";
        self.wire.send("POST", &target, &[201], |request| request.header("Content-Type", octets).body(blob.bytes.clone()))
    }

    fn begin(&self, repository: usize) -> Checked<String> {
        let target = format!("/v2/{}/blobs/uploads/", self.world.repositories[repository]);
        let answer = self.wire.ask("POST", &target, &[202])?;
        Ok(header(&answer, "Location", "POST of an upload")?.to_owned())
    }

    fn finish(&self, upload: &str, blob: &Blob, rest: Vec<u8>) -> Checked<Response> {
        let octets = "application/octet-stream";
        self.wire.send("PUT", upload, &[201], |request| {
            request.query("digest", &blob.digest).header("Content-Type", octets).body(rest)
        })
    }

    fn mount(&self, from: usize, to: usize, digest: &str, expected: &[u16]) -> Checked<Response> {
        let (from, to) = (&self.world.repositories[from], &self.world.repositories[to]);
        let (digest, from) = (percent_encode(digest), percent_encode(from));
        self.wire.ask("POST", &format!("/v2/{to}/blobs/uploads/?mount={digest}&from={from}"), expected)
    }

    /// PUT of an own manifest, of any kind, under this tag.
    fn put_again(&mut self, tag: &str) -> Checked<Done> {
        let Some(chosen) = self.pick(self.model.manifests.len()) else { return Ok(Done::Nothing) };
        self.put_held(chosen, tag)?;
        Ok(Done::Yes)
    }

    fn put_held(&mut self, position: usize, tag: &str) -> Checked {
        let held = &self.model.manifests[position];
        let manifest = Blob::new(&held.media_type, held.body.clone());
        let (repository, kind, blobs) = (held.repository, held.kind.clone(), held.blobs.clone());
        self.put(repository, tag, manifest, kind, blobs)?;
        Ok(())
    }

    /// PUT of a manifest under a tag or its digest, which is then owned and, where it has a tag, shown.
    fn put(&mut self, repository: usize, reference: &str, manifest: Blob, kind: Kind, blobs: Vec<String>) -> Checked<Response> {
        let target = format!("/v2/{}/manifests/{reference}", self.world.repositories[repository]);
        let answer = self.wire.send("PUT", &target, &[201], |request| {
            request.header("Content-Type", &manifest.media_type).body(manifest.bytes.clone())
        })?;
        let named = header(&answer, "Docker-Content-Digest", "PUT of a manifest")?;
        if named != manifest.digest {
            return Err(format!("PUT {target}: {} was answered with {named}", manifest.digest));
        }
        if reference != manifest.digest {
            self.model.tags.insert((repository, reference.to_owned()), manifest.digest.clone());
            if kind == Kind::Image {
                let (tag, digest, blobs) = (reference.to_owned(), manifest.digest.clone(), blobs.clone());
                self.world.show(self.number, Shown { repository, tag, digest, blobs });
            }
        }
        let Blob { media_type, bytes: body, digest } = manifest;
        self.model.hold(Held { repository, digest, media_type, body, kind, blobs });
        Ok(answer)
    }

    /// The positions of own manifests that satisfy the condition.
    pub(super) fn held(&self, condition: impl Fn(&Held) -> bool) -> Vec<usize> {
        self.model.manifests.iter().enumerate().filter(|(_, held)| condition(held)).map(|(position, _)| position).collect()
    }
}

//! What a tag leads to, a manifest or an index with all below it: pushed to a registry, written as the folders that clients read,
//! and compared, byte for byte, with what came back.
//!
//! Layers that lie elsewhere are no part of it: a registry does not hold them, and a folder may.

use std::path::Path;

use serde_json::{Value, json};

use crate::http::Client;
use crate::image::Blob;
use crate::registry;

/// A manifest or an index, and what it leads to.
#[derive(Clone, Debug)]
pub struct Tree {
    /// What the tag points to.
    pub top: Blob,
    /// Where `top` is an index: the manifests that it lists.
    pub manifests: Vec<Blob>,
    /// Configurations and layers.
    pub blobs: Vec<Blob>,
}

impl Tree {
    /// One manifest.
    #[must_use]
    pub fn of_manifest(manifest: Blob, blobs: Vec<Blob>) -> Self {
        Self { top: manifest, manifests: Vec::new(), blobs }
    }

    /// An index over these.
    #[must_use]
    pub fn of_index(index: Blob, parts: &[Self]) -> Self {
        Self {
            top: index,
            manifests: parts.iter().map(|part| part.top.clone()).collect(),
            blobs: parts.iter().flat_map(|part| part.blobs.clone()).collect(),
        }
    }

    /// The same with a layer that lies elsewhere, as a client has it that fetched all.
    #[must_use]
    pub fn with(&self, layer: &Blob) -> Self {
        let mut whole = self.clone();
        whole.blobs.push(layer.clone());
        whole
    }

    /// The digest of the configuration of the manifest at the top, which engines call an image's ID.
    ///
    /// # Panics
    /// Where the top is an index.
    #[must_use]
    pub fn config_digest(&self) -> String {
        config_digest(&self.top)
    }

    /// Pushes all of it over plain HTTP.
    ///
    /// # Panics
    /// Where the registry does not take something.
    pub fn push(&self, client: &Client, repository: &str, tag: &str) {
        for blob in &self.blobs {
            registry::push_blob(client, repository, &blob.bytes);
        }
        for manifest in &self.manifests {
            registry::put_manifest(client, repository, &manifest.digest, manifest).expect(201);
        }
        registry::put_manifest(client, repository, tag, &self.top).expect(201);
    }

    /// Panics unless the registry has all of it, with the right bytes under the right types.
    pub fn assert_in(&self, client: &Client, repository: &str, reference: &str) {
        let listed = self.manifests.iter().map(|manifest| (manifest.digest.as_str(), manifest));
        for (name, manifest) in listed.chain([(reference, &self.top)]) {
            let pulled = registry::get_manifest(client, repository, name).expect(200);
            assert_eq!(pulled.text(), String::from_utf8_lossy(&manifest.bytes), "{repository}, {name}");
            assert_eq!(pulled.header("Content-Type"), Some(manifest.media_type.as_str()), "{repository}, {name}");
            assert_eq!(pulled.header("Docker-Content-Digest"), Some(manifest.digest.as_str()), "{repository}, {name}");
        }
        for blob in &self.blobs {
            let pulled = registry::get_blob(client, repository, &blob.digest).expect(200);
            assert!(pulled.complete && pulled.body == blob.bytes, "{} of {repository} differs", blob.digest);
        }
    }

    /// Writes an OCI layout with one entry of this name.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    pub fn write_layout(&self, folder: &Path, tag: &str) {
        let mut descriptor = self.top.descriptor();
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        let index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
        let layout = json!({ "imageLayoutVersion": "1.0.0" });
        let files = self.all().map(|blob| (layout_file(blob), blob.bytes.clone()));
        write(folder, files.chain([as_file("index.json", &index), as_file("oci-layout", &layout)]));
    }

    /// Panics unless the layout's first entry is this, whole.
    pub fn assert_layout(&self, folder: &Path) {
        let index = std::fs::read(folder.join("index.json")).expect("the layout has an index");
        let index: Value = serde_json::from_slice(&index).expect("the index is JSON");
        assert_eq!(index["manifests"][0]["digest"], self.top.digest.as_str(), "{index}");
        for blob in self.all() {
            assert_file(folder, &layout_file(blob), blob);
        }
    }

    /// Writes what skopeo calls a `dir:`, which takes manifests of any type.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    pub fn write_dir(&self, folder: &Path) {
        let version = ("version".to_owned(), b"Directory Transport Version: 1.1\n".to_vec());
        write(folder, self.dir_files().map(|(name, blob)| (name, blob.bytes.clone())).chain([version]));
    }

    /// Panics unless a `dir:` holds this, whole.
    pub fn assert_dir(&self, folder: &Path) {
        for (name, blob) in self.dir_files() {
            assert_file(folder, &name, blob);
        }
    }

    fn all(&self) -> impl Iterator<Item = &Blob> {
        self.blobs.iter().chain(&self.manifests).chain([&self.top])
    }

    fn dir_files(&self) -> impl Iterator<Item = (String, &Blob)> {
        let blobs = self.blobs.iter().map(|blob| (hex_of(blob).to_owned(), blob));
        let manifests = self.manifests.iter().map(|manifest| (format!("{}.manifest.json", hex_of(manifest)), manifest));
        blobs.chain(manifests).chain([("manifest.json".to_owned(), &self.top)])
    }
}

/// The digest of a manifest's configuration.
///
/// # Panics
/// Where it has none.
#[must_use]
pub fn config_digest(manifest: &Blob) -> String {
    let value: Value = serde_json::from_slice(&manifest.bytes).expect("a manifest is JSON");
    value["config"]["digest"].as_str().expect("a manifest names its configuration").to_owned()
}

fn hex_of(blob: &Blob) -> &str {
    blob.digest.strip_prefix("sha256:").expect("blobs are named by SHA-256")
}

fn layout_file(blob: &Blob) -> String {
    format!("blobs/sha256/{}", hex_of(blob))
}

fn as_file(name: &str, value: &Value) -> (String, Vec<u8>) {
    (name.to_owned(), value.to_string().into_bytes())
}

fn write(folder: &Path, files: impl Iterator<Item = (String, Vec<u8>)>) {
    for (name, bytes) in files {
        let path = folder.join(name);
        let parent = path.parent().expect("a file lies in a folder");
        std::fs::create_dir_all(parent).expect("the test's folder can be written");
        std::fs::write(path, bytes).expect("the test's folder can be written");
    }
}

fn assert_file(folder: &Path, name: &str, blob: &Blob) {
    let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name} in {}: {error}", folder.display()));
    assert!(bytes == blob.bytes, "{name} in {} differs from what was sent", folder.display());
}

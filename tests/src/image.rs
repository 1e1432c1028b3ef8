//! Images made in memory: configurations, layers, manifests and indexes, in Docker's and in OCI's form.

use serde_json::{Value, json};

use crate::digest::{self, Pattern};

/// Media types.
pub mod media {
    /// An OCI image manifest.
    pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
    /// An OCI image index.
    pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// An OCI image configuration.
    pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// A layer of an OCI image.
    pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// A layer that lies elsewhere, in OCI's words.
    pub const OCI_FOREIGN_LAYER: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    /// A Docker manifest, version 2, schema 2.
    pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// A Docker manifest list.
    pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// A Docker image configuration.
    pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// A layer of a Docker image.
    pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    /// A layer that lies elsewhere, in Docker's words.
    pub const DOCKER_FOREIGN_LAYER: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
}

/// Bytes with their type and their name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What a descriptor calls it.
    pub media_type: String,
    /// The content.
    pub bytes: Vec<u8>,
    /// Its SHA-256.
    pub digest: String,
}

impl Blob {
    /// Names the bytes.
    #[must_use]
    pub fn new(media_type: &str, bytes: Vec<u8>) -> Self {
        let digest = digest::sha256(&bytes);
        Self { media_type: media_type.to_owned(), bytes, digest }
    }

    /// A JSON document.
    #[must_use]
    pub fn json(media_type: &str, value: &Value) -> Self {
        Self::new(media_type, serde_json::to_vec_pretty(value).expect("a JSON value can be written"))
    }

    /// How a manifest names it.
    #[must_use]
    pub fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len() })
    }
}

/// A manifest with all that it names and that a registry has to hold.
#[derive(Clone, Debug)]
pub struct Image {
    /// The configuration.
    pub config: Blob,
    /// In their order; no foreign ones.
    pub layers: Vec<Blob>,
    /// The manifest.
    pub manifest: Blob,
}

impl Image {
    /// An OCI image whose layers have these sizes and a content that depends on the seed.
    #[must_use]
    pub fn oci(seed: u64, sizes: &[usize]) -> Self {
        Self::oci_of(seed, layers(seed, sizes, media::OCI_LAYER))
    }

    /// An OCI image of these layers, with a configuration of its own for each seed.
    #[must_use]
    pub fn oci_of(seed: u64, layers: Vec<Blob>) -> Self {
        Self::make(seed, layers, media::OCI_MANIFEST, media::OCI_CONFIG)
    }

    /// The same in Docker's form.
    #[must_use]
    pub fn docker(seed: u64, sizes: &[usize]) -> Self {
        Self::make(seed, layers(seed, sizes, media::DOCKER_LAYER), media::DOCKER_MANIFEST, media::DOCKER_CONFIG)
    }

    fn make(seed: u64, layers: Vec<Blob>, manifest_type: &str, config_type: &str) -> Self {
        let diff_ids: Vec<&str> = layers.iter().map(|layer| layer.digest.as_str()).collect();
        let config = Blob::json(
            config_type,
            &json!({ "architecture": "amd64", "os": "linux", "config": { "Labels": { "seed": seed.to_string() } },
                     "rootfs": { "type": "layers", "diff_ids": diff_ids } }),
        );
        let descriptors = layers.iter().map(Blob::descriptor).collect();
        let manifest = Blob::json(manifest_type, &manifest(manifest_type, &config, descriptors));
        Self { config, layers, manifest }
    }

    /// All blobs: layers, then the configuration, in the order in which Docker pushes.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.layers.iter().chain([&self.config])
    }
}

fn layers(seed: u64, sizes: &[usize], media_type: &str) -> Vec<Blob> {
    sizes.iter().zip(1..).map(|(size, number)| Blob::new(media_type, Pattern::bytes(seed * 1000 + number, *size))).collect()
}

/// A manifest of this type over these descriptors.
#[must_use]
pub fn manifest(media_type: &str, config: &Blob, layers: Vec<Value>) -> Value {
    json!({ "schemaVersion": 2, "mediaType": media_type, "config": config.descriptor(), "layers": layers })
}

/// An index over manifests, each with its operating system.
#[must_use]
pub fn index(media_type: &str, entries: &[(&Blob, &str)]) -> Blob {
    let manifests: Vec<Value> = entries
        .iter()
        .map(|(manifest, os)| {
            let mut descriptor = manifest.descriptor();
            descriptor["platform"] = json!({ "architecture": "amd64", "os": os });
            if *os == "windows" {
                descriptor["platform"]["os.version"] = json!("10.0.20348.2113");
            }
            descriptor
        })
        .collect();
    Blob::json(media_type, &json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": manifests }))
}

/// An index that lists nothing, and so needs nothing, with further members: the smallest manifest there is.
#[must_use]
pub fn empty_index(members: &Value) -> Blob {
    with_members(json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [] }), members)
}

/// An image manifest without layers over this configuration, with further members.
#[must_use]
pub fn bare_manifest(config: &Blob, members: &Value) -> Blob {
    with_members(manifest(media::OCI_MANIFEST, config, Vec::new()), members)
}

fn with_members(mut value: Value, members: &Value) -> Blob {
    for (name, member) in members.as_object().into_iter().flatten() {
        value[name] = member.clone();
    }
    let media_type = value["mediaType"].as_str().unwrap_or_default().to_owned();
    Blob::json(&media_type, &value)
}

/// The empty configuration of an artifact (OCI image specification, "Guidelines for Artifact Usage").
#[must_use]
pub fn empty_config() -> Blob {
    Blob::new("application/vnd.oci.empty.v1+json", b"{}".to_vec())
}

/// A descriptor of a layer that lies at Microsoft's, as a Windows image has it.
#[must_use]
pub fn foreign_layer(media_type: &str, seed: u64) -> Value {
    let digest = digest::sha256(&seed.to_le_bytes());
    json!({ "mediaType": media_type, "size": 1_650_000_000_u64, "digest": digest,
            "urls": [format!("https://mcr.microsoft.com/v2/windows/servercore/blobs/{digest}")] })
}

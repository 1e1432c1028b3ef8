//! Manifests as far as a registry has to understand them: what they are, and what they point to. The bytes themselves are kept as pushed.

mod keys;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::{Digest, MediaType};

/// The largest manifest that is taken, in bytes: the least that the specification asks a registry to take.
pub const MAX_MANIFEST_BYTES: usize = 4 * 1024 * 1024;

/// What a manifest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestKind {
    /// A config and layers.
    Image,
    /// A list of manifests.
    Index,
}

/// A pointer to content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The type of what it points to.
    pub media_type: MediaType,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Content that may lie elsewhere (a Windows base layer), so that the registry need not hold it.
    pub foreign: bool,
    /// What it runs on, where an index says so.
    pub platform: Option<Platform>,
}

/// What an image runs on. What is not said is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Platform {
    /// As in `amd64`.
    pub architecture: String,
    /// As in `linux`.
    pub os: String,
}

/// What a registry reads from a manifest's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Image or index.
    pub kind: ManifestKind,
    /// The type that it was pushed as.
    pub media_type: MediaType,
    /// Blobs it needs: an image's config and layers, in order; what an index lists that is no manifest (a build cache does so).
    pub blobs: Vec<Descriptor>,
    /// Manifests that an index lists. Empty for an image.
    pub manifests: Vec<Descriptor>,
    /// What it refers to.
    pub subject: Option<Descriptor>,
    /// `artifactType`, or the config's media type where an image names none.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Why a body is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or a field of the wrong shape.
    #[error("the manifest cannot be read: {0}")]
    Malformed(String),
    /// `Content-Type` and `mediaType` differ, or the fields are those of another kind.
    #[error("{0}")]
    Contradiction(String),
    /// Schema 1, or a type that is no manifest.
    #[error("{0}")]
    Unsupported(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawManifest {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<RawDescriptor>,
    #[serde(default, deserialize_with = "null_is_empty")]
    layers: Option<Vec<RawDescriptor>>,
    #[serde(default, deserialize_with = "null_is_empty")]
    manifests: Option<Vec<RawDescriptor>>,
    subject: Option<RawDescriptor>,
    annotations: Option<BTreeMap<String, String>>,
    #[serde(rename = "fsLayers")]
    fs_layers: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default)]
    urls: Option<Vec<String>>,
    platform: Option<Platform>,
}

/// A list that is there and null is an empty one: so Go writes a list that was never filled.
fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<RawDescriptor>>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

impl TryFrom<RawDescriptor> for Descriptor {
    type Error = ManifestError;

    fn try_from(raw: RawDescriptor) -> Result<Self, ManifestError> {
        let media_type: MediaType =
            raw.media_type.parse().map_err(|error| ManifestError::Malformed(format!("descriptor of {}: {error}", raw.digest)))?;
        let elsewhere = raw.urls.is_some_and(|urls| !urls.is_empty());
        let text = media_type.as_str();
        let foreign = elsewhere || text.contains(".foreign.") || text.contains(".nondistributable.");
        Ok(Self { media_type, digest: raw.digest, size: raw.size, foreign, platform: raw.platform })
    }
}

impl Manifest {
    /// The config of an image.
    pub fn config(&self) -> Option<&Descriptor> {
        if self.kind == ManifestKind::Image { self.blobs.first() } else { None }
    }

    /// Reads a body that was pushed with `content_type` (none: the body's own `mediaType` counts).
    ///
    /// # Errors
    /// [`ManifestError`] if it is no JSON, contradicts its type or itself, or is of a kind that is not taken.
    pub fn parse(content_type: Option<&MediaType>, body: &[u8]) -> Result<Self, ManifestError> {
        let raw: RawManifest = serde_json::from_slice(body).map_err(|error| ManifestError::Malformed(error.to_string()))?;
        keys::check(body)?;
        let media_type = settle_type(content_type, &raw)?;
        let kind = kind_of(&media_type)?;
        check_version(&raw)?;
        check_fields(kind, &raw)?;
        let config = raw.config.map(Descriptor::try_from).transpose()?;
        let own_type = raw.artifact_type.filter(|text| !text.is_empty());
        let artifact_type = own_type.or_else(|| config.as_ref().map(|config| config.media_type.to_string()));
        let mut blobs: Vec<Descriptor> = config.into_iter().collect();
        for layer in raw.layers.unwrap_or_default() {
            blobs.push(layer.try_into()?);
        }
        let mut manifests = Vec::new();
        for entry in raw.manifests.unwrap_or_default() {
            let entry = Descriptor::try_from(entry)?;
            let list = if kind_of(&entry.media_type).is_ok() { &mut manifests } else { &mut blobs };
            list.push(entry);
        }
        Ok(Self {
            kind,
            media_type,
            blobs,
            manifests,
            subject: raw.subject.map(Descriptor::try_from).transpose()?,
            artifact_type,
            annotations: raw.annotations.unwrap_or_default(),
        })
    }
}

/// `Content-Type` and the body's `mediaType` must agree; either alone suffices; with neither, the fields tell.
fn settle_type(content_type: Option<&MediaType>, raw: &RawManifest) -> Result<MediaType, ManifestError> {
    let own: Option<MediaType> = match &raw.media_type {
        Some(text) => Some(text.parse().map_err(|error| ManifestError::Malformed(format!("mediaType: {error}")))?),
        None => None,
    };
    match (content_type, own) {
        (Some(header), Some(own)) if *header != own => Err(ManifestError::Contradiction(format!(
            "the Content-Type is {header}, but the manifest's mediaType is {own}: send the manifest with its own type"
        ))),
        (Some(header), _) => Ok(header.clone()),
        (None, Some(own)) => Ok(own),
        (None, None) => {
            Err(ManifestError::Unsupported("neither a Content-Type nor a mediaType says what the manifest is".to_owned()))
        }
    }
}

fn kind_of(media_type: &MediaType) -> Result<ManifestKind, ManifestError> {
    match media_type.as_str() {
        MediaType::OCI_MANIFEST | MediaType::DOCKER_MANIFEST => Ok(ManifestKind::Image),
        MediaType::OCI_INDEX | MediaType::DOCKER_LIST => Ok(ManifestKind::Index),
        MediaType::DOCKER_SCHEMA1 | MediaType::DOCKER_SCHEMA1_SIGNED => Err(ManifestError::Unsupported(
            "Docker image manifests of schema 1 are not taken: push with a client that makes schema 2 or OCI manifests"
                .to_owned(),
        )),
        other => Err(ManifestError::Unsupported(format!("{other} is not the media type of an image manifest or index"))),
    }
}

fn check_version(raw: &RawManifest) -> Result<(), ManifestError> {
    if raw.schema_version != Some(2) {
        return Err(ManifestError::Malformed("schemaVersion must be 2".to_owned()));
    }
    Ok(())
}

/// A body that claims to be both manifest and index is how one client is shown other content than the next.
fn check_fields(kind: ManifestKind, raw: &RawManifest) -> Result<(), ManifestError> {
    let contradiction = |text: &str| Err(ManifestError::Contradiction(text.to_owned()));
    if raw.fs_layers.is_some() {
        return contradiction("the manifest has fsLayers, a field of schema 1");
    }
    match kind {
        ManifestKind::Image if raw.manifests.is_some() => contradiction("an image manifest has no manifests field"),
        ManifestKind::Image if raw.config.is_none() => contradiction("an image manifest must have a config"),
        ManifestKind::Image if raw.layers.is_none() => contradiction("an image manifest must have layers"),
        ManifestKind::Index if raw.config.is_some() || raw.layers.is_some() => {
            contradiction("an image index has neither config nor layers")
        }
        ManifestKind::Index if raw.manifests.is_none() => contradiction("an image index must have manifests"),
        ManifestKind::Image | ManifestKind::Index => Ok(()),
    }
}

#[cfg(test)]
mod tests;

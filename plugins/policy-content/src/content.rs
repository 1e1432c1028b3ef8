//! Manifests, indexes and configs as far as the rules look into them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::strict;

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// What an artifact without a config of its own points to (OCI image specification, "Guidance for an Empty Descriptor").
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Configs of these types are an image's for some client. Docker takes the last one for an image too, for the sake of old registries.
const IMAGE_CONFIGS: [&str; 3] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json", "application/octet-stream"];

/// A manifest or index that can be read in one way only.
pub struct Content {
    /// The type that it is pushed as.
    pub media_type: String,
    /// What kind of artifact it says it is; none also where the text is empty.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// What it points to.
    pub parts: Parts,
    /// What it refers to.
    pub subject: Option<Descriptor>,
}

/// Layers of attestations (in-toto) begin like this. No client unpacks them.
const ATTESTATION_LAYERS: &str = "application/vnd.in-toto";

/// What it points to.
pub enum Parts {
    /// A manifest's config and layers.
    Image(Descriptor, Vec<Descriptor>),
    /// An index's entries: manifests, and what is none.
    Index(Vec<Descriptor>, Vec<Descriptor>),
}

/// A pointer to content.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The type of what it points to.
    pub media_type: String,
    /// Its digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
    /// Where else it lies.
    pub urls: Option<Vec<String>>,
    /// What it runs on, in an index.
    pub platform: Option<Platform>,
}

/// What an image runs on. What is not said is none, or empty.
#[derive(Deserialize, Default, Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

/// What an image's config tells about a manifest.
pub enum Nature {
    /// An image: what it runs on, and its labels.
    Image(Platform, BTreeMap<String, String>),
    /// It runs on `unknown/unknown`, and has nothing that a client would unpack.
    Attestation,
    /// No image at all.
    Artifact,
    /// An index, which has no config.
    Index,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

/// What makes a config one that some client runs, also where an index says in its place what it runs on.
#[derive(Deserialize)]
struct Traits {
    os: Option<IgnoredAny>,
    architecture: Option<IgnoredAny>,
    rootfs: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Config {
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    config: Option<Execution>,
}

#[derive(Deserialize)]
struct Execution {
    #[serde(rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

impl Content {
    /// The error is what the client is told.
    pub fn read(media_type: &str, body: &[u8]) -> Result<Self, String> {
        let unreadable = |reason: String| format!("the manifest cannot be read without doubt: {reason}");
        strict::check(&strict::MANIFEST, body).map_err(unreadable)?;
        let body: Body = serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        if let Some(own) = body.media_type.as_deref().filter(|own| !own.is_empty() && *own != media_type) {
            return Err(unreadable(format!("it is pushed as {}, and says that it is {}", quoted(media_type), quoted(own))));
        }
        let parts = match (media_type, body.config, body.layers, body.manifests) {
            (OCI_MANIFEST | DOCKER_MANIFEST, Some(config), layers, None) => Parts::Image(config, layers.unwrap_or_default()),
            (OCI_INDEX | DOCKER_LIST, None, None, manifests) => {
                let (manifests, others) = manifests.unwrap_or_default().into_iter().partition(Descriptor::is_manifest);
                Parts::Index(manifests, others)
            }
            (OCI_MANIFEST | DOCKER_MANIFEST | OCI_INDEX | DOCKER_LIST, ..) => {
                return Err(unreadable(
                    "an image manifest has config and layers, an index has manifests, and none has both".into(),
                ));
            }
            (other, ..) => return Err(unreadable(format!("{} is no type of manifest that this policy knows", quoted(other)))),
        };
        Ok(Self {
            media_type: media_type.to_owned(),
            artifact_type: body.artifact_type.filter(|text| !text.is_empty()),
            annotations: body.annotations.unwrap_or_default(),
            parts,
            subject: body.subject,
        })
    }

    /// What counts as layers: an image's, and what an index lists that is no manifest.
    pub fn layers(&self) -> &[Descriptor] {
        match &self.parts {
            Parts::Image(_, layers) | Parts::Index(_, layers) => layers,
        }
    }

    /// Everything that it points to, each with the word for it and, in a list, its place there, from 1.
    pub fn descriptors(&self) -> impl Iterator<Item = (String, &Descriptor)> {
        let numbered = |what: &'static str, count: usize| (1..=count).map(move |number| format!("{what} {number}"));
        let (config, entries, layers): (_, &[Descriptor], _) = match &self.parts {
            Parts::Image(config, layers) => (Some(config), &[], layers),
            Parts::Index(manifests, others) => (None, manifests, others),
        };
        let names = numbered("manifest", entries.len()).chain(numbered("layer", layers.len()));
        let single = config.map(|config| ("the config".to_owned(), config));
        let subject = self.subject.as_ref().map(|subject| ("the subject".to_owned(), subject));
        single.into_iter().chain(names.zip(entries.iter().chain(layers))).chain(subject)
    }

    /// What the config, as the host showed it, makes of this. The error is what the client is told.
    pub fn nature(&self, shown: Option<&[u8]>) -> Result<Nature, String> {
        let Parts::Image(config, layers) = &self.parts else { return Ok(Nature::Index) };
        let Some(text) = shown else {
            return Err(format!(
                "the rules for labels and platforms need the image's config {} of type {}, which cannot be looked at: it must be JSON of \
                 at most 1 MiB, and be pushed before the manifest",
                quoted(&config.digest),
                quoted(&config.media_type)
            ));
        };
        let unreadable = |reason: String| format!("the image's config cannot be read without doubt: {reason}");
        strict::check(&strict::CONFIG, text).map_err(unreadable)?;
        let traits: Traits = serde_json::from_slice(text).map_err(|error| unreadable(error.to_string()))?;
        let runs = traits.os.is_some() || traits.architecture.is_some() || traits.rootfs.is_some();
        if !runs && !IMAGE_CONFIGS.contains(&config.media_type.as_str()) {
            return Ok(Nature::Artifact);
        }
        let read: Config = serde_json::from_slice(text).map_err(|error| unreadable(error.to_string()))?;
        let platform = Platform { os: read.os, architecture: read.architecture, variant: read.variant };
        if platform.is_unknown() && layers.iter().all(|layer| layer.media_type.starts_with(ATTESTATION_LAYERS)) {
            return Ok(Nature::Attestation);
        }
        Ok(Nature::Image(platform, read.config.and_then(|config| config.labels).unwrap_or_default()))
    }
}

impl Descriptor {
    fn is_manifest(&self) -> bool {
        matches!(self.media_type.as_str(), OCI_MANIFEST | DOCKER_MANIFEST | OCI_INDEX | DOCKER_LIST)
    }
}

impl Platform {
    /// System, architecture and variant. An arm without a variant is the usual one of its kind, as clients have it.
    pub fn names(&self) -> (&str, &str, &str) {
        let [os, architecture, variant] =
            [&self.os, &self.architecture, &self.variant].map(|text| text.as_deref().unwrap_or_default());
        match (architecture, variant) {
            ("arm64", "") => (os, architecture, "v8"),
            ("arm", "") => (os, architecture, "v7"),
            _ => (os, architecture, variant),
        }
    }

    /// Whether it is what attestations are said to run on.
    pub fn is_unknown(&self) -> bool {
        matches!(self.names(), ("unknown", "unknown", _))
    }
}

/// What stands in a manifest, for a refusal: cut, and without control characters.
pub fn quoted(text: &str) -> String {
    const MOST: usize = 160;
    let escaped: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    let cut = escaped.floor_char_boundary(MOST);
    let rest = if cut < escaped.len() || text.len() > escaped.len() { "..." } else { "" };
    format!("`{}{rest}`", &escaped[..cut])
}

//! Bundled admission plugin: what a manifest must be like to be pushed.
//!
//! Settings, each a rule of its own that holds where it is set; at least one is needed:
//!
//! - `required-annotations`: `KEY` (there, and not empty) or `KEY=VALUE`, all of them, on each manifest and, for itself, on each index;
//! - `required-labels`: the same for the labels in an image's config (`LABEL` in a Dockerfile);
//! - `allowed-media-types`: patterns such as `application/vnd.oci.*`, for the media type of the manifest or index, its `artifactType` and its
//!   config's media type, each of which one of them must match. OCI's empty config beside an `artifactType` says nothing, and is left out;
//! - `allowed-layer-types`: the same for the media type of each layer;
//! - `allowed-platforms`: `linux/amd64`, `linux/*` or `linux/arm/v7`, patterns for system, architecture and, where three are given, variant: for
//!   what an image's config says it runs on, and for each entry of an index that names a platform;
//! - `max-layers`: the most layers; `max-size`: the most that config and layers have together (bytes, or `"2GiB"`);
//! - `foreign-urls`: where content may lie that the registry need not hold, as Windows base layers do: `https://mcr.microsoft.com/` is
//!   everything at that origin, `https://example.com/layers` all that is below this path. An empty list: no such URLs at all;
//! - `repositories`: for which repositories all this holds, as in `policy-rules`; every repository unless some are named.
//!
//! What has a config of no image type that names neither system, architecture nor `rootfs` is an artifact, such as a Helm chart: it runs
//! nowhere, so that the rules for labels and platforms leave it alone. What says that it runs on `unknown/unknown`, and has in-toto layers
//! alone, is an attestation, as `docker buildx` pushes them beside an image: labels, platforms and annotations are not asked of it. Signatures that
//! have an image's config without a platform are images to these rules, so keep them in repositories that the rules are not for.
//! Whatever else an index lists than manifests counts as its layers; the manifests are looked at when they are pushed themselves.
//!
//! What cannot be read without doubt is refused: no JSON, a field twice, or a field in other letters (`Layers`), which some clients read as the field.
//! So is an image whose config the rules need and the host does not show, since it is larger than 1 MiB, not there, or of a media type that is not
//! JSON. Deletions pass.

mod content;
mod rules;
mod settings;
mod strict;
#[cfg(test)]
mod tests;
mod urls;

use bulkhead_plugin_sdk::admission::Manifest;
use bulkhead_plugin_sdk::prelude::*;

use content::Content;
use settings::Settings;

/// How much a refusal says, in bytes, before the rest of its faults is only counted: the host hands on 1 KiB.
const ENOUGH_BYTES: usize = 700;

struct ContentPolicy {
    settings: Settings,
}

impl Plugin for ContentPolicy {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings })
    }
}

impl Admission for ContentPolicy {
    fn review(&mut self, _: &RequestContext, _: Option<&Caller>, repository: &str, change: &Change) -> Result<Opinion> {
        match change {
            Change::PutManifest(manifest) if self.settings.repositories.matches(repository) => Ok(self.judge(manifest)),
            _ => Ok(Opinion::admit()),
        }
    }
}

impl ContentPolicy {
    fn judge(&self, manifest: &Manifest) -> Opinion {
        let faults = match Content::read(&manifest.media_type, &manifest.body) {
            Ok(content) => rules::faults(&self.settings, &content, manifest.config.as_deref()),
            Err(fault) => vec![fault],
        };
        if faults.is_empty() { Opinion::admit() } else { Opinion::refuse(told(&faults)) }
    }
}

/// All faults in one line, as far as there is room.
fn told(faults: &[String]) -> String {
    let mut text = String::new();
    for (number, fault) in faults.iter().enumerate() {
        if number > 0 && text.len() + fault.len() > ENOUGH_BYTES {
            text.push_str(&format!("; and {} more", faults.len() - number));
            break;
        }
        text.push_str(if number > 0 { "; " } else { "" });
        text.push_str(fault);
    }
    text
}

export!(ContentPolicy: Admission);

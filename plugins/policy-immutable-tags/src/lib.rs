//! Bundled admission plugin: tags that are written once.
//!
//! Settings:
//!
//! - `tags`: patterns such as `v*` and `release-????`, any of them; `*` is any run of characters, `?` any one. A tag that one of them matches
//!   is protected;
//! - `repositories`: patterns as in `policy-rules` (`team/*` is one level, `team/**` is every level); every repository unless some are named;
//! - `message`: what a refusal tells the client to do, in place of the plugin's own words.
//!
//! A protected tag may be set as long as there is none, and set again to the digest that it has. It never moves and never goes, on whatever
//! way: by a push of the tag, by a push of a digest with `?tag=`, by deleting the tag, the manifest that it points to, or the whole
//! repository. A tag that points to the same content under another digest (SHA-512 in place of SHA-256) has moved.
//!
//! The plugin decides from what the host tells it of the tags alone, and the host checks that again as the change is made. It keeps nothing, so
//! that it protects tags from before it was configured too. What a protected tag needs (the blobs of its image, the images of its index) is the
//! host's to keep. With `deletes.referenced = "allow"` it can be deleted, unless a scope of `deletes.locked` lies in the repository.

mod pattern;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::admission::{Manifest, ManifestDeletion, TagState};
use bulkhead_plugin_sdk::glob::Repositories;
use bulkhead_plugin_sdk::prelude::*;

use pattern::TagGlob;

/// The longest `message`, in bytes: all of a refusal must fit into what the host hands on.
const MAX_MESSAGE_BYTES: usize = 400;

struct WriteOnce {
    settings: Settings,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    tags: Vec<TagGlob>,
    #[serde(default)]
    repositories: Repositories,
    message: Option<String>,
}

impl Plugin for WriteOnce {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        if settings.tags.is_empty() {
            return Err(Error::invalid("tags: empty, so that no tag is protected: name some, or `*` for all"));
        }
        match &settings.message {
            Some(text) if text.trim().is_empty() => Err(Error::invalid("message: empty: say what to do, or leave it out")),
            Some(text) if text.len() > MAX_MESSAGE_BYTES || text.chars().any(char::is_control) => {
                Err(Error::invalid(format!("message: must be one line of at most {MAX_MESSAGE_BYTES} bytes")))
            }
            _ => Ok(Self { settings }),
        }
    }
}

impl Admission for WriteOnce {
    fn review(&mut self, _: &RequestContext, _: Option<&Caller>, repository: &str, change: &Change) -> Result<Opinion> {
        if !self.settings.repositories.matches(repository) {
            return Ok(Opinion::admit());
        }
        let refusal = match change {
            Change::PutManifest(manifest) => self.push(manifest),
            Change::DeleteTag(state) => self.tag_deletion(state),
            Change::DeleteManifest(deletion) => self.manifest_deletion(deletion),
            Change::DeleteRepository(tags) => self.repository_deletion(repository, tags),
            Change::DeleteBlob(_) => None,
        };
        Ok(refusal.map_or_else(Opinion::admit, Opinion::refuse))
    }
}

impl WriteOnce {
    fn push(&self, manifest: &Manifest) -> Option<String> {
        manifest.tags.iter().find_map(|TagState { tag, now }| {
            let (now, glob) = (now.as_ref().filter(|now| **now != manifest.digest)?, self.protects(tag)?);
            let what = format!("the tag `{tag}` cannot be moved to {}, since it is {now} already", manifest.digest);
            Some(self.reason(&what, glob, "push under a tag that is not there yet"))
        })
    }

    fn tag_deletion(&self, state: &TagState) -> Option<String> {
        let glob = self.protects(&state.tag)?;
        Some(self.reason(&format!("the tag `{}` cannot be deleted", state.tag), glob, "it has to stay"))
    }

    fn manifest_deletion(&self, deletion: &ManifestDeletion) -> Option<String> {
        let (tag, glob) = deletion.tags.iter().find_map(|tag| Some((tag, self.protects(tag)?)))?;
        let what = format!("{} cannot be deleted, since the tag `{tag}` points to it", deletion.digest);
        Some(self.reason(&what, glob, "it has to stay"))
    }

    fn repository_deletion(&self, repository: &str, tags: &[TagState]) -> Option<String> {
        let (tag, glob) = tags.iter().find_map(|state| Some((&state.tag, self.protects(&state.tag)?)))?;
        let what = format!("the repository {repository} cannot be deleted, since it has the tag `{tag}`");
        Some(self.reason(&what, glob, "delete its other tags one by one"))
    }

    fn protects(&self, tag: &str) -> Option<&TagGlob> {
        self.settings.tags.iter().find(|glob| glob.matches(tag))
    }

    fn reason(&self, what: &str, glob: &TagGlob, advice: &str) -> String {
        let advice = self.settings.message.as_deref().unwrap_or(advice);
        format!("{what}: tags like `{}` are written once; {advice}", glob.as_str())
    }
}

export!(WriteOnce: Admission);

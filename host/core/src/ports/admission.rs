//! Admission plugins look at a change before it is made. `registry` asks them; `bulkhead-plugin` implements them.

use async_trait::async_trait;
use bulkhead_oci::{Digest, MediaType, RepositoryName, Tag};

use super::context::{Identity, RequestContext};
use super::plugin::{PluginError, PluginLabel};

/// The most tags of one deletion that a plugin is told of at once. Where there are more, it is asked again for the next ones.
pub const MAX_REVIEWED_TAGS: u32 = 1000;
/// The largest config that a plugin is shown, in bytes.
pub const MAX_REVIEWED_CONFIG: u64 = 1024 * 1024;

/// A tag as it is before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagState {
    /// The tag.
    pub tag: Tag,
    /// The manifest that it points to; none: there is no such tag.
    pub now: Option<Digest>,
}

/// A change that has not been made.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// A manifest is pushed, and tags are set on it.
    PutManifest(ManifestChange<'a>),
    /// A tag goes; what it points to stays.
    DeleteTag(&'a TagState),
    /// A manifest goes, and every tag that points to it.
    DeleteManifest {
        /// Which.
        digest: &'a Digest,
        /// At most [`MAX_REVIEWED_TAGS`] of its tags.
        tags: &'a [Tag],
    },
    /// The repository has this blob no more.
    DeleteBlob(&'a Digest),
    /// All of the repository goes: at most [`MAX_REVIEWED_TAGS`] of its tags.
    DeleteRepository(&'a [TagState]),
}

/// A manifest that is pushed.
#[derive(Clone, Copy, Debug)]
pub struct ManifestChange<'a> {
    /// The digest that it is to lie under.
    pub digest: &'a Digest,
    /// The type that it is pushed with.
    pub media_type: &'a MediaType,
    /// Its bytes.
    pub body: &'a [u8],
    /// The bytes of the image's config, where it is JSON of at most [`MAX_REVIEWED_CONFIG`] and the repository has it.
    pub config: Option<&'a [u8]>,
    /// The tags that the push sets.
    pub tags: &'a [TagState],
}

/// What a plugin says of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It may pass, with warnings for the client.
    Admit(Vec<String>),
    /// It may not, for this reason, which the client is given.
    Refuse(String),
}

/// Says whether a change may pass. Asked in the order of the configuration; the first refusal refuses.
#[async_trait]
pub trait Admission: Send + Sync {
    /// Which plugin this is.
    fn label(&self) -> &PluginLabel;

    /// May this change pass? `who` is none for an anonymous caller.
    ///
    /// # Errors
    /// [`PluginError`]: the change is then refused.
    async fn review(
        &self,
        context: &RequestContext,
        who: Option<&Identity>,
        repository: &RepositoryName,
        change: &Change<'_>,
    ) -> Result<Opinion, PluginError>;
}

//! Lists, a page at a time, in byte order. A page costs the same however deep it lies.

use bulkhead_oci::{Digest, RepositoryName, Tag};

use super::{Act, Registry, RegistryError};
use crate::ports::catalog::{Part, ReferrerRecord};

/// Names that are read at once, of which the chain is then asked.
const SMALLEST_BATCH: u32 = 64;
const LARGEST_BATCH: u32 = 1024;

/// Which page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Strictly after this text.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The text after which the next page begins, if there may be one. It is always that of the last item.
    pub next: Option<String>,
}

impl<T: ToString> Listed<T> {
    /// From what was asked for with one more than `limit`.
    fn cut(mut items: Vec<T>, limit: u32) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        // An empty page has no last item to go on from.
        let next = items.last().filter(|_| more).map(ToString::to_string);
        Self { items, next }
    }
}

impl Registry {
    /// The tags of a repository, but for those that lists do not show.
    ///
    /// # Errors
    /// [`RegistryError::NameUnknown`], or [`RegistryError::Locked`] if the repository may not be read.
    pub async fn tags(&self, repository: &RepositoryName, page: &Page) -> Result<Listed<Tag>, RegistryError> {
        self.check_readable(repository).await?;
        let limit = page.limit.saturating_add(1);
        let tags = self.parts.catalog.tags(self.parts.id, repository, page.after.as_deref(), limit).await?;
        Ok(Listed::cut(tags.ok_or(RegistryError::NameUnknown)?, page.limit))
    }

    /// The repositories that have a manifest, that lists show, and that the caller may pull from. No name that it may not know of is in the answer, nor in
    /// where the next page begins; so a page is looked for until it is full, however many hidden names lie between.
    ///
    /// # Errors
    /// [`RegistryError::Unavailable`] if an authorizer fails: a list with names missing would be taken for the whole.
    pub async fn repositories(&self, act: Act<'_>, page: &Page) -> Result<Listed<RepositoryName>, RegistryError> {
        let wanted = page.limit as usize + 1;
        // The first look is for what is wanted; for who sees little of it, large steps follow.
        let mut batch = page.limit.saturating_add(1).clamp(SMALLEST_BATCH, LARGEST_BATCH);
        let mut after = page.after.clone();
        let mut items: Vec<RepositoryName> = Vec::new();
        loop {
            let names = self.parts.catalog.repositories(self.parts.id, after.as_deref(), batch).await?;
            let more = names.len() == batch as usize;
            after = names.last().map(ToString::to_string).or(after);
            let visible = self.parts.gate.visible(act.context, act.caller, names).await;
            items.extend(visible.map_err(|failure| RegistryError::Unavailable {
                retry_after: None,
                reason: format!("the chain failed, so nobody can say what the caller may see: {failure}"),
            })?);
            batch = LARGEST_BATCH;
            if !more || items.len() >= wanted {
                items.truncate(wanted);
                return Ok(Listed::cut(items, page.limit));
            }
        }
    }

    /// The manifests that lists show and whose subject is this one, which need not be there.
    ///
    /// # Errors
    /// [`RegistryError::Internal`], or [`RegistryError::Locked`] if the repository may not be read.
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Part<ReferrerRecord>, RegistryError> {
        self.check_readable(repository).await?;
        Ok(self.parts.catalog.referrers(self.parts.id, repository, subject, artifact_type, after, limit).await?)
    }
}

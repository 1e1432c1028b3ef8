//! Lists, a page at a time, in byte order. A page costs the same however deep it lies.

use bulkhead_oci::{Digest, RepositoryName, Tag};

use super::{Registry, RegistryError};
use crate::ports::catalog::ManifestRecord;

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
    /// Whether another one follows.
    pub more: bool,
}

impl<T> Listed<T> {
    /// From what was asked for with one more than `limit`.
    fn cut(mut items: Vec<T>, limit: u32) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        // An empty page has no last item to go on from.
        Self { more: more && limit > 0, items }
    }
}

impl Registry {
    /// The tags of a repository.
    ///
    /// # Errors
    /// [`RegistryError::NameUnknown`].
    pub async fn tags(&self, repository: &RepositoryName, page: &Page) -> Result<Listed<Tag>, RegistryError> {
        let limit = page.limit.saturating_add(1);
        let tags = self.parts.catalog.tags(self.parts.id, repository, page.after.as_deref(), limit).await?;
        Ok(Listed::cut(tags.ok_or(RegistryError::NameUnknown)?, page.limit))
    }

    /// The repositories that have a manifest.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub async fn repositories(&self, page: &Page) -> Result<Listed<RepositoryName>, RegistryError> {
        let limit = page.limit.saturating_add(1);
        let names = self.parts.catalog.repositories(self.parts.id, page.after.as_deref(), limit).await?;
        Ok(Listed::cut(names, page.limit))
    }

    /// The manifests whose subject is this one, which need not be there.
    ///
    /// # Errors
    /// [`RegistryError::Internal`].
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
        artifact_type: Option<&str>,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Listed<ManifestRecord>, RegistryError> {
        let most = limit.saturating_add(1);
        let catalog = &self.parts.catalog;
        let found = catalog.referrers(self.parts.id, repository, subject, artifact_type, after, most).await?;
        Ok(Listed::cut(found, limit))
    }
}

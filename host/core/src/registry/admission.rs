//! Asks the admission plugins before a change. A refusal or a failure of any of them means that nothing is changed.

use bulkhead_oci::{Digest, Manifest, RepositoryName, Tag};
use bytes::Bytes;
use futures_util::TryStreamExt;
use tracing::{info, warn};

use super::notes::Notes;
use super::{Act, Registry, RegistryError};
use crate::ports::admission::{Change, MAX_REVIEWED_CONFIG, MAX_REVIEWED_TAGS, Opinion, TagState};
use crate::ports::audit::AuditStep;
use crate::ports::catalog::{MAX_DELETED_AT_ONCE, TagFilter};
use crate::ports::plugin::{PluginError, PluginLabel};
use crate::ports::store::ObjectBody;

/// Warnings of one change that are kept.
const MAX_WARNINGS: usize = 32;

impl Registry {
    pub(super) fn has_admission(&self) -> bool {
        !self.parts.admission.is_empty()
    }

    /// Asks all plugins, in order. Their warnings are noted, each once, and who refuses.
    pub(super) async fn review(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        change: &Change<'_>,
        notes: &mut Notes,
    ) -> Result<(), RegistryError> {
        let request_id = &act.context.request_id;
        for plugin in &self.parts.admission {
            let label = plugin.label();
            let name = &label.name;
            match plugin.review(act.context, act.caller.identity(), repository, change).await {
                Ok(Opinion::Admit(new)) => {
                    for warning in new {
                        if notes.warnings.len() < MAX_WARNINGS && !notes.warnings.contains(&warning) {
                            notes.warnings.push(warning);
                        }
                    }
                }
                Ok(Opinion::Refuse(reason)) => {
                    info!(plugin = %name, %request_id, %repository, reason, "change refused");
                    notes.steps.push(step(label, "refused", reason.clone()));
                    return Err(RegistryError::Refused { reason });
                }
                Err(error) => {
                    warn!(plugin = %name, %request_id, %repository, %error, "admission plugin failed: the change is refused");
                    notes.steps.push(step(label, "failed", error.to_string()));
                    let retry_after = match &error {
                        PluginError::Unavailable { retry_after, .. } => *retry_after,
                        _ => None,
                    };
                    let reason = format!("admission plugin {name} failed, so the change was refused: {error}");
                    return Err(RegistryError::AdmissionFailed { retry_after, reason });
                }
            }
        }
        Ok(())
    }

    /// The bytes of an image's config, where plugins are shown it.
    ///
    /// # Errors
    /// [`RegistryError`] if the catalog or the storage does not answer. That it is not there is for the catalog to refuse.
    pub(super) async fn reviewed_config(
        &self,
        repository: &RepositoryName,
        manifest: &Manifest,
    ) -> Result<Option<Bytes>, RegistryError> {
        let Some(config) = manifest.config().filter(|_| self.has_admission()) else { return Ok(None) };
        let media_type = config.media_type.as_str();
        if config.size > MAX_REVIEWED_CONFIG || !(media_type.ends_with("+json") || media_type == "application/json") {
            return Ok(None);
        }
        let Some(blob) = self.parts.catalog.blob(self.parts.id, repository, &config.digest).await? else { return Ok(None) };
        if blob.size > MAX_REVIEWED_CONFIG {
            return Ok(None);
        }
        Ok(Some(match self.read_blob(&blob, None).await? {
            ObjectBody::Bytes(bytes) => bytes,
            ObjectBody::Stream(stream) => {
                let collect = |mut all: Vec<u8>, piece: Bytes| async move {
                    all.extend_from_slice(&piece);
                    Ok(all)
                };
                stream.try_fold(Vec::new(), collect).await?.into()
            }
        }))
    }

    /// Checks the locks on all tags that would go, and asks the plugins. Returns these as they are; none: nobody has to know them.
    pub(super) async fn admit_deletion(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        doomed: Doomed<'_>,
        notes: &mut Notes,
    ) -> Result<Option<Vec<TagState>>, RegistryError> {
        if !self.has_admission() && !self.parts.rules.deletes.watches_tags() {
            return Ok(None);
        }
        let (catalog, id) = (&self.parts.catalog, self.parts.id);
        let mut all: Vec<TagState> = Vec::new();
        loop {
            let after = all.last().map(|state| &state.tag);
            let page = catalog.tagged(id, repository, doomed.tags(), after, MAX_REVIEWED_TAGS).await?;
            for state in &page {
                self.parts.rules.deletes.check(repository, Some(&state.tag))?;
            }
            let tags: Vec<Tag> = page.iter().map(|state| state.tag.clone()).collect();
            if !tags.is_empty() || all.is_empty() {
                let change = match doomed {
                    Doomed::Manifest(digest) => Change::DeleteManifest { digest, tags: &tags },
                    Doomed::Repository => Change::DeleteRepository(&page),
                };
                self.review(act, repository, &change, notes).await?;
            }
            let last = page.len() < MAX_REVIEWED_TAGS as usize;
            all.extend(page);
            if last {
                return Ok(Some(all));
            }
            if all.len() > MAX_DELETED_AT_ONCE as usize {
                return Err(RegistryError::TooManyToDelete);
            }
        }
    }
}

fn step(label: &PluginLabel, said: &'static str, reason: String) -> AuditStep {
    AuditStep { plugin: label.name.to_string(), digest: label.digest.to_string(), said, reason }
}

/// What takes tags with it when it goes.
#[derive(Clone, Copy)]
pub(super) enum Doomed<'a> {
    Manifest(&'a Digest),
    Repository,
}

impl<'a> Doomed<'a> {
    const fn tags(self) -> TagFilter<'a> {
        match self {
            Self::Manifest(digest) => TagFilter::PointingTo(digest),
            Self::Repository => TagFilter::All,
        }
    }
}

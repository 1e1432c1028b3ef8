//! Locks: what the attributes of a repository, a manifest or a tag forbid. Attributes are read here, changed here, and checked here before
//! a request costs anything; for changes the catalog's transaction checks again, and its word counts: a lock that was set before the
//! commit holds.

use std::fmt;
use std::sync::Arc;

use bulkhead_oci::{Reference, RepositoryName, Tag};

use super::notes::{Notes, detached};
use super::{Act, Registry, RegistryError};
use crate::ports::audit::AuditAction;
use crate::ports::catalog::{Attribute, Attributed, AttributesChange, AttributesRecord, Lock, LockedBy, ManifestRecord};

/// A lock that stands in the way, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// Set by the attributes of what is there.
    ByAttribute(Lock),
    /// Set by the operator, in `deletes.locked` of the configuration: it cannot be deleted.
    BySetting {
        /// The tag whose lock it is, as far as one has to know it: its own deletion, or that of what it points to. None: all of the
        /// repository is locked.
        tag: Option<Tag>,
    },
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByAttribute(lock) => lock.fmt(f),
            Self::BySetting { tag: Some(tag) } => write!(f, "the tag {tag} is locked by the operator: it cannot be deleted"),
            Self::BySetting { tag: None } => {
                f.write_str("what is in this repository is locked by the operator: it cannot be deleted")
            }
        }
    }
}

impl From<Lock> for RegistryError {
    fn from(lock: Lock) -> Self {
        Self::Locked(Locked::ByAttribute(lock))
    }
}

fn of_repository(attribute: Attribute) -> RegistryError {
    Lock { on: LockedBy::Repository, attribute }.into()
}

impl Registry {
    /// Whether anything of this repository may be pulled.
    pub(super) async fn check_readable(&self, repository: &RepositoryName) -> Result<(), RegistryError> {
        let attributes = self.parts.catalog.repository_attributes(self.parts.id, repository).await?;
        if attributes.read_enabled { Ok(()) } else { Err(of_repository(Attribute::Read)) }
    }

    /// Whether anything may be pushed to this repository.
    pub(super) async fn check_writable(&self, repository: &RepositoryName) -> Result<(), RegistryError> {
        let attributes = self.parts.catalog.repository_attributes(self.parts.id, repository).await?;
        if attributes.write_enabled { Ok(()) } else { Err(of_repository(Attribute::Write)) }
    }

    /// Whether anything of this repository may be deleted.
    pub(super) async fn check_deletable(&self, repository: &RepositoryName) -> Result<(), RegistryError> {
        let attributes = self.parts.catalog.repository_attributes(self.parts.id, repository).await?;
        attributes.against_deletion().map_or(Ok(()), |attribute| Err(of_repository(attribute)))
    }

    /// Whether a manifest that was found by this reference may be pulled by it.
    pub(super) async fn check_pulled(
        &self,
        repository: &RepositoryName,
        reference: &Reference,
        found: &ManifestRecord,
    ) -> Result<(), RegistryError> {
        if found.attributes.read_enabled {
            return Ok(());
        }
        let on = match reference {
            Reference::Digest(digest) => LockedBy::Manifest(digest.clone()),
            Reference::Tag(tag) => {
                // The tag's lock, or that of what it points to? Only the refusal asks.
                let itself = self.find_manifest(repository, &Reference::Digest(found.digest.clone())).await?;
                if itself.attributes.read_enabled { LockedBy::Tag(tag.clone()) } else { LockedBy::Manifest(found.digest.clone()) }
            }
        };
        Err(Lock { on, attribute: Attribute::Read }.into())
    }

    /// What is known of a repository, a manifest or a tag. No lock hides it.
    ///
    /// # Errors
    /// [`RegistryError::NameUnknown`] or [`RegistryError::ManifestUnknown`] if it is not there.
    pub async fn attributes(&self, repository: &RepositoryName, of: &Attributed) -> Result<AttributesRecord, RegistryError> {
        self.parts.catalog.attributes(self.parts.id, repository, of).await?.ok_or_else(|| unknown(of))
    }

    /// Changes attributes, which no lock forbids, and returns what is known then. Once it has returned, every lock that it set holds.
    ///
    /// # Errors
    /// [`RegistryError::NameUnknown`] or [`RegistryError::ManifestUnknown`] if it is not there.
    pub async fn change_attributes(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        of: &Attributed,
        change: AttributesChange,
    ) -> Result<AttributesRecord, RegistryError> {
        if change == AttributesChange::default() {
            return self.attributes(repository, of).await;
        }
        let (registry, owned) = (Arc::clone(self), act.to_owned());
        let (repository, of) = (repository.clone(), of.clone());
        detached(async move {
            let mut notes = Notes::default();
            notes.target(match &of {
                Attributed::Repository => None,
                Attributed::Manifest(digest) => Some(digest.as_str()),
                Attributed::Tag(tag) => Some(tag.as_str()),
            });
            notes.targets.extend(change.set().map(|(attribute, value)| format!("{}={value}", attribute.as_str())));
            let (catalog, id, now) = (&registry.parts.catalog, registry.parts.id, registry.parts.clock.now());
            let changed = catalog.change_attributes(id, &repository, &of, &change, now).await;
            let changed = changed.map_err(RegistryError::from).and_then(|found| found.ok_or_else(|| unknown(&of)));
            let changed = registry.conclude(owned.act(), AuditAction::ChangeAttributes, &repository, notes, changed).await;
            changed?;
            registry.attributes(&repository, &of).await
        })
        .await
    }
}

const fn unknown(of: &Attributed) -> RegistryError {
    match of {
        Attributed::Repository => RegistryError::NameUnknown,
        Attributed::Manifest(_) | Attributed::Tag(_) => RegistryError::ManifestUnknown,
    }
}

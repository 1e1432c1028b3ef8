//! Scope maps: rights on repositories, under a name that accounts refer to.

use super::audit::Line;
use super::{Actor, Manager};
use crate::accounts::error::done;
use crate::accounts::{ManageError, validate};
use crate::ports::accounts::{ScopeEntry, ScopeMap, ScopeMapName};
use crate::ports::audit::AuditAction;

/// The most scope maps of one list: each may have 500 scopes.
const LONGEST_LIST_OF_MAPS: u32 = 100;

impl Manager {
    /// Scope maps in byte order of the name, strictly after `after`, at most `limit` and at most 100.
    ///
    /// # Errors
    /// [`ManageError::Catalog`].
    pub async fn scope_maps(
        &self,
        actor: &Actor<'_>,
        after: Option<&ScopeMapName>,
        limit: u32,
    ) -> Result<Vec<ScopeMap>, ManageError> {
        Ok(self.parts.accounts.scope_maps(actor.registry.0, after, limit.min(LONGEST_LIST_OF_MAPS)).await?)
    }

    /// The scope map of this name.
    ///
    /// # Errors
    /// [`ManageError::Absent`] and [`ManageError::Catalog`].
    pub async fn scope_map(&self, actor: &Actor<'_>, name: &ScopeMapName) -> Result<ScopeMap, ManageError> {
        self.parts.accounts.scope_map(actor.registry.0, name).await?.ok_or(ManageError::Absent)
    }

    /// Makes a scope map, or puts it in the place of the one of this name: accounts that have it may do from then on what it says now. Returns it as
    /// it is kept, with each scope's rights once and in order.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn put_scope_map(
        &self,
        actor: &Actor<'_>,
        name: ScopeMapName,
        description: String,
        scopes: Vec<ScopeEntry>,
    ) -> Result<ScopeMap, ManageError> {
        validate::text(&description, "a description")?;
        let scopes = validate::scopes(scopes)?;
        let line = Line::new(actor, AuditAction::PutScopeMap, &name).about_scopes(&scopes);
        let registry = actor.registry.0;
        let map = ScopeMap { name, description, scopes, created: self.parts.clock.now() };
        self.carry_out(line, |parts| async move {
            done(parts.accounts.put_scope_map(registry, &map).await?)?;
            // One that was there before keeps the time that it was made.
            parts.accounts.scope_map(registry, &map.name).await?.ok_or(ManageError::Absent)
        })
        .await
    }

    /// Deletes a scope map that no account has.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn remove_scope_map(&self, actor: &Actor<'_>, name: &ScopeMapName) -> Result<(), ManageError> {
        let line = Line::new(actor, AuditAction::DeleteScopeMap, name);
        let (registry, name) = (actor.registry.0, name.clone());
        self.carry_out(line, |parts| async move { done(parts.accounts.remove_scope_map(registry, &name).await?) }).await
    }
}

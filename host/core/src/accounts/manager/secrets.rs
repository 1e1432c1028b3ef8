//! The two secrets of an account, each renewed and withdrawn alone, so that one serves while the other is changed.

use super::audit::Line;
use super::{Actor, Manager, Parts};
use crate::accounts::error::done;
use crate::accounts::{ManageError, SecretLife, ShownSecret, secret};
use crate::ports::accounts::{AccountKind, AccountName, SecretRecord, Slot};
use crate::ports::audit::AuditAction;
use crate::ports::clock::Timestamp;

impl Manager {
    /// Puts a new secret into this slot. The one that was there is worth nothing from then on; the other slot stays as it is.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn renew_secret(
        &self,
        actor: &Actor<'_>,
        kind: AccountKind,
        name: &AccountName,
        slot: Slot,
        life: SecretLife,
    ) -> Result<ShownSecret, ManageError> {
        let expires = life.end(kind, self.parts.clock.now())?;
        let line = Line::new(actor, AuditAction::RenewSecret, name).about(target(slot));
        let (registry, name) = (actor.registry.0, name.clone());
        self.carry_out(line, |parts| async move {
            let (record, shown) = parts.new_secret(slot, expires).await?;
            done(parts.accounts.set_secret(registry, kind, &name, &record).await?)?;
            Ok(shown)
        })
        .await
    }

    /// Takes the secret of this slot away.
    ///
    /// # Errors
    /// [`ManageError`]; [`Absent`](ManageError::Absent) also where the slot is empty.
    pub async fn withdraw_secret(
        &self,
        actor: &Actor<'_>,
        kind: AccountKind,
        name: &AccountName,
        slot: Slot,
    ) -> Result<(), ManageError> {
        let line = Line::new(actor, AuditAction::WithdrawSecret, name).about(target(slot));
        let (registry, name) = (actor.registry.0, name.clone());
        self.carry_out(line, |parts| async move { done(parts.accounts.remove_secret(registry, kind, &name, slot).await?) }).await
    }
}

impl Parts {
    /// A new secret, as it is kept and as it is shown.
    pub(super) async fn new_secret(
        &self,
        slot: Slot,
        expires: Option<Timestamp>,
    ) -> Result<(SecretRecord, ShownSecret), ManageError> {
        let secret = secret::random(slot);
        let hash = self.hasher.hash(&secret).await?;
        let record = SecretRecord { slot, id: secret::random_id(), hash, created: self.clock.now(), expires };
        Ok((record, ShownSecret { slot, secret, expires }))
    }
}

fn target(slot: Slot) -> String {
    format!("secret={}", slot.number())
}

//! Accounts: the administrator, service principals, tokens.

use super::audit::Line;
use super::{Actor, LONGEST_LIST, Manager, NewPrincipal, NewToken, Parts};
use crate::accounts::error::done;
use crate::accounts::{ManageError, SecretLife, ShownSecret, validate};
use crate::ports::accounts::{AccountChange, AccountKind, AccountName, AccountRecord, AccountStatus, Slot};
use crate::ports::audit::AuditAction;
use crate::ports::clock::Timestamp;
use crate::ports::ids::{RegistryId, random_uuid};

impl Manager {
    /// The administrator; none: the registry never had one.
    ///
    /// # Errors
    /// [`ManageError::Catalog`].
    pub async fn admin(&self, actor: &Actor<'_>) -> Result<Option<AccountRecord>, ManageError> {
        Ok(self.parts.accounts.account(actor.registry.0, &AccountName::admin()).await?)
    }

    /// The account that is meant by a user's name, of whatever kind; none: there is none.
    ///
    /// # Errors
    /// [`ManageError::Catalog`].
    pub async fn find(&self, actor: &Actor<'_>, user: &str) -> Result<Option<AccountRecord>, ManageError> {
        let (row, registry) = actor.registry;
        match AccountName::of_user(user, registry) {
            Some(name) => Ok(self.parts.accounts.account(row, &name).await?),
            None => Ok(None),
        }
    }

    /// Enables or disables the administrator. Enabled for the first time, it is made, with a first secret.
    ///
    /// # Errors
    /// [`ManageError`]; [`Absent`](ManageError::Absent): it was never enabled, so there is nothing to disable.
    pub async fn set_admin_status(
        &self,
        actor: &Actor<'_>,
        status: AccountStatus,
    ) -> Result<(AccountRecord, Option<ShownSecret>), ManageError> {
        if status == AccountStatus::Enabled && self.admin(actor).await?.is_none() {
            match self.create(actor, empty(AccountKind::Admin, AccountName::admin()), SecretLife::Usual).await {
                Ok((account, secret)) => return Ok((account, Some(secret))),
                // Somebody else was faster.
                Err(ManageError::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        let change = AccountChange { status: Some(status), ..AccountChange::default() };
        Ok((self.change(actor, AccountKind::Admin, &AccountName::admin(), change).await?, None))
    }

    /// Makes a service principal with a new id for its name, and its first secret.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create_principal(
        &self,
        actor: &Actor<'_>,
        new: NewPrincipal,
    ) -> Result<(AccountRecord, ShownSecret), ManageError> {
        validate::text(&new.display_name, "a display name")?;
        validate::rights_of_principal(&new.roles, new.scope_map.as_ref())?;
        let name = random_uuid().parse().expect("a UUID has the form of a name");
        let account = AccountRecord {
            display_name: new.display_name,
            roles: validate::roles(new.roles),
            scope_map: new.scope_map,
            ..empty(AccountKind::ServicePrincipal, name)
        };
        self.create(actor, account, new.expires).await
    }

    /// Makes a token with its first secret.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create_token(&self, actor: &Actor<'_>, new: NewToken) -> Result<(AccountRecord, ShownSecret), ManageError> {
        validate::text(&new.display_name, "a display name")?;
        validate::token_name(&new.name, actor.registry.1)?;
        let account = AccountRecord {
            display_name: new.display_name,
            scope_map: Some(new.scope_map),
            ..empty(AccountKind::Token, new.name)
        };
        self.create(actor, account, new.expires).await
    }

    async fn create(
        &self,
        actor: &Actor<'_>,
        mut account: AccountRecord,
        life: SecretLife,
    ) -> Result<(AccountRecord, ShownSecret), ManageError> {
        let registry = actor.registry.0;
        account.created = self.parts.clock.now();
        let expires = life.end(account.kind, account.created)?;
        let line = Line::new(actor, AuditAction::CreateAccount, &account.name)
            .about(format!("kind={}", account.kind.as_str()))
            .about_rights(&account.roles, account.scope_map.as_ref());
        self.carry_out(line, |parts| async move {
            let (record, shown) = parts.new_secret(Slot::First, expires).await?;
            account.secrets.push(record);
            done(parts.accounts.create_account(registry, &account).await?)?;
            Ok((account, shown))
        })
        .await
    }

    /// The account of this kind and name.
    ///
    /// # Errors
    /// [`ManageError::Absent`] and [`ManageError::Catalog`].
    pub async fn account(&self, actor: &Actor<'_>, kind: AccountKind, name: &AccountName) -> Result<AccountRecord, ManageError> {
        self.parts.account(actor.registry.0, kind, name).await
    }

    /// Accounts of this kind in byte order of the name, strictly after `after`, at most `limit` and at most [`LONGEST_LIST`].
    ///
    /// # Errors
    /// [`ManageError::Catalog`].
    pub async fn accounts(
        &self,
        actor: &Actor<'_>,
        kind: AccountKind,
        after: Option<&AccountName>,
        limit: u32,
    ) -> Result<Vec<AccountRecord>, ManageError> {
        Ok(self.parts.accounts.accounts(actor.registry.0, kind, after, limit.min(LONGEST_LIST)).await?)
    }

    /// Changes an account, and tells what it is then. A change of nothing is none. The administrator can be enabled and disabled.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn change(
        &self,
        actor: &Actor<'_>,
        kind: AccountKind,
        name: &AccountName,
        change: AccountChange,
    ) -> Result<AccountRecord, ManageError> {
        let account = self.account(actor, kind, name).await?;
        let change = validate::change(change, &account)?;
        if change == AccountChange::default() {
            return Ok(account);
        }
        let line = Line::new(actor, AuditAction::ChangeAccount, name).about_change(&change);
        let (registry, name) = (actor.registry.0, name.clone());
        self.carry_out(line, |parts| async move {
            done(parts.accounts.change_account(registry, kind, &name, &change).await?)?;
            parts.account(registry, kind, &name).await
        })
        .await
    }

    /// Deletes an account with its secrets. The administrator stays: that there was one is how a host knows that it need not make another.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn remove(&self, actor: &Actor<'_>, kind: AccountKind, name: &AccountName) -> Result<(), ManageError> {
        if kind == AccountKind::Admin {
            return Err(ManageError::Invalid("the administrator is not deleted: disable it".to_owned()));
        }
        let line = Line::new(actor, AuditAction::DeleteAccount, name).about(format!("kind={}", kind.as_str()));
        let (registry, name) = (actor.registry.0, name.clone());
        self.carry_out(line, |parts| async move { done(parts.accounts.remove_account(registry, kind, &name).await?) }).await
    }
}

impl Parts {
    async fn account(&self, registry: RegistryId, kind: AccountKind, name: &AccountName) -> Result<AccountRecord, ManageError> {
        let account = self.accounts.account(registry, name).await?;
        account.filter(|account| account.kind == kind).ok_or(ManageError::Absent)
    }
}

/// Enabled, without rights, secrets, or a time.
fn empty(kind: AccountKind, name: AccountName) -> AccountRecord {
    AccountRecord {
        name,
        kind,
        display_name: String::new(),
        status: AccountStatus::Enabled,
        roles: Vec::new(),
        scope_map: None,
        created: Timestamp(0),
        secrets: Vec::new(),
    }
}

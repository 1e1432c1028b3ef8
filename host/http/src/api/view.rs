//! What is shown of accounts, and of lists. Never a hash, and a secret only where it has just been made.

use bulkhead_core::ports::accounts::{AccountKind, AccountName, AccountRecord, AccountStatus, Role, ScopeMapName, SecretRecord};
use serde::Serialize;

use super::parse::Listing;
use crate::moment::rfc3339;

/// An account.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct AccountView<'a> {
    name: &'a AccountName,
    kind: AccountKind,
    display_name: &'a str,
    status: AccountStatus,
    roles: &'a [Role],
    #[serde(skip_serializing_if = "Option::is_none")]
    scope_map: Option<&'a ScopeMapName>,
    created: String,
    secrets: Vec<SecretView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// What is known of a secret besides itself.
#[derive(Serialize)]
pub(super) struct SecretView<'a> {
    slot: u8,
    id: &'a str,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// A part of a list.
#[derive(Serialize)]
pub(super) struct ListView<T> {
    value: Vec<T>,
    /// Where the next part begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<AccountName>,
}

impl<'a> SecretView<'a> {
    fn of(secret: &'a SecretRecord) -> Self {
        let SecretRecord { slot, id, created, expires, .. } = secret;
        Self { slot: slot.number(), id, created: rfc3339(*created), expires: expires.map(rfc3339) }
    }
}

impl<'a> AccountView<'a> {
    /// As it is kept.
    pub(super) fn of(account: &'a AccountRecord) -> Self {
        Self {
            name: &account.name,
            kind: account.kind,
            display_name: &account.display_name,
            status: account.status,
            roles: &account.roles,
            scope_map: account.scope_map.as_ref(),
            created: rfc3339(account.created),
            secrets: secrets_of(account),
            secret: None,
            warnings: Vec::new(),
        }
    }

    /// The same just made: with the secret that it has got, and what its maker should know.
    pub(super) fn just_made(self, secret: &'a str, warnings: Vec<String>) -> Self {
        Self { secret: Some(secret), warnings, ..self }
    }
}

/// What is known of an account's secrets.
pub(super) fn secrets_of(account: &AccountRecord) -> Vec<SecretView<'_>> {
    account.secrets.iter().map(SecretView::of).collect()
}

/// A list of what was asked for with one more than the listing wants.
pub(super) fn cut<'a, T, V>(
    records: &'a [T],
    listing: &Listing,
    name: fn(&T) -> &AccountName,
    view: fn(&'a T) -> V,
) -> ListView<V> {
    let limit = listing.limit as usize;
    let shown = &records[..records.len().min(limit)];
    // An empty part has no last entry to go on from.
    let next = shown.last().filter(|_| records.len() > limit).map(|last| name(last).clone());
    ListView { value: shown.iter().map(view).collect(), next }
}

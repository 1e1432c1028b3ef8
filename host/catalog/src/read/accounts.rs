//! Accounts and scope maps.

use bulkhead_core::ports::accounts::{
    AccountKind, AccountName, AccountRecord, AccountStatus, Right, Role, ScopeEntry, ScopeMap, ScopeMapName, SecretRecord, Slot,
};
use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::ids::RegistryId;
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, query_as};

use crate::convert::{from_row, parse};
use crate::readers::Readers;

/// Up to this many columns are the account's; then come four of each slot.
const ACCOUNT_COLUMNS: usize = 7;

/// An account with its secrets: one row, since it has two at most.
macro_rules! accounts {
    ($condition:literal) => {
        concat!(
            "SELECT a.name, a.kind, a.display_name, a.status, a.roles,
                 (SELECT name FROM scope_maps WHERE id = a.scope_map_id), a.created,
                 one.id, one.hash, one.created, one.expires, two.id, two.hash, two.created, two.expires
             FROM accounts AS a
                 LEFT JOIN account_secrets AS one ON one.account_id = a.id AND one.slot = 1
                 LEFT JOIN account_secrets AS two ON two.account_id = a.id AND two.slot = 2
             WHERE a.registry_id = $1 AND ",
            $condition
        )
    };
}

pub(crate) const ACCOUNT: &str = accounts!("a.name = $2");
pub(crate) const ACCOUNTS: &str = accounts!("a.kind = $2 AND a.name > $3 ORDER BY a.name LIMIT $4");
pub(crate) const SCOPE_MAP: &str =
    "SELECT name, description, scopes, created FROM scope_maps WHERE registry_id = $1 AND name = $2";
pub(crate) const SCOPE_MAPS: &str =
    "SELECT name, description, scopes, created FROM scope_maps WHERE registry_id = $1 AND name > $2 ORDER BY name LIMIT $3";

struct AccountRow {
    name: String,
    kind: String,
    display_name: String,
    status: String,
    roles: String,
    scope_map: Option<String>,
    created: i64,
    first: Option<SecretColumns>,
    second: Option<SecretColumns>,
}

struct SecretColumns {
    id: String,
    hash: String,
    created: i64,
    expires: Option<i64>,
}

impl SecretColumns {
    /// Those that begin here; none: the slot is empty.
    fn from(row: &SqliteRow, begin: usize) -> sqlx::Result<Option<Self>> {
        let id: Option<String> = row.try_get(begin)?;
        let Some(id) = id else { return Ok(None) };
        Ok(Some(Self { id, hash: row.try_get(begin + 1)?, created: row.try_get(begin + 2)?, expires: row.try_get(begin + 3)? }))
    }

    fn record(self, slot: Slot) -> Result<SecretRecord, CatalogError> {
        let expires = self.expires.map(moment).transpose()?;
        Ok(SecretRecord { slot, id: self.id, hash: self.hash, created: moment(self.created)?, expires })
    }
}

impl FromRow<'_, SqliteRow> for AccountRow {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            name: row.try_get(0)?,
            kind: row.try_get(1)?,
            display_name: row.try_get(2)?,
            status: row.try_get(3)?,
            roles: row.try_get(4)?,
            scope_map: row.try_get(5)?,
            created: row.try_get(6)?,
            first: SecretColumns::from(row, ACCOUNT_COLUMNS)?,
            second: SecretColumns::from(row, ACCOUNT_COLUMNS + 4)?,
        })
    }
}

impl AccountRow {
    fn record(self) -> Result<AccountRecord, CatalogError> {
        let first = self.first.map(|columns| columns.record(Slot::First));
        let second = self.second.map(|columns| columns.record(Slot::Second));
        let roles: Vec<Role> = from_json(&self.roles, "roles")?;
        Ok(AccountRecord {
            name: parse(&self.name, "an account's name")?,
            kind: kind(&self.kind)?,
            display_name: self.display_name,
            status: status(&self.status)?,
            roles,
            scope_map: self.scope_map.map(|name| parse(&name, "a scope map's name")).transpose()?,
            created: moment(self.created)?,
            secrets: first.into_iter().chain(second).collect::<Result<_, _>>()?,
        })
    }
}

type MapRow = (String, String, String, i64);

fn scope_map((name, description, scopes, created): MapRow) -> Result<ScopeMap, CatalogError> {
    let pairs: Vec<(String, Vec<Right>)> = from_json(&scopes, "scopes")?;
    let entry = |(target, rights): (String, Vec<Right>)| Ok(ScopeEntry { target: parse(&target, "a scope's target")?, rights });
    Ok(ScopeMap {
        name: parse(&name, "a scope map's name")?,
        description,
        scopes: pairs.into_iter().map(entry).collect::<Result<_, CatalogError>>()?,
        created: moment(created)?,
    })
}

fn moment(at: i64) -> Result<Timestamp, CatalogError> {
    from_row(at, "a time").map(Timestamp)
}

fn from_json<T: DeserializeOwned>(text: &str, what: &str) -> Result<T, CatalogError> {
    serde_json::from_str(text)
        .map_err(|error| CatalogError(format!("the catalog holds {text:?} as {what}: {error}: it was changed by other hands")))
}

fn unknown(text: &str, what: &str) -> CatalogError {
    CatalogError(format!("the catalog holds {text:?} as {what}: it was changed by other hands"))
}

fn kind(text: &str) -> Result<AccountKind, CatalogError> {
    let all = [AccountKind::Admin, AccountKind::ServicePrincipal, AccountKind::Token];
    all.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| unknown(text, "an account's kind"))
}

fn status(text: &str) -> Result<AccountStatus, CatalogError> {
    match text {
        "enabled" => Ok(AccountStatus::Enabled),
        "disabled" => Ok(AccountStatus::Disabled),
        other => Err(unknown(other, "an account's status")),
    }
}

impl Readers {
    pub(crate) async fn account(&self, registry: RegistryId, name: &AccountName) -> Result<Option<AccountRecord>, CatalogError> {
        let query = query_as(ACCOUNT).bind(registry.0).bind(name.as_str());
        let row: Option<AccountRow> = self.optional("finding an account", query).await?;
        row.map(AccountRow::record).transpose()
    }

    pub(crate) async fn accounts(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        after: &str,
        limit: u32,
    ) -> Result<Vec<AccountRecord>, CatalogError> {
        let query = query_as(ACCOUNTS).bind(registry.0).bind(kind.as_str()).bind(after).bind(i64::from(limit));
        let rows: Vec<AccountRow> = self.all("listing accounts", query).await?;
        rows.into_iter().map(AccountRow::record).collect()
    }

    pub(crate) async fn scope_map(&self, registry: RegistryId, name: &ScopeMapName) -> Result<Option<ScopeMap>, CatalogError> {
        let query = query_as(SCOPE_MAP).bind(registry.0).bind(name.as_str());
        let row: Option<MapRow> = self.optional("finding a scope map", query).await?;
        row.map(scope_map).transpose()
    }

    pub(crate) async fn scope_maps(&self, registry: RegistryId, after: &str, limit: u32) -> Result<Vec<ScopeMap>, CatalogError> {
        let query = query_as(SCOPE_MAPS).bind(registry.0).bind(after).bind(i64::from(limit));
        let rows: Vec<MapRow> = self.all("listing scope maps", query).await?;
        rows.into_iter().map(scope_map).collect()
    }
}

//! Accounts, their secrets, and scope maps.
//!
//! Each script makes its change and tells in words what it found; then it is judged, and undone unless all of it is done.

use bulkhead_core::ports::accounts::{
    AccountChange, AccountKind, AccountName, AccountRecord, AccountStatus, Kept, Right, Role, ScopeMap, ScopeMapName,
    SecretRecord, Slot,
};
use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::ports::ids::RegistryId;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Answer, Outcome, Query, Work, script};
use crate::convert::{failed, json, time};

/// What changes of the accounts of a registry.
pub(crate) struct AccountsWrite {
    registry: RegistryId,
    name: AccountName,
    what: What,
}

enum What {
    Create {
        kind: AccountKind,
        display_name: String,
        status: AccountStatus,
        roles: String,
        scope_map: Option<ScopeMapName>,
        created: i64,
        secrets: String,
    },
    Change {
        kind: AccountKind,
        change: AccountChange,
    },
    Remove {
        kind: AccountKind,
    },
    SetSecret {
        kind: AccountKind,
        slot: Slot,
        id: String,
        hash: String,
        created: i64,
        expires: Option<i64>,
    },
    RemoveSecret {
        kind: AccountKind,
        slot: Slot,
    },
    PutMap {
        description: String,
        scopes: String,
        created: i64,
    },
    RemoveMap,
}

/// The row of the account `$2` of the kind `$3`; null: there is none.
macro_rules! account {
    () => {
        "(SELECT id FROM accounts WHERE registry_id = $1 AND name = $2 AND kind = $3)"
    };
}

/// The row of the scope map with the name that this parameter has; null: there is none, or no name.
macro_rules! map {
    ($name:literal) => {
        concat!("(SELECT id FROM scope_maps WHERE registry_id = $1 AND name = ", $name, ")")
    };
}

/// Tells if this parameter names a scope map that is not there.
macro_rules! no_map {
    ($name:literal) => {
        concat!("SELECT 'no map' WHERE ", $name, " IS NOT NULL AND ", map!($name), " IS NULL")
    };
}

/// An account that is there already gets the secrets too, until that is undone.
const CREATE: &str = script!(
    no_map!("$7"),
    concat!(
        "INSERT INTO accounts (registry_id, name, kind, display_name, status, roles, scope_map_id, created)
         SELECT $1, $2, $3, $4, $5, $6, ",
        map!("$7"),
        ", $8 WHERE $7 IS NULL OR ",
        map!("$7"),
        " IS NOT NULL ON CONFLICT DO NOTHING RETURNING 'done'"
    ),
    concat!(
        "INSERT INTO account_secrets (account_id, slot, id, hash, created, expires)
         SELECT ",
        account!(),
        ", value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each($9)
         WHERE ",
        account!(),
        " IS NOT NULL ON CONFLICT DO NOTHING"
    ),
);
/// `$7`: whether the scope map changes.
const CHANGE: &str = script!(
    no_map!("$8"),
    concat!("SELECT 'found' WHERE ", account!(), " IS NOT NULL"),
    concat!(
        "UPDATE accounts SET display_name = ifnull($4, display_name), status = ifnull($5, status), roles = ifnull($6, roles),
             scope_map_id = CASE WHEN $7 THEN ",
        map!("$8"),
        " ELSE scope_map_id END
         WHERE id = ",
        account!(),
        " AND ($8 IS NULL OR ",
        map!("$8"),
        " IS NOT NULL) RETURNING 'done'"
    ),
);
const REMOVE: &str = script!(concat!("DELETE FROM accounts WHERE id = ", account!(), " RETURNING 'done'"));
const SET_SECRET: &str = script!(
    "INSERT INTO account_secrets (account_id, slot, id, hash, created, expires)
     SELECT id, $4, $5, $6, $7, $8 FROM accounts WHERE registry_id = $1 AND name = $2 AND kind = $3
     ON CONFLICT (account_id, slot) DO UPDATE
         SET id = excluded.id, hash = excluded.hash, created = excluded.created, expires = excluded.expires
     RETURNING 'done'"
);
const REMOVE_SECRET: &str =
    script!(concat!("DELETE FROM account_secrets WHERE account_id = ", account!(), " AND slot = $4 RETURNING 'done'"));
const PUT_MAP: &str = script!(
    "INSERT INTO scope_maps (registry_id, name, description, scopes, created) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (registry_id, name) DO UPDATE SET description = excluded.description, scopes = excluded.scopes
     RETURNING 'done'"
);
const REMOVE_MAP: &str = script!(
    concat!("SELECT 'in use' FROM accounts WHERE scope_map_id = ", map!("$2"), " LIMIT 1"),
    "DELETE FROM scope_maps WHERE registry_id = $1 AND name = $2
         AND NOT EXISTS (SELECT 1 FROM accounts WHERE scope_map_id = scope_maps.id) RETURNING 'done'"
);

const fn status(status: AccountStatus) -> &'static str {
    match status {
        AccountStatus::Enabled => "enabled",
        AccountStatus::Disabled => "disabled",
    }
}

fn roles(roles: &[Role]) -> String {
    json(serde_json::to_string(roles))
}

/// Slot, id, hash, created, expires.
fn secrets(secrets: &[SecretRecord]) -> String {
    type Columns<'a> = (u8, &'a str, &'a str, i64, Option<i64>);
    let columns = |secret| {
        let SecretRecord { slot, id, hash, created, expires }: &SecretRecord = secret;
        (slot.number(), id.as_str(), hash.as_str(), time(*created), expires.map(time))
    };
    json(serde_json::to_string(&secrets.iter().map(columns).collect::<Vec<Columns<'_>>>()))
}

fn scopes(map: &ScopeMap) -> String {
    let pairs: Vec<(String, &[Right])> = map.scopes.iter().map(|entry| (entry.target.to_string(), &entry.rights[..])).collect();
    json(serde_json::to_string(&pairs))
}

impl AccountsWrite {
    pub(crate) fn create(registry: RegistryId, account: &AccountRecord) -> Self {
        let what = What::Create {
            kind: account.kind,
            display_name: account.display_name.clone(),
            status: account.status,
            roles: roles(&account.roles),
            scope_map: account.scope_map.clone(),
            created: time(account.created),
            secrets: secrets(&account.secrets),
        };
        Self { registry, name: account.name.clone(), what }
    }

    pub(crate) fn change(registry: RegistryId, kind: AccountKind, name: &AccountName, change: &AccountChange) -> Self {
        Self { registry, name: name.clone(), what: What::Change { kind, change: change.clone() } }
    }

    pub(crate) fn remove(registry: RegistryId, kind: AccountKind, name: &AccountName) -> Self {
        Self { registry, name: name.clone(), what: What::Remove { kind } }
    }

    pub(crate) fn set_secret(registry: RegistryId, kind: AccountKind, name: &AccountName, secret: &SecretRecord) -> Self {
        let SecretRecord { slot, id, hash, created, expires } = secret.clone();
        let what = What::SetSecret { kind, slot, id, hash, created: time(created), expires: expires.map(time) };
        Self { registry, name: name.clone(), what }
    }

    pub(crate) fn remove_secret(registry: RegistryId, kind: AccountKind, name: &AccountName, slot: Slot) -> Self {
        Self { registry, name: name.clone(), what: What::RemoveSecret { kind, slot } }
    }

    pub(crate) fn put_map(registry: RegistryId, map: &ScopeMap) -> Self {
        let what = What::PutMap { description: map.description.clone(), scopes: scopes(map), created: time(map.created) };
        Self { registry, name: map.name.clone(), what }
    }

    pub(crate) fn remove_map(registry: RegistryId, name: &ScopeMapName) -> Self {
        Self { registry, name: name.clone(), what: What::RemoveMap }
    }

    pub(super) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        // What it means that nothing was done.
        let undone = match self.what {
            What::Create { .. } => Kept::Exists,
            _ => Kept::Absent,
        };
        let rows = work.rows("changing accounts", self.script()).await?;
        judge(&rows, undone)
    }

    fn script(&self) -> Query<'_> {
        let start = |script: &'static str| sqlx::query(script).bind(self.registry.0).bind(self.name.as_str());
        match &self.what {
            What::Create { kind, display_name, status: stands, roles, scope_map, created, secrets } => start(CREATE)
                .bind(kind.as_str())
                .bind(display_name)
                .bind(status(*stands))
                .bind(roles)
                .bind(scope_map.as_ref().map(ScopeMapName::as_str))
                .bind(created)
                .bind(secrets),
            What::Change { kind, change } => start(CHANGE)
                .bind(kind.as_str())
                .bind(change.display_name.as_deref())
                .bind(change.status.map(status))
                .bind(change.roles.as_deref().map(roles))
                .bind(change.scope_map.is_some())
                .bind(change.scope_map.as_ref().and_then(Option::as_ref).map(ScopeMapName::as_str)),
            What::Remove { kind } => start(REMOVE).bind(kind.as_str()),
            What::SetSecret { kind, slot, id, hash, created, expires } => {
                start(SET_SECRET).bind(kind.as_str()).bind(slot.number()).bind(id).bind(hash).bind(created).bind(expires)
            }
            What::RemoveSecret { kind, slot } => start(REMOVE_SECRET).bind(kind.as_str()).bind(slot.number()),
            What::PutMap { description, scopes, created } => start(PUT_MAP).bind(description).bind(scopes).bind(created),
            What::RemoveMap => start(REMOVE_MAP),
        }
    }
}

fn judge(rows: &[SqliteRow], undone: Kept) -> Result<Outcome, CatalogError> {
    let mut words = Vec::with_capacity(rows.len());
    for row in rows {
        let word: &str = row.try_get(0).map_err(failed("reading what became of accounts"))?;
        words.push(word);
    }
    let told = |word: &str| words.contains(&word);
    let kept = if told("done") {
        Kept::Done
    } else if told("in use") {
        Kept::InUse
    } else if told("no map") && (told("found") || undone == Kept::Exists) {
        Kept::NoSuchScopeMap
    } else {
        undone
    };
    Ok(if kept == Kept::Done { Outcome::Keep(Answer::Kept(kept)) } else { Outcome::Undo(Answer::Kept(kept)) })
}

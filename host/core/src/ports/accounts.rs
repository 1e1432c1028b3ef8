//! The accounts that the host keeps, apart for each registry: the administrator, service principals, tokens for single repositories.
//!
//! [`Accounts`] keeps them (`bulkhead-catalog` implements it with SQL), [`AccountDirectory`] checks their secrets for plugins
//! (`core::accounts` implements it). What an account may is decided by a plugin, `auth-accounts`, never here.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use bulkhead_oci::RepositoryName;
use serde::Serialize;

use super::catalog::CatalogError;
use super::clock::Timestamp;
use super::ids::{RegistryId, RegistryName};

/// The name of every registry's administrator.
pub const ADMIN: &str = "admin";
/// The most scopes of a scope map.
pub const MAX_SCOPES_OF_A_MAP: usize = 500;

/// An account's name: 1 to 128 of `A-Z a-z 0-9 . _ -`, beginning with a letter or digit. A service principal's is its id, a UUID. Cheap to
/// clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct AccountName(Arc<str>);

/// A scope map's name: as an account's.
pub type ScopeMapName = AccountName;

/// A text that is no account's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 128 letters, digits, `.`, `_` and `-`, and begins with a letter or digit")]
pub struct AccountNameError;

impl AccountName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The administrator's.
    pub fn admin() -> Self {
        Self(ADMIN.into())
    }

    /// The account that a user's name means at this registry, whose own name is another one of its administrator's. None: no account can be
    /// called so.
    pub fn of_user(user: &str, registry: &RegistryName) -> Option<Self> {
        if user == registry.as_str() { Some(Self::admin()) } else { user.parse().ok() }
    }
}

impl FromStr for AccountName {
    type Err = AccountNameError;

    fn from_str(text: &str) -> Result<Self, AccountNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let well_formed =
            text.len() <= 128 && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) && text.bytes().all(plain);
        if well_formed { Ok(Self(text.into())) } else { Err(AccountNameError) }
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountKind {
    /// The administrator, one for each registry; its name is [`ADMIN`].
    Admin,
    /// A service principal: a program, with roles for the whole registry, and a scope map if it has one.
    ServicePrincipal,
    /// A token for single repositories: a scope map and no roles.
    Token,
}

impl AccountKind {
    /// Its name: `admin`, `service-principal`, `token`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ServicePrincipal => "service-principal",
            Self::Token => "token",
        }
    }
}

/// A role for the whole registry, named as Azure Container Registry names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum Role {
    /// Pull, and read metadata.
    AcrPull,
    /// Pull and push, and read metadata.
    AcrPush,
    /// Delete.
    AcrDelete,
    /// Pull, list repositories, read metadata.
    Reader,
    /// All but administer.
    Contributor,
    /// Everything.
    Owner,
}

impl Role {
    /// Its name, as Azure Container Registry writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AcrPull => "AcrPull",
            Self::AcrPush => "AcrPush",
            Self::AcrDelete => "AcrDelete",
            Self::Reader => "Reader",
            Self::Contributor => "Contributor",
            Self::Owner => "Owner",
        }
    }
}

/// A right of a scope map, named as Azure Container Registry names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub enum Right {
    /// Pull.
    #[serde(rename = "content/read")]
    ContentRead,
    /// Push.
    #[serde(rename = "content/write")]
    ContentWrite,
    /// Delete.
    #[serde(rename = "content/delete")]
    ContentDelete,
    /// Read facts and attributes.
    #[serde(rename = "metadata/read")]
    MetadataRead,
    /// Change attributes.
    #[serde(rename = "metadata/write")]
    MetadataWrite,
}

impl Right {
    /// Its name, as Azure Container Registry writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContentRead => "content/read",
            Self::ContentWrite => "content/write",
            Self::ContentDelete => "content/delete",
            Self::MetadataRead => "metadata/read",
            Self::MetadataWrite => "metadata/write",
        }
    }
}

/// Which repositories a scope is about. They need not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScopeTarget {
    /// This one.
    Repository(RepositoryName),
    /// All below this prefix, written `PREFIX/*`; not the prefix itself.
    Below(RepositoryName),
}

/// Rights on repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeEntry {
    /// Where.
    pub target: ScopeTarget,
    /// What; not empty, each once.
    pub rights: Vec<Right>,
}

/// A text that is no target of a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a repository's name nor `PREFIX/*`")]
pub struct ScopeTargetError(String);

impl FromStr for ScopeTarget {
    type Err = ScopeTargetError;

    fn from_str(text: &str) -> Result<Self, ScopeTargetError> {
        let parse = |name: &str| name.parse().map_err(|_| ScopeTargetError(text.to_owned()));
        match text.strip_suffix("/*") {
            Some(prefix) => parse(prefix).map(Self::Below),
            None => parse(text).map(Self::Repository),
        }
    }
}

impl fmt::Display for ScopeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(name) => write!(f, "{name}"),
            Self::Below(prefix) => write!(f, "{prefix}/*"),
        }
    }
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountStatus {
    /// It can.
    Enabled,
    /// None of its secrets lets anybody in.
    Disabled,
}

/// Which of an account's two secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Slot {
    /// The first.
    #[serde(rename = "1")]
    First,
    /// The second.
    #[serde(rename = "2")]
    Second,
}

impl Slot {
    /// 1 or 2.
    pub const fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
        }
    }

    /// The slot of this number; none: there is none.
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::First),
            2 => Some(Self::Second),
            _ => None,
        }
    }
}

/// A secret as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretRecord {
    /// Which of the two.
    pub slot: Slot,
    /// Another one for each secret ever made: 32 random hex digits. The proof that tokens carry.
    pub id: String,
    /// argon2id, in PHC form.
    pub hash: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends; none: never.
    pub expires: Option<Timestamp>,
}

/// An account as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// Its name.
    pub name: AccountName,
    /// What it is.
    pub kind: AccountKind,
    /// What people call it, at most 256 bytes; may be empty.
    pub display_name: String,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Its roles, each once, in order.
    pub roles: Vec<Role>,
    /// Its scope map.
    pub scope_map: Option<ScopeMapName>,
    /// When it was made.
    pub created: Timestamp,
    /// At most two, in the order of their slots.
    pub secrets: Vec<SecretRecord>,
}

/// A scope map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeMap {
    /// Its name.
    pub name: ScopeMapName,
    /// What it is for, at most 256 bytes; may be empty.
    pub description: String,
    /// 1 to [`MAX_SCOPES_OF_A_MAP`], each target once.
    pub scopes: Vec<ScopeEntry>,
    /// When it was made.
    pub created: Timestamp,
}

/// What of an account changes; none: stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// What people call it.
    pub display_name: Option<String>,
    /// Whether it can be used.
    pub status: Option<AccountStatus>,
    /// Its roles.
    pub roles: Option<Vec<Role>>,
    /// Its scope map; some none: it has none any more.
    pub scope_map: Option<Option<ScopeMapName>>,
}

/// What became of a change of accounts or scope maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is done, durably.
    Done,
    /// There is such a one already.
    Exists,
    /// There is no such account, scope map or secret.
    Absent,
    /// The scope map that it names is not there.
    NoSuchScopeMap,
    /// It stays: accounts use it.
    InUse,
}

/// Keeps accounts. Lists are in byte order of the name, strictly after `after`, at most `limit`.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The account of this name.
    async fn account(&self, registry: RegistryId, name: &AccountName) -> Result<Option<AccountRecord>, CatalogError>;
    /// Accounts of this kind.
    async fn accounts(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        after: Option<&AccountName>,
        limit: u32,
    ) -> Result<Vec<AccountRecord>, CatalogError>;
    /// Keeps a new account with its secrets.
    async fn create_account(&self, registry: RegistryId, account: &AccountRecord) -> Result<Kept, CatalogError>;
    /// Changes an account of this kind.
    async fn change_account(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        change: &AccountChange,
    ) -> Result<Kept, CatalogError>;
    /// The account of this kind goes, with its secrets.
    async fn remove_account(&self, registry: RegistryId, kind: AccountKind, name: &AccountName) -> Result<Kept, CatalogError>;
    /// Puts a secret into its slot of an account of this kind, in the place of whatever was there.
    async fn set_secret(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        secret: &SecretRecord,
    ) -> Result<Kept, CatalogError>;
    /// Takes the secret of this slot away.
    async fn remove_secret(
        &self,
        registry: RegistryId,
        kind: AccountKind,
        name: &AccountName,
        slot: Slot,
    ) -> Result<Kept, CatalogError>;

    /// The scope map of this name.
    async fn scope_map(&self, registry: RegistryId, name: &ScopeMapName) -> Result<Option<ScopeMap>, CatalogError>;
    /// Scope maps.
    async fn scope_maps(
        &self,
        registry: RegistryId,
        after: Option<&ScopeMapName>,
        limit: u32,
    ) -> Result<Vec<ScopeMap>, CatalogError>;
    /// Keeps a scope map, in the place of one of the same name (whose `created` stays).
    async fn put_scope_map(&self, registry: RegistryId, map: &ScopeMap) -> Result<Kept, CatalogError>;
    /// The scope map goes, unless an account uses it.
    async fn remove_scope_map(&self, registry: RegistryId, name: &ScopeMapName) -> Result<Kept, CatalogError>;
}

/// An account as plugins see it: no secret, no hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAccount {
    /// Its name.
    pub name: AccountName,
    /// What it is.
    pub kind: AccountKind,
    /// Its roles.
    pub roles: Vec<Role>,
    /// What its scope map gives it.
    pub scopes: Vec<ScopeEntry>,
}

/// What a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// One of the account's.
    Right {
        /// The account.
        account: KnownAccount,
        /// When the secret ends.
        expires: Option<Timestamp>,
        /// The secret's id.
        proof: String,
    },
    /// There is such an account, and it is none of its secrets, or it has ended, or the account is disabled. Why, for the log.
    Wrong(String),
    /// There is no such account. It takes as long to say so.
    Unknown,
}

/// Why nobody can say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The catalog does not answer. For the log.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// More secrets wait to be checked than can be soon.
    #[error("too many secrets wait to be checked")]
    Busy,
}

/// Checks secrets for plugins. Names are taken as clients give them; `admin` and the registry's own name are the administrator.
#[async_trait]
pub trait AccountDirectory: Send + Sync {
    /// Whether this is a secret of that account. The hash runs on threads of its own, never more at once than there are cores.
    async fn verify(&self, registry: &RegistryName, name: &str, secret: &str) -> Result<Verification, DirectoryError>;

    /// The account, if it is enabled, and has the secret still that `proof` marks where one is given.
    async fn find(
        &self,
        registry: &RegistryName,
        name: &str,
        proof: Option<&str>,
    ) -> Result<Option<KnownAccount>, DirectoryError>;
}

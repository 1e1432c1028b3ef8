//! `accounts`: whether a secret is one of an account of the registry that is served, and what the account is. The host does the hashing; no
//! secret and no hash of one ever reaches the guest, nor the log.

use std::sync::Arc;

use bulkhead_core::ports::accounts::{
    AccountDirectory, AccountKind, DirectoryError, KnownAccount, Right, Role, ScopeEntry, Verification,
};
use bulkhead_core::ports::ids::RegistryName;
use bulkhead_plugin_bindings::bulkhead::plugin::{accounts, types};

use super::unavailable;
use crate::state::State;

/// The longest name, in bytes.
const MAX_NAME_BYTES: usize = 128;
/// The longest secret that is hashed, in bytes: as long as a client's may be.
const MAX_SECRET_BYTES: usize = 8 * 1024;
/// The longest proof, in bytes.
const MAX_PROOF_BYTES: usize = 256;
/// When to try again where too many secrets wait, in seconds.
const BUSY_SECONDS: u32 = 1;

impl accounts::Host for State {
    async fn verify(&mut self, name: String, secret: String) -> Result<accounts::Verification, types::Error> {
        let (directory, registry) = self.accounts()?;
        if !could_be(&name, MAX_NAME_BYTES) {
            return Ok(accounts::Verification::Unknown);
        }
        if secret.len() > MAX_SECRET_BYTES {
            return Err(types::Error::Invalid(format!("a secret of {} bytes: at most {MAX_SECRET_BYTES}", secret.len())));
        }
        let verified = directory.verify(registry, &name, &secret).await.map_err(|error| self.unanswered(&error))?;
        Ok(match verified {
            Verification::Right { account, expires, proof } => accounts::Verification::Right(accounts::Checked {
                account: wit_account(account),
                expires: expires.map(|expires| expires.0),
                proof,
            }),
            Verification::Wrong(reason) => accounts::Verification::Wrong(reason),
            Verification::Unknown => accounts::Verification::Unknown,
        })
    }

    async fn find(&mut self, name: String, proof: Option<String>) -> Result<Option<accounts::Account>, types::Error> {
        let (directory, registry) = self.accounts()?;
        if !could_be(&name, MAX_NAME_BYTES) || proof.as_deref().is_some_and(|proof| !could_be(proof, MAX_PROOF_BYTES)) {
            return Ok(None);
        }
        let found = directory.find(registry, &name, proof.as_deref()).await.map_err(|error| self.unanswered(&error))?;
        Ok(found.map(wit_account))
    }
}

impl State {
    /// The accounts, where they are granted, and of which registry.
    fn accounts(&self) -> Result<(Arc<dyn AccountDirectory>, &RegistryName), types::Error> {
        let Some(directory) = &self.reach.accounts else {
            return Err(types::Error::Denied("the registry's accounts are not granted: set `grants.accounts = true`".to_owned()));
        };
        let Some(registry) = &self.registry else {
            return Err(unavailable("no registry is served yet: its accounts are there from the first call on"));
        };
        Ok((directory.clone(), registry))
    }

    fn unanswered(&self, error: &DirectoryError) -> types::Error {
        match error {
            DirectoryError::Busy => {
                types::Error::Unavailable(types::Unavailable { reason: error.to_string(), retry_after: Some(BUSY_SECONDS) })
            }
            DirectoryError::Catalog(_) => {
                tracing::error!(plugin = %self.reach.plugin, %error, "the registry's accounts cannot be reached");
                unavailable("the catalog does not answer")
            }
        }
    }
}

/// Whether an account has such a name at all, or a secret such a mark. What a client made up is no fault of the plugin's, and leaves the rest of
/// the chain to be asked.
fn could_be(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
}

fn wit_account(account: KnownAccount) -> accounts::Account {
    accounts::Account {
        name: account.name.as_str().to_owned(),
        kind: match account.kind {
            AccountKind::Admin => accounts::Kind::Admin,
            AccountKind::ServicePrincipal => accounts::Kind::ServicePrincipal,
            AccountKind::Token => accounts::Kind::Token,
        },
        roles: account.roles.into_iter().map(wit_role).collect(),
        scopes: account.scopes.into_iter().map(wit_scope).collect(),
    }
}

fn wit_role(role: Role) -> accounts::Role {
    match role {
        Role::AcrPull => accounts::Role::AcrPull,
        Role::AcrPush => accounts::Role::AcrPush,
        Role::AcrDelete => accounts::Role::AcrDelete,
        Role::Reader => accounts::Role::Reader,
        Role::Contributor => accounts::Role::Contributor,
        Role::Owner => accounts::Role::Owner,
    }
}

fn wit_scope(scope: ScopeEntry) -> accounts::Scope {
    accounts::Scope { repositories: scope.target.to_string(), rights: scope.rights.into_iter().map(wit_right).collect() }
}

fn wit_right(right: Right) -> accounts::Right {
    match right {
        Right::ContentRead => accounts::Right::ContentRead,
        Right::ContentWrite => accounts::Right::ContentWrite,
        Right::ContentDelete => accounts::Right::ContentDelete,
        Right::MetadataRead => accounts::Right::MetadataRead,
        Right::MetadataWrite => accounts::Right::MetadataWrite,
    }
}

//! The accounts that the host keeps for each registry: the administrator, service principals, and tokens for single repositories.
//!
//! [`Directory`] checks secrets for plugins, [`Manager`] makes and changes accounts for the administration API and the command line, and
//! [`Hasher`] hashes for both, never more at once than there are cores. Where accounts are kept is the catalog's matter (the port
//! [`Accounts`](crate::ports::accounts::Accounts)); what an account may do is decided by a plugin.
//!
//! A secret is made here, shown once, and kept as argon2id alone. None is ever in a log, in the audit log, or in anything's `Debug`.

mod directory;
mod error;
mod hasher;
mod manager;
mod registries;
mod secret;
mod validate;

pub use directory::Directory;
pub use error::ManageError;
pub use hasher::{HashError, Hasher};
pub use manager::{Actor, LONGEST_LIST, Manager, NewPrincipal, NewToken, first_admin};
pub use registries::RegistryIds;
pub use secret::{SecretLife, ShownSecret};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

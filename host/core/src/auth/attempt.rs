//! Who tries to log in, as the counts of failures know them: by source and by account, as keys that tell nothing of either.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};

use super::buckets::Key;
use crate::ports::ids::RegistryName;

/// Who tries, as far as it counts.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    pub source: Key,
    /// The same at this registry.
    pub source_here: Key,
    pub account: Option<AccountKeys>,
}

/// The account that is claimed.
#[derive(Clone, Copy)]
pub(super) struct AccountKeys {
    pub anywhere: Key,
    pub from_there: Key,
}

impl Attempt {
    /// An attempt from this source, as this account where a name is claimed.
    pub fn of(registry: &RegistryName, source: IpAddr, account: Option<&str>) -> Self {
        let network = network(source);
        let account = account.map(|name| {
            // A plugin may hold names alike that differ in case.
            let name = name.to_lowercase();
            AccountKeys {
                anywhere: key(&[registry.as_str().as_bytes(), name.as_bytes()]),
                from_there: key(&[registry.as_str().as_bytes(), name.as_bytes(), &network]),
            }
        });
        Self { source: key(&[&network]), source_here: key(&[registry.as_str().as_bytes(), &network]), account }
    }
}

/// What one customer usually has: an IPv4 address, or the first 64 bits of an IPv6 address.
pub(super) fn network(source: IpAddr) -> [u8; 8] {
    match source.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            // No IPv6 network: those are not longer than this, and `::/64` holds nobody's address but the host's own.
            [0, 0, 0, 0, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let mut network = [0; 8];
            network.copy_from_slice(&address.octets()[..8]);
            network
        }
    }
}

/// The key of these parts together.
pub(super) fn key(parts: &[&[u8]]) -> Key {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut key = [0; 16];
    key.copy_from_slice(&hasher.finalize()[..16]);
    key
}

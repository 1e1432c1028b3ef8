//! The keys of a host: one that signs, and earlier ones whose tokens are valid still. Shared by all its gates.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::json;

use super::key::{TokenKey, named_key};

/// One key that signs and those that signed before it. Who keeps them in files, and decides when a key is old, is `server`.
pub struct KeyRing {
    /// The first one signs.
    keys: RwLock<Arc<[TokenKey]>>,
    /// Goes up with each key that is forgotten, so that a gate does not go on believing what it remembers of that key's tokens.
    forgotten: AtomicU64,
}

impl KeyRing {
    /// A ring whose `current` key signs.
    pub fn new(current: TokenKey, earlier: Vec<TokenKey>) -> Self {
        let ring = Self { keys: RwLock::new(Arc::from([current])), forgotten: AtomicU64::new(0) };
        ring.change(|keys| keys.extend(earlier));
        ring
    }

    /// From now on `new` signs. The keys before it go on being valid until they are forgotten.
    pub fn rotate(&self, new: TokenKey) {
        self.change(|keys| {
            keys.retain(|key| key.id() != new.id());
            keys.insert(0, new);
        });
    }

    /// What this key signed is worthless from now on. The current key stays whatever happens: [`rotate`](Self::rotate) first.
    pub fn forget(&self, kid: &str) {
        self.change(|keys| {
            let current = Arc::clone(keys[0].id());
            keys.retain(|key| **key.id() != *kid || *key.id() == current);
        });
        self.forgotten.fetch_add(1, Ordering::SeqCst);
    }

    /// All public halves as a JSON Web Key Set (RFC 7517), the current one first.
    pub fn jwks(&self) -> serde_json::Value {
        json!({ "keys": self.keys().iter().map(TokenKey::jwk).collect::<Vec<_>>() })
    }

    /// The name of the key that signs.
    pub fn current_id(&self) -> Arc<str> {
        Arc::clone(self.current().id())
    }

    /// How many keys there are; never none.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.keys().len()
    }

    pub(super) fn current(&self) -> TokenKey {
        self.keys()[0].clone()
    }

    /// The key of this ring that a bearer token names. None: the token is somebody else's.
    pub(super) fn maker(&self, token: &str) -> Option<TokenKey> {
        let kid = named_key(token)?;
        self.keys().iter().find(|key| **key.id() == *kid).cloned()
    }

    /// A number that changes when a key is forgotten.
    pub(super) fn generation(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    fn keys(&self) -> Arc<[TokenKey]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first of several keys with the same name stays.
    fn change(&self, how: impl FnOnce(&mut Vec<TokenKey>)) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = keys.to_vec();
        how(&mut changed);
        let mut unique: Vec<TokenKey> = Vec::with_capacity(changed.len());
        for key in changed {
            if unique.iter().all(|other| other.id() != key.id()) {
                unique.push(key);
            }
        }
        *keys = unique.into();
    }
}

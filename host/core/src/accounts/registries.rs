//! Which registry has which row of the catalog.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::ports::ids::{RegistryId, RegistryName};

/// The rows of the registries that this host serves. The composition root fills it while it wires them, plugins ask by it later. Clones share
/// what they hold.
#[derive(Clone, Debug, Default)]
pub struct RegistryIds {
    rows: Arc<RwLock<HashMap<RegistryName, RegistryId>>>,
}

impl RegistryIds {
    /// The registry has this row.
    pub fn insert(&self, name: RegistryName, id: RegistryId) {
        self.rows.write().unwrap_or_else(PoisonError::into_inner).insert(name, id);
    }

    /// The row; none: this host does not serve it.
    pub fn get(&self, name: &RegistryName) -> Option<RegistryId> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }
}

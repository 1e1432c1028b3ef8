//! `kv`: the plugin's own small state in the catalog, apart for each registry and plugin.

use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::catalog::{Catalog, CatalogError};
use bulkhead_plugin_bindings::bulkhead::plugin::{kv, types};

use super::unavailable;
use crate::state::State;

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 256;
/// The longest value, in bytes.
const MAX_VALUE_BYTES: usize = 64 * 1024;

impl kv::Host for State {
    async fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, types::Error> {
        let (catalog, owner) = self.kv(&key)?;
        let now = self.reach.clock.now();
        catalog.state_get(&owner, &key, now).await.map_err(|error| self.away(&error))
    }

    async fn set(&mut self, key: String, value: Vec<u8>, live: Option<u32>) -> Result<(), types::Error> {
        let (catalog, owner) = self.kv(&key)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(types::Error::Invalid(format!("a value of {} bytes: at most {MAX_VALUE_BYTES}", value.len())));
        }
        let expires = live.map(|seconds| self.reach.clock.now().after(Duration::from_secs(u64::from(seconds))));
        catalog.state_set(&owner, &key, &value, expires).await.map_err(|error| self.away(&error))
    }

    async fn delete(&mut self, key: String) -> Result<(), types::Error> {
        let (catalog, owner) = self.kv(&key)?;
        catalog.state_delete(&owner, &key).await.map_err(|error| self.away(&error))
    }
}

impl State {
    /// The catalog, and under whose name the state is kept there. A registry's name has no slash, so no two owners are the same.
    fn kv(&self, key: &str) -> Result<(Arc<dyn Catalog>, String), types::Error> {
        let Some(catalog) = &self.reach.kv else {
            return Err(types::Error::Denied("state of its own is not granted: set grants.kv".to_owned()));
        };
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(types::Error::Invalid(format!("a key of {} bytes: 1 to {MAX_KEY_BYTES}", key.len())));
        }
        let Some(registry) = &self.registry else {
            return Err(unavailable("no registry is served yet: state is there from the first call on"));
        };
        Ok((catalog.clone(), format!("{registry}/{}", self.reach.plugin)))
    }

    fn away(&self, error: &CatalogError) -> types::Error {
        tracing::error!(plugin = %self.reach.plugin, %error, "the plugin's state cannot be reached");
        unavailable("the catalog does not answer")
    }
}

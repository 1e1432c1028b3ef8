//! All registries of one host, by the names that clients know them under.

use std::collections::HashMap;
use std::sync::Arc;

use super::Registry;
use crate::ports::ids::RegistryName;

/// The registries of one host.
#[derive(Default)]
pub struct Host {
    by_host: HashMap<String, Arc<Registry>>,
    /// Answers every host that is nobody else's.
    default: Option<Arc<Registry>>,
    all: Vec<Arc<Registry>>,
}

/// Registries that cannot stand beside each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Two registries answer the same host.
    #[error("the host {host} is claimed by the registries {first} and {second}")]
    Claimed {
        /// The host's name.
        host: String,
        /// Who has it.
        first: RegistryName,
        /// Who wants it too.
        second: RegistryName,
    },
    /// A registry that no client can reach.
    #[error("the registry {0} has no hosts, and only the one named default may have none")]
    Unreachable(RegistryName),
}

impl Host {
    /// Adds a registry that answers these hosts (`name` or `name:port`, any case). The one named `default` also answers every other.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn add(&mut self, registry: Arc<Registry>, hosts: &[String]) -> Result<(), HostError> {
        let name = registry.name().clone();
        if name.as_str() == "default" {
            self.default = Some(Arc::clone(&registry));
        } else if hosts.is_empty() {
            return Err(HostError::Unreachable(name));
        }
        for host in hosts {
            let host = host.to_ascii_lowercase();
            if let Some(other) = self.by_host.get(&host) {
                return Err(HostError::Claimed { host, first: other.name().clone(), second: name });
            }
            self.by_host.insert(host, Arc::clone(&registry));
        }
        self.all.push(registry);
        Ok(())
    }

    /// The registry that answers this host, named as in the `Host` header, in lower case. A port counts: a registry that is to answer
    /// `name` at any port is added under `name` alone.
    pub fn resolve(&self, host: &str) -> Option<&Arc<Registry>> {
        let without_port = || {
            let (name, port) = host.rsplit_once(':')?;
            let numeric = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            if numeric { self.by_host.get(name) } else { None }
        };
        self.by_host.get(host).or_else(without_port).or(self.default.as_ref())
    }

    /// All of them.
    pub fn registries(&self) -> impl Iterator<Item = &Arc<Registry>> {
        self.all.iter()
    }
}

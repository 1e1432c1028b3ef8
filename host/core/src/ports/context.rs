//! Who asks, from where, for which registry.

use std::net::IpAddr;
use std::sync::Arc;

use super::clock::Timestamp;
use super::ids::RegistryName;

/// What is known of a request before anything of it is believed.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// Also in the log and in the client's error; 16 hex digits, made by the host.
    pub request_id: Arc<str>,
    /// The registry that the Host header named.
    pub registry: RegistryName,
    /// When its head had arrived.
    pub received: Timestamp,
    /// The client's address, with its port unless a proxy named it.
    pub address: Arc<str>,
    /// The same without the port: the connection's other end, or whom a proxy that the configuration trusts names. For limits.
    pub source: IpAddr,
    /// As the client named the registry: `host` or `host:port`.
    pub host: Arc<str>,
    /// The HTTP method, for events.
    pub method: Arc<str>,
    /// What the client says that it is, at most 512 bytes.
    pub user_agent: Option<Arc<str>>,
    /// Whether it came over TLS.
    pub encrypted: bool,
}

/// Who a plugin says that a caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The plugin that accepted the caller, as the configuration names it.
    pub plugin: Arc<str>,
    /// Unique within that plugin.
    pub subject: String,
    /// Groups, for rules.
    pub groups: Vec<String>,
    /// Facts for authorizers. A name occurs once.
    pub claims: Vec<(String, String)>,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

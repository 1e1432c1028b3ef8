//! Who is at the other end of a connection, and where each of its requests comes from.
//!
//! What holds for a whole connection is worked out once, when it begins (`connection` does). A request costs one look at whether the other end
//! is a proxy.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Once};

use axum::http::{HeaderMap, HeaderName};
use bulkhead_core::ports::auth::Certificate;
use bulkhead_core::ports::clock::Timestamp;
use bulkhead_core::ports::context::Identity;

use crate::app::App;
use crate::proxy::{client_encrypted, forwards};

/// What browsers say of the page that makes them ask (Fetch Metadata Request Headers, 2.4).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// By which way a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The network: everything is there, for whoever may.
    Network,
    /// The administration's Unix socket: nothing but administration is there, and whoever can open the socket is the operator.
    Admin,
}

/// What other end relays the requests of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Proxy,
}

/// The other end of a connection.
pub(crate) struct Peer {
    pub app: Arc<App>,
    pub door: Door,
    /// Address and port.
    address: Arc<str>,
    source: IpAddr,
    /// Whether it is TLS.
    encrypted: bool,
    /// The certificate that the client has shown, and whose key it has.
    certificate: Option<Arc<Certificate>>,
    role: Role,
}

/// Where a request comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// With the port where it is known.
    pub address: Arc<str>,
    pub source: IpAddr,
    pub encrypted: bool,
    /// The client's own, as long as it is valid.
    pub certificate: Option<Arc<Certificate>>,
}

impl Peer {
    /// The other end of a connection over the network.
    pub(crate) fn network(app: Arc<App>, address: SocketAddr, encrypted: bool, certificate: Option<Arc<Certificate>>) -> Self {
        // A socket for both families shows IPv4 addresses as IPv6 ones.
        let source = address.ip().to_canonical();
        let role = if app.extras.proxies.contains(source) { Role::Proxy } else { Role::Client };
        let address = SocketAddr::new(source, address.port()).to_string().into();
        Self { app, door: Door::Network, address, source, encrypted, certificate, role }
    }

    /// Whoever has opened the administration's socket.
    pub(crate) fn admin(app: Arc<App>) -> Self {
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            app,
            door: Door::Admin,
            address: "admin.sock".into(),
            source,
            encrypted: false,
            certificate: None,
            role: Role::Client,
        }
    }

    /// For the log: the connection's other end, whatever it says of others.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where a request with this head comes from.
    pub(crate) fn origin(&self, headers: &HeaderMap, now: Timestamp) -> Origin {
        if self.role == Role::Proxy {
            return self.proxied(headers);
        }
        if !TOLD.is_completed() && forwards(headers) {
            TOLD.call_once(|| tell_of_unknown_proxy(self.source));
        }
        // A connection may outlive the certificate that it began with.
        let certificate = self.certificate.as_ref().filter(|certificate| now < certificate.expires && !is_foreign(headers));
        Origin {
            address: Arc::clone(&self.address),
            source: self.source,
            encrypted: self.encrypted,
            certificate: certificate.cloned(),
        }
    }

    /// A proxy's certificate says who the proxy is, and nothing about its clients.
    fn proxied(&self, headers: &HeaderMap) -> Origin {
        let source = self.app.extras.proxies.client(self.source, headers);
        let address = if source == self.source { Arc::clone(&self.address) } else { source.to_string().into() };
        Origin { address, source, encrypted: client_encrypted(headers).unwrap_or(self.encrypted), certificate: None }
    }
}

/// That somebody forwards who is no proxy is told once: whoever sends such headers in earnest does so in each request, and anybody can.
static TOLD: Once = Once::new();

fn tell_of_unknown_proxy(source: IpAddr) {
    tracing::warn!(
        %source,
        "a request has X-Forwarded-For or X-Forwarded-Proto, and comes from nobody in `proxies`, so that they are passed over: if that is a \
         proxy of yours, name it in `proxies` of [server], else all of its clients count as one source"
    );
}

/// Whether a browser asks because another site's page wants it to. It shows its user's certificate then, too, which the page may not use.
fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none")
}

/// The name of the host itself among those who vouch for callers.
const HOST: &str = "host";

/// Whoever has opened the administration's socket, as a caller.
pub fn operator() -> Identity {
    Identity { plugin: HOST.into(), subject: "operator".to_owned(), groups: Vec::new(), claims: Vec::new(), expires: None }
}

#[cfg(test)]
mod tests;

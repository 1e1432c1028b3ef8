//! The client's resolver: asks the system, and hands on only addresses that the name may stand for. The client connects to exactly these, so
//! that no second look-up can give others. Addresses in URLs do not come by here: they are reached only where that very origin is granted.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::may_stand_for;

/// A name stands for no address that a plugin may reach.
#[derive(Debug, thiserror::Error)]
#[error("the name {name} stands for addresses that no plugin may reach (loopback, link-local or the like)")]
pub(crate) struct Refused {
    name: String,
}

/// See the module.
pub(crate) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str().to_owned();
            // Port 0: the client puts the URL's in its place.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let known = !found.is_empty();
            let checked: Vec<SocketAddr> = found.into_iter().filter(|found| may_stand_for(&name, found.ip())).collect();
            if known && checked.is_empty() {
                return Err(Refused { name }.into());
            }
            Ok(Box::new(checked.into_iter()) as Addrs)
        })
    }
}

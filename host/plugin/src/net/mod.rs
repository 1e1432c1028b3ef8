//! HTTP for plugins: one client, one rule. A request goes to a granted origin, to an address that no name may hide, and no redirect is
//! followed. Nothing else in the host sends requests on behalf of somebody else.

mod address;
mod client;
mod message;
mod origin;
mod resolver;
mod retry;
mod tls;

pub(crate) use client::{Client, reason};
pub(crate) use message::{SendError, headers_of, status_error};
pub use origin::{Origin, OriginError};
pub(crate) use retry::Retry;
pub use tls::config as client_tls;

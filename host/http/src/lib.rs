//! The registry over HTTP: the only crate that knows a status code, a header, or axum.
//!
//! A request goes through `tenant` (which registry its Host names), `parse` (what is asked, as a closed list of typed values), `auth`
//! (who asks, and whether they may) and `v2`, `acr` or `api` (the answer, from `bulkhead_core::registry` and `::accounts`); `token` is the
//! token service. `error` is the one map from what went wrong to what the client is told. Nothing of a body is read before `auth` has let
//! the request in, and no text of an inner fault goes out.
//!
//! Who is at the other end is `peer`'s: an address, or whom a trusted `proxy` names; with or without TLS (`tls`) and a certificate; or
//! the operator, at the administration's socket.
//!
//! # For the composition root
//!
//! [`App`] is made of the registries, a clock, [`HttpLimits`] and [`AppExtras`] (who changes and checks accounts, who changes keys, and
//! which [`Proxies`] are believed). [`bind`] and [`bind_admin`] make sockets, [`tls::ServerTls::load`] reads a certificate, and [`serve`] answers on a list of
//! [`Listener`]s until it is told to stop. While it serves, [`tls::ServerTls::reload`] may be called at any time; an error of it is to be
//! logged, and changes nothing. Whoever bound the administration's socket removes its file after [`serve`] has returned.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may end"))]

mod acr;
mod api;
mod app;
mod auth;
mod body;
mod condition;
mod connection;
mod error;
mod handler;
mod headers;
mod json_body;
mod moment;
mod parse;
mod peer;
mod proxy;
mod server;
mod tenant;
pub mod tls;
mod token;
mod v2;
mod warning;

pub use app::{AccountPlugins, App, AppExtras, HttpLimits, KeyRotation, RotatedKeys};
pub use peer::operator;
pub use proxy::{Proxies, Proxy, ProxyError};
pub use server::{Drained, Listener, bind, bind_admin, serve};

/// Every answer of this crate.
pub(crate) type Response = axum::http::Response<axum::body::Body>;

#[cfg(test)]
mod testing;

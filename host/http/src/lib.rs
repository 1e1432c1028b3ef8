//! The registry over HTTP: the only crate that knows a status code, a header, or axum.
//!
//! A request goes through `tenant` (which registry its Host names), `parse` (what is asked, as a closed list of typed values), `auth`
//! (who asks, and whether they may) and `v2` (the answer, from `bulkhead_core::registry`); `error` is the one map from what went
//! wrong to what the client is told. Nothing of a body is read before `auth` has let the request in, and no text of an inner
//! fault goes out. The server's composition root calls [`bind`] and [`serve`].

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that cannot go on may end"))]

mod acr;
mod app;
mod auth;
mod body;
mod condition;
mod connection;
mod error;
mod handler;
mod headers;
mod parse;
mod server;
mod tenant;
mod token;
mod v2;
mod warning;

pub use app::{App, HttpLimits};
pub use server::{Drained, bind, serve};

/// Every answer of this crate.
pub(crate) type Response = axum::http::Response<axum::body::Body>;

#[cfg(test)]
mod testing;

//! What a registry is: its ports (traits that others implement and the values they carry), its rules for blobs, uploads, manifests,
//! tags and listings, its auth chain and tokens, its accounts, and its events.
//!
//! It returns values and never HTTP, speaks no SQL, runs no Wasm and opens no file. `http` calls it; `storage`, `catalog` and
//! `plugin` implement its ports; `server` puts them together.

pub mod accounts;
pub mod auth;
pub mod events;
pub mod ports;
pub mod registry;
pub mod suggest;

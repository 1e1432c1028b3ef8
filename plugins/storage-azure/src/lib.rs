//! Bundled storage: each object is one block blob in a container of an Azure storage account.
//!
//! Settings: `account` and `container`; `endpoint`, the account's URL (`https://ACCOUNT.blob.core.windows.net`); `prefix`, what every blob's name
//! begins with, ending with `/` (nothing); one of `shared-key` and `sas`, names of granted secrets (an account key in base64, a SAS query), or
//! `identity`, the origin of the metadata service that gives tokens, with `client-id` where there are several identities; `link-endpoint`, the
//! account's URL as clients reach it; `part-bytes`, how much goes into one block at first (5 MiB); `access-tier` of the objects (the account's).
//!
//! The object KEY is the blob `PREFIX KEY`, an upload `PREFIX UPLOADS/ID` until its commit copies it on the server. The plugin signs and the host
//! sends: [`signature`] has Shared Key, [`sas`] the signatures in URLs that parts of unknown length and links to clients bear. The bytes of
//! objects never enter the plugin.

mod auth;
mod batch;
mod blobs;
mod commit;
mod failure;
mod listing;
mod name;
mod sas;
mod service;
mod settings;
mod signature;
#[cfg(test)]
mod tests;
mod time;
mod upload;
mod xml;

use bulkhead_plugin_sdk::export;

use blobs::Blobs;

export!(Blobs: Storage);

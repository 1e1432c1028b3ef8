//! Signatures in a URL: who has one may do to a single blob what it says, until it ends.
//!
//! Clients get one to read an object. The host gets one to write the blob of an upload: unlike the signature in a header it does not have the
//! body's length in it, which nobody knows before the body ends, nor does it fail where a slow client takes longer than the 15 minutes that the
//! service allows between signing and sending.

use bulkhead_plugin_sdk::Timestamp;

use crate::service::VERSION;
use crate::signature::{Key, encode};
use crate::time;

/// What one is for.
pub struct Sas<'a> {
    /// The account's name.
    pub account: &'a str,
    /// Container and blob: `layers/a/b`.
    pub path: &'a str,
    /// `r` to read, `w` to write.
    pub permission: &'a str,
    /// When it ends.
    pub until: Timestamp,
    /// Whether it is worthless without TLS.
    pub encrypted: bool,
}

impl Sas<'_> {
    /// As the query of a URL.
    pub fn query(&self, key: &Key) -> String {
        let until = time::iso(self.until);
        let signature = key.sign(&self.text_to_sign(&until));
        let protocol = if self.encrypted { "&spr=https" } else { "" };
        let (permission, until, signature) = (self.permission, encode(&until), encode(&signature));
        format!("sv={VERSION}&sr=b&sp={permission}&se={until}{protocol}&sig={signature}")
    }

    /// "Create a service SAS" of the service's reference has the order. What is left empty: the start, the identifier, the addresses, the
    /// snapshot, the encryption scope, and five headers of the answer.
    fn text_to_sign(&self, until: &str) -> String {
        let Self { account, path, permission, encrypted, .. } = self;
        let protocol = if *encrypted { "https" } else { "" };
        format!("{permission}\n\n{until}\n/blob/{account}/{path}\n\n\n{protocol}\n{VERSION}\nb\n\n\n\n\n\n\n")
    }
}

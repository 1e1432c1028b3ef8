//! Bundled storage: each object is one object of a bucket of S3, or of a store that speaks as it does (Garage, MinIO, Ceph).
//!
//! The plugin signs requests (Signature Version 4), and the host carries them out: no bytes of objects pass through here. [`settings`]
//! says what its `config` has, [`upload`] where the bytes of an upload lie, [`commit`] how they become an object.
//!
//! What a crash leaves behind in the bucket is an upload in parts that nobody knows of, which costs its space and does no harm. A rule of
//! the bucket that ends such uploads after a few days (`AbortIncompleteMultipartUpload`) sees to that.

mod answer;
mod client;
mod commit;
mod credentials;
mod filling;
mod ladder;
mod multipart;
mod objects;
mod settings;
mod sigv4;
mod store;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod upload;
mod xml;

use bulkhead_plugin_sdk::export;

use store::Bucket;

export!(Bucket: Storage);

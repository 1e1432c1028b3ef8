//! Pure protocol values of the OCI distribution and image specifications and of Docker's v2 protocol.
//!
//! A value that exists is valid: every type is made by a parser that refuses what its grammar refuses, so nothing further in has to
//! check again. No I/O, no async, no HTTP. Every other crate of the host uses these values.

mod accept;
mod digest;
mod error_code;
mod manifest;
mod media_type;
mod name;
mod range;
mod reference;

pub use accept::Accept;
pub use digest::{Algorithm, Digest, DigestError};
pub use error_code::ErrorCode;
pub use manifest::{Descriptor, MAX_MANIFEST_BYTES, Manifest, ManifestError, ManifestKind, Platform};
pub use media_type::{MediaType, MediaTypeError};
pub use name::{MAX_NAME_BYTES, NameError, RepositoryName};
pub use range::{ByteRange, ChunkRange, ChunkRangeError, Ranges};
pub use reference::{Reference, ReferenceError, Tag, TagError};

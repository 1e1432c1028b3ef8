//! Media types of manifests and what they point to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A media type without parameters, `type/subtype`, at most 255 bytes (RFC 6838, section 4.2). Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MediaType(Arc<str>);

/// A text that is no media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a media type is type/subtype, of at most 255 letters, digits and !#$&^_.+-")]
pub struct MediaTypeError;

impl MediaType {
    /// OCI image manifest.
    pub const OCI_MANIFEST: &'static str = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image index.
    pub const OCI_INDEX: &'static str = "application/vnd.oci.image.index.v1+json";
    /// Docker image manifest, version 2, schema 2.
    pub const DOCKER_MANIFEST: &'static str = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest list.
    pub const DOCKER_LIST: &'static str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker schema 1, which is refused.
    pub const DOCKER_SCHEMA1: &'static str = "application/vnd.docker.distribution.manifest.v1+json";
    /// Docker schema 1 with signatures, which is refused.
    pub const DOCKER_SCHEMA1_SIGNED: &'static str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MediaType {
    type Err = MediaTypeError;

    /// Parameters such as `; charset=utf-8` are left out.
    fn from_str(text: &str) -> Result<Self, MediaTypeError> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let token = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
        };
        let well_formed = essence.len() <= 255 && essence.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub));
        if well_formed { Ok(Self(essence.into())) } else { Err(MediaTypeError) }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_left_out() {
        let parsed: MediaType = "application/json; charset=utf-8".parse().unwrap();
        assert_eq!(parsed.as_str(), "application/json");
    }

    #[test]
    fn what_is_not_type_and_subtype_is_refused() {
        for bad in ["", "json", "a/", "/b", "a/b/c", "a b/c", "a/b\n"] {
            assert_eq!(bad.parse::<MediaType>().is_ok(), bad == "a/b\n", "{bad}");
        }
    }
}

//! What must hold of what is there for a change to be made (RFC 9110, section 13): `If-Match` and `If-None-Match`.

use bulkhead_oci::Digest;

use super::RegistryError;

/// Entity tags of `If-Match` or `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Etags {
    /// `*`: whatever is there.
    Any,
    /// One of these, without quotes. A manifest's and a blob's is its digest.
    Of(Vec<String>),
}

impl Etags {
    fn matches(&self, now: Option<&Digest>) -> bool {
        match (self, now) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Of(tags), Some(now)) => tags.iter().any(|tag| tag == now.as_str()),
        }
    }
}

/// What must hold of a tag, of the digest where there is no tag, or of a blob.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// What is there must be one of these.
    pub if_match: Option<Etags>,
    /// What is there must be none of these.
    pub if_none_match: Option<Etags>,
}

impl Condition {
    pub(super) const fn is_none(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// # Errors
    /// [`RegistryError::ConditionFailed`] if it does not hold of what is there now.
    pub(super) fn check(&self, now: Option<&Digest>) -> Result<(), RegistryError> {
        let matched = self.if_match.as_ref().is_none_or(|tags| tags.matches(now));
        let other = self.if_none_match.as_ref().is_none_or(|tags| !tags.matches(now));
        if matched && other { Ok(()) } else { Err(RegistryError::ConditionFailed) }
    }

    /// The same of a repository, which is there and has no entity tag.
    ///
    /// # Errors
    /// [`RegistryError::ConditionFailed`].
    pub(super) fn check_repository(&self) -> Result<(), RegistryError> {
        let matched = self.if_match.as_ref().is_none_or(|tags| *tags == Etags::Any);
        let other = self.if_none_match.as_ref().is_none_or(|tags| *tags != Etags::Any);
        if matched && other { Ok(()) } else { Err(RegistryError::ConditionFailed) }
    }
}

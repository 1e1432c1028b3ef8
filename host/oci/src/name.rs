//! Repository names (OCI distribution specification, "Pulling manifests"):
//! `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`, here at most 255 bytes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest repository name, in bytes. Clients limit host and name together to 255.
pub const MAX_NAME_BYTES: usize = 255;

/// A repository's name of one or more levels, such as `warrantydept/customersubmissions/web`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepositoryName(Arc<str>);

/// Why a text is no repository name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty or longer than [`MAX_NAME_BYTES`].
    #[error("a repository name has 1 to 255 characters")]
    Length,
    /// Outside the grammar.
    #[error(
        "a repository name is lower-case letters and digits in levels divided by /, with single ., single or double _, or any number of - between them"
    )]
    Grammar,
}

impl RepositoryName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepositoryName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > MAX_NAME_BYTES {
            return Err(NameError::Length);
        }
        if text.split('/').all(is_level) { Ok(Self(text.into())) } else { Err(NameError::Grammar) }
    }
}

/// One level: runs of letters and digits, divided by one separator each.
fn is_level(level: &str) -> bool {
    let mut rest = level.as_bytes();
    loop {
        let run = rest.iter().take_while(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()).count();
        if run == 0 {
            return false;
        }
        rest = &rest[run..];
        let separator = match rest {
            [] => return true,
            [b'_', b'_', ..] => 2,
            [b'.' | b'_', ..] => 1,
            [b'-', ..] => rest.iter().take_while(|byte| **byte == b'-').count(),
            _ => return false,
        };
        rest = &rest[separator..];
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_several_levels_and_every_separator_are_names() {
        for good in ["a", "0", "a/b/c", "a.b", "a_b", "a__b", "a---b", "warrantydept/customer-submissions/web", &"a".repeat(255)]
        {
            assert_eq!(good.parse::<RepositoryName>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn what_the_grammar_does_not_make_is_no_name() {
        for bad in
            ["A", "a/", "/a", "a//b", "a..b", "a___b", "a_-b", ".a", "a.", "-a", "a/../b", "a b", "a\0", "ä", "a:b", "a%2fb"]
        {
            assert_eq!(bad.parse::<RepositoryName>(), Err(NameError::Grammar), "{bad}");
        }
        assert_eq!("".parse::<RepositoryName>(), Err(NameError::Length));
        assert_eq!("a".repeat(256).parse::<RepositoryName>(), Err(NameError::Length));
    }
}

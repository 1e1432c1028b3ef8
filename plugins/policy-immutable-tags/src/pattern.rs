//! A pattern over tags, which is refused where no tag could ever match it.

use bulkhead_plugin_sdk::glob::TextGlob;

/// The longest tag, in bytes (OCI distribution specification, "Pulling manifests").
const MAX_TAG_BYTES: usize = 128;

/// A pattern over tags.
#[derive(serde::Deserialize)]
#[serde(try_from = "String")]
pub struct TagGlob(TextGlob);

impl TagGlob {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it matches this tag.
    pub fn matches(&self, tag: &str) -> bool {
        self.0.matches(tag)
    }
}

impl TryFrom<String> for TagGlob {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        let known = |letter: char| letter.is_ascii_alphanumeric() || "_.-*?".contains(letter);
        if let Some(letter) = pattern.chars().find(|letter| !known(*letter)) {
            let hint = if matches!(letter, ':' | '/') { "; repositories are named in `repositories`" } else { "" };
            return Err(format!("`{}` holds {letter:?}, which no tag has{hint}", pattern.escape_debug()));
        }
        if pattern.starts_with(['.', '-']) {
            return Err(format!("`{pattern}` never matches: no tag begins with `.` or `-`"));
        }
        if pattern.chars().filter(|letter| *letter != '*').count() > MAX_TAG_BYTES {
            return Err(format!("`{pattern}` never matches: a tag has at most {MAX_TAG_BYTES} characters"));
        }
        TextGlob::parse(&pattern).map(Self)
    }
}

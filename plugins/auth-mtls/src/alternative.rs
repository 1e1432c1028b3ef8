//! Patterns of alternative names: `dns:*.ci.example.com`, `uri:spiffe://example.com/ci/*`.

use bulkhead_plugin_sdk::glob::TextGlob;

/// How an alternative name begins.
const KINDS: [&str; 4] = ["dns:", "email:", "uri:", "ip:"];

/// A pattern of names of one kind.
#[derive(Debug)]
pub struct NamePattern {
    kind: &'static str,
    /// What lies between slashes in a URI, each with a pattern of its own, so that a `*` of one level is not taken for several. None: nothing lies
    /// there. Of other names there is but one.
    parts: Vec<Option<TextGlob>>,
}

impl NamePattern {
    /// The error says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(kind) = KINDS.into_iter().find(|kind| text.len() > kind.len() && text.starts_with(kind)) else {
            return Err(format!("`{}` does not begin with one of `dns:`, `email:`, `uri:` and `ip:`", text.escape_debug()));
        };
        let value = folded(kind, &text[kind.len()..]);
        let glob = |part: &str| (!part.is_empty()).then(|| TextGlob::parse_words(part)).transpose();
        Ok(Self { kind, parts: parts(kind, &value).map(glob).collect::<Result<_, _>>()? })
    }

    /// What names of it begin with.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// Whether a name of a certificate is of this form.
    pub fn matches(&self, name: &str) -> bool {
        let Some(value) = name.strip_prefix(self.kind) else { return false };
        let value = folded(self.kind, value);
        let is_part = |(pattern, part): (&Option<TextGlob>, &str)| match pattern {
            Some(glob) => glob.matches(part),
            None => part.is_empty(),
        };
        parts(self.kind, &value).count() == self.parts.len() && self.parts.iter().zip(parts(self.kind, &value)).all(is_part)
    }
}

fn parts<'a>(kind: &str, value: &'a str) -> impl Iterator<Item = &'a str> {
    let most = if kind == "uri:" { usize::MAX } else { 1 };
    value.splitn(most, '/')
}

/// Names of hosts are the same in capitals and small letters.
fn folded(kind: &str, value: &str) -> String {
    if kind == "dns:" { value.to_ascii_lowercase() } else { value.to_owned() }
}

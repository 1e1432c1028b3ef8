//! Subjects as RFC 4514 writes them, taken apart, so that nothing that stands in one value can pass for another part.
//!
//! `CN=ci\,O=Contoso` has one part, and `CN=ci,O=Contoso` has two. Patterns are written in the same way.

use bulkhead_plugin_sdk::glob::TextGlob;

/// Types and values, part by part, in the order in which they are written. A part has several where they are joined by `+`.
pub type Parts = Vec<Vec<(String, String)>>;

/// Takes a subject apart; types are in capitals. The empty subject has no parts. The error says what is wrong with the text.
pub fn parse(text: &str) -> Result<Parts, String> {
    let mut parts = Vec::new();
    if text.trim().is_empty() {
        return Ok(parts);
    }
    for part in split(text, ',') {
        parts.push(split(part, '+').into_iter().map(|one| pair(one, text)).collect::<Result<_, _>>()?);
    }
    Ok(parts)
}

/// Divides at a letter that is not escaped.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut pieces, mut start, mut escaped) = (Vec::new(), 0, false);
    for (place, letter) in text.char_indices() {
        if letter == at && !escaped {
            pieces.push(&text[start..place]);
            start = place + letter.len_utf8();
        }
        escaped = letter == '\\' && !escaped;
    }
    pieces.push(&text[start..]);
    pieces
}

fn pair(text: &str, whole: &str) -> Result<(String, String), String> {
    let fault = || format!("`{}` has a part that is not like `CN=value`", whole.escape_debug());
    let (kind, value) = text.split_once('=').ok_or_else(fault)?;
    let kind = kind.trim();
    let is_kind = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    if kind.is_empty() || !kind.bytes().all(is_kind) {
        return Err(fault());
    }
    let value = unescape(trim(value)).ok_or_else(|| format!("`{}` has an escape that is none", whole.escape_debug()))?;
    Ok((kind.to_ascii_uppercase(), value))
}

/// Without blanks around it, except for one that is escaped.
fn trim(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let trimmed = value.trim_end_matches(' ');
    let backslashes = trimmed.chars().rev().take_while(|letter| *letter == '\\').count();
    if backslashes % 2 == 1 && trimmed.len() < value.len() { &value[..=trimmed.len()] } else { trimmed }
}

/// Undoes `\,` and `\2C`. None: an escape is neither, or what they make is no text.
fn unescape(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes().iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let first = rest.next()?;
        match (first as char).to_digit(16) {
            Some(high) => bytes.push((high * 16 + (rest.next()? as char).to_digit(16)?) as u8),
            None if first.is_ascii_punctuation() || first == b' ' => bytes.push(first),
            None => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// A pattern of subjects: each part with a pattern for its value, in the same order. `*` as the last part is whatever follows.
#[derive(Debug)]
pub struct SubjectPattern {
    parts: Vec<Vec<(String, TextGlob)>>,
    open: bool,
}

impl SubjectPattern {
    /// The error says what is wrong with the pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pieces = split(text, ',');
        let open = pieces.len() > 1 && pieces.last().is_some_and(|last| last.trim() == "*");
        let end = if open { text.rfind(',').unwrap_or(text.len()) } else { text.len() };
        let parts = parse(&text[..end])?;
        if parts.is_empty() {
            return Err("empty: write parts such as `CN=ci-*,O=Contoso`".to_owned());
        }
        let glob = |(kind, value): (String, String)| TextGlob::parse_words(&value).map(|glob| (kind, glob));
        let parts = parts.into_iter().map(|part| part.into_iter().map(glob).collect());
        Ok(Self { parts: parts.collect::<Result<_, _>>()?, open })
    }

    /// Whether it says something of the value of this type, given in capitals.
    pub fn names(&self, kind: &str) -> bool {
        self.parts.iter().flatten().any(|(named, _)| named == kind)
    }

    /// Whether it leaves nothing open that follows.
    pub const fn is_whole(&self) -> bool {
        !self.open
    }

    /// Whether a subject is of this form: as many parts (or more, where it is open), each of the same types, each value as its pattern says.
    pub fn matches(&self, subject: &Parts) -> bool {
        let is_long_enough = if self.open { subject.len() >= self.parts.len() } else { subject.len() == self.parts.len() };
        let is_pair = |(kind, glob): &(String, TextGlob), (other, value): &(String, String)| kind == other && glob.matches(value);
        let is_part = |pattern: &Vec<(String, TextGlob)>, part: &Vec<(String, String)>| {
            pattern.len() == part.len() && pattern.iter().all(|one| part.iter().any(|other| is_pair(one, other)))
        };
        is_long_enough && self.parts.iter().zip(subject).all(|(pattern, part)| is_part(pattern, part))
    }
}

//! Percent-decoding of a path, once, in a way that can never change which parts it has.

use std::borrow::Cow;

use super::ParseError;

/// Decodes each part between slashes by itself. Nearly no path needs it, and then nothing is copied.
///
/// # Errors
/// [`ParseError::Path`] if a part decodes to a slash, a control character, `.` or `..`, or to no UTF-8.
pub(super) fn decode(path: &str) -> Result<Cow<'_, str>, ParseError> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    let mut decoded = String::with_capacity(path.len());
    for (index, part) in path.split('/').enumerate() {
        if index > 0 {
            decoded.push('/');
        }
        let part = percent(part, Plus::Itself).ok_or(ParseError::Path)?;
        if part.contains('/') || is_relative(&part) {
            return Err(ParseError::Path);
        }
        decoded.push_str(&part);
    }
    Ok(Cow::Owned(decoded))
}

/// What is wrong with a path that fits no noun.
pub(super) fn no_route(path: &str) -> ParseError {
    let mut parts = path.split('/').rev();
    let last_is_relative = parts.next().is_some_and(is_relative);
    if last_is_relative || parts.any(|part| part.is_empty() || is_relative(part)) {
        ParseError::Path
    } else {
        ParseError::NoRoute
    }
}

fn is_relative(part: &str) -> bool {
    part == "." || part == ".."
}

/// What a `+` means: itself in a path, a space in a query.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    Itself,
    Space,
}

/// Decodes one part. None if a `%` is not followed by two hex digits, or the result has control characters or is no UTF-8.
pub(super) fn percent(text: &str, plus: Plus) -> Option<Cow<'_, str>> {
    let plain = |byte: u8| byte != b'%' && !byte.is_ascii_control() && (byte != b'+' || plus == Plus::Itself);
    if text.bytes().all(plain) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'+' if plus == Plus::Space => b' ',
            other => other,
        };
        if byte.is_ascii_control() {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

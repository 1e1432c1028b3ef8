//! The grammar of keys, which also keeps whatever else lies in the container out of a listing.

use bulkhead_plugin_sdk::prelude::*;

/// Whether it is 1 to 512 of `a-z 0-9 . _ - /`, without an empty, `.` or `..` part.
pub fn is_key(key: &str) -> bool {
    (1..=512).contains(&key.len()) && key.split('/').all(is_part)
}

/// The error says what a key is.
pub fn check(key: &str) -> Result<()> {
    if is_key(key) {
        return Ok(());
    }
    let text = format!("`{}` is no key: 1 to 512 of a-z 0-9 . _ - /, without an empty, `.` or `..` part", key.escape_debug());
    Err(Error::invalid(text))
}

/// Whether keys may begin with it.
pub fn is_beginning(text: &str) -> bool {
    text.len() <= 512 && text.bytes().all(|byte| byte == b'/' || is_plain(byte))
}

fn is_part(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && part.bytes().all(is_plain)
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-')
}

//! Sizes, durations and names as they stand in a configuration. Pure functions; every error is the end of a sentence that begins with
//! the key.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Reads a size: a whole number and `B`, `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024) or `KB`, `MB`, `GB`, `TB` (powers of 1000).
///
/// # Errors
/// What a size looks like.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let factor = |unit: &str| -> Option<u64> {
        Some(match unit {
            "B" => 1,
            "KB" | "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "TiB" => 1 << 40,
            _ => return None,
        })
    };
    number_and_unit(text)
        .and_then(|(number, unit)| number.checked_mul(factor(unit)?))
        .ok_or_else(|| format!("must be a size such as \"32MiB\" (B, KiB, MiB, GiB, TiB), not {text:?}"))
}

/// Reads a duration: a whole number and `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// What a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let factor = |unit: &str| -> Option<u64> {
        Some(match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        })
    };
    number_and_unit(text)
        .and_then(|(number, unit)| number.checked_mul(factor(unit)?))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("must be a duration such as \"500ms\" (ms, s, m, h, d), not {text:?}"))
}

/// Reads a duration that is in this range, whose bounds are written so.
///
/// # Errors
/// The end of a sentence that begins with the key.
pub fn parse_duration_in(text: &str, range: &RangeInclusive<Duration>, least: &str, most: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        duration if range.contains(&duration) => Ok(duration),
        _ => Err(format!("must be from {least} to {most}, not {text:?}")),
    }
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start_matches(' ')))
}

/// Checks the name of a plugin or webhook: 1 to 50 of `a-z 0-9 -`, beginning and ending with a letter or digit.
///
/// # Errors
/// What such a name looks like.
pub fn check_name(text: &str) -> Result<(), String> {
    // The same grammar as a registry's, so that names of all three kinds can stand in a log line, a path and a URL.
    text.parse::<bulkhead_core::ports::ids::RegistryName>().map(drop).map_err(|_| {
        format!("{text:?} is no name: 1 to 50 lower-case letters, digits and -, beginning and ending with a letter or digit")
    })
}

/// Reads a host name or address with an optional port, as clients send it in `Host`; lower-cased.
///
/// # Errors
/// What it looks like.
pub fn parse_host(text: &str) -> Result<String, String> {
    let wrong =
        || format!("must be a host with an optional port, such as \"registry.example.com\" or \"127.0.0.2:5000\", not {text:?}");
    let (name, port) = split_port(text).ok_or_else(wrong)?;
    if port.is_some_and(|port| port.parse::<u16>().map_or(true, |port| port == 0)) || !is_host(name) {
        return Err(wrong());
    }
    Ok(text.to_ascii_lowercase())
}

/// The host and the port of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    let closing = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (name, rest) = text.split_at(closing);
    match rest {
        "" => Some((name, None)),
        _ => Some((name, Some(rest.strip_prefix(':')?))),
    }
}

fn is_host(name: &str) -> bool {
    if let Some(inner) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

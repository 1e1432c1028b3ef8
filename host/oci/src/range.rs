//! Byte ranges: of a pull (`Range`, RFC 9110 section 14) and of a pushed chunk (`Content-Range: START-END`, OCI distribution
//! specification, "Pushing a blob in chunks").

use std::str::FromStr;

/// A non-empty range of an object's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub offset: u64,
    /// How many bytes; at least 1.
    pub length: u64,
}

/// What a `Range` header asks of an object of a known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// The whole: no range, one that this host does not understand, or several (RFC 9110 lets a server ignore those).
    Whole,
    /// One range.
    One(ByteRange),
    /// Nothing of it lies within the object: 416.
    Unsatisfiable,
}

impl Ranges {
    /// Resolves a `Range` header against an object of `size` bytes.
    pub fn resolve(header: Option<&str>, size: u64) -> Self {
        let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return Self::Whole };
        let Some((first, last)) = spec.trim().split_once('-') else { return Self::Whole };
        let (first, last) = (first.trim(), last.trim());
        let range = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => Some((first, last.min(size.saturating_sub(1)))),
            (Some(first), None) if last.is_empty() => Some((first, size.saturating_sub(1))),
            (None, Some(0)) if first.is_empty() => return Self::Unsatisfiable,
            (None, Some(suffix)) if first.is_empty() => Some((size.saturating_sub(suffix), size.saturating_sub(1))),
            _ => None,
        };
        match range {
            None => Self::Whole,
            Some((first, _)) if first >= size => Self::Unsatisfiable,
            Some((first, last)) => Self::One(ByteRange { offset: first, length: last - first + 1 }),
        }
    }
}

/// Digits alone: `u64::from_str` would take a sign.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) { None } else { text.parse().ok() }
}

/// The place of a pushed chunk: `START-END`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRange {
    /// The first byte.
    pub start: u64,
    /// The last byte.
    pub end: u64,
}

/// A `Content-Range` that is not `START-END`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Content-Range of a chunk is START-END, both inclusive, such as 0-1023")]
pub struct ChunkRangeError;

impl ChunkRange {
    /// How many bytes it has. A range of all 2^64 bytes counts as 2^64 - 1.
    pub const fn len(self) -> u64 {
        (self.end - self.start).saturating_add(1)
    }

    /// Never: a chunk range has at least one byte.
    pub const fn is_empty(self) -> bool {
        false
    }
}

impl FromStr for ChunkRange {
    type Err = ChunkRangeError;

    /// Takes the RFC 9110 form `bytes START-END/SIZE` too, which some clients send.
    fn from_str(text: &str) -> Result<Self, ChunkRangeError> {
        let text = text.trim();
        let text = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches([' ', '=']));
        let text = text.split('/').next().unwrap_or_default();
        let (start, end) = text.split_once('-').ok_or(ChunkRangeError)?;
        match (number(start.trim()), number(end.trim())) {
            (Some(start), Some(end)) if start <= end => Ok(Self { start, end }),
            _ => Err(ChunkRangeError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(offset: u64, length: u64) -> Ranges {
        Ranges::One(ByteRange { offset, length })
    }

    #[test]
    fn closed_open_and_suffix_ranges_are_resolved_against_the_size() {
        assert_eq!(Ranges::resolve(Some("bytes=0-0"), 10), one(0, 1));
        assert_eq!(Ranges::resolve(Some("bytes=2-"), 10), one(2, 8));
        assert_eq!(Ranges::resolve(Some("bytes=2-99"), 10), one(2, 8));
        assert_eq!(Ranges::resolve(Some("bytes=-3"), 10), one(7, 3));
        assert_eq!(Ranges::resolve(Some("bytes=-30"), 10), one(0, 10));
    }

    #[test]
    fn a_range_outside_the_object_cannot_be_satisfied() {
        assert_eq!(Ranges::resolve(Some("bytes=10-"), 10), Ranges::Unsatisfiable);
        assert_eq!(Ranges::resolve(Some("bytes=-0"), 10), Ranges::Unsatisfiable);
        assert_eq!(Ranges::resolve(Some("bytes=0-"), 0), Ranges::Unsatisfiable);
    }

    #[test]
    fn what_is_not_understood_means_the_whole() {
        for header in [None, Some("lines=1-2"), Some("bytes=a-b"), Some("bytes=5-2"), Some("bytes=0-1,3-4"), Some("bytes=+1-2")] {
            assert_eq!(Ranges::resolve(header, 10), Ranges::Whole, "{header:?}");
        }
    }

    #[test]
    fn a_chunk_range_is_start_and_end() {
        assert_eq!("0-9".parse(), Ok(ChunkRange { start: 0, end: 9 }));
        assert_eq!("bytes 5-9/10".parse(), Ok(ChunkRange { start: 5, end: 9 }));
        for bad in ["", "9", "9-5", "-5", "a-b", "0-18446744073709551616"] {
            assert_eq!(bad.parse::<ChunkRange>(), Err(ChunkRangeError), "{bad}");
        }
    }
}

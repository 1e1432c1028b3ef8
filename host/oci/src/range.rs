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

/// The most ranges of one request that are answered; a request for more gets the whole.
const MAX_RANGES: usize = 16;

/// What a `Range` header asks of an object of a known size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// The whole: no range, one that this host does not understand, or more than 16 (RFC 9110, 14.2 lets a server ignore those).
    Whole,
    /// One range.
    One(ByteRange),
    /// At least two, in the order of the request, none of which touches another.
    Several(Vec<ByteRange>),
    /// Nothing of it lies within the object, or it ends before it begins: 416.
    Unsatisfiable,
}

/// One part of a `Range` header.
enum Spec {
    Within(ByteRange),
    Outside,
    /// Its last byte lies before its first (RFC 9110, 14.1.1: invalid).
    Backwards,
    Unreadable,
}

impl Ranges {
    /// Resolves a `Range` header against an object of `size` bytes. Ranges that overlap or touch are joined.
    pub fn resolve(header: Option<&str>, size: u64) -> Self {
        let Some(list) = header.and_then(of_bytes) else { return Self::Whole };
        let mut ranges: Vec<ByteRange> = Vec::new();
        // Empty elements of a list do not count (RFC 9110, 5.6.1.2), but one at least must be there.
        let texts = list.split(',').map(str::trim).filter(|text| !text.is_empty());
        if texts.clone().next().is_none() {
            return Self::Whole;
        }
        for (index, text) in texts.enumerate() {
            if index == MAX_RANGES {
                return Self::Whole;
            }
            match Spec::parse(text, size) {
                Spec::Within(range) => join(&mut ranges, range),
                Spec::Outside => {}
                Spec::Backwards => return Self::Unsatisfiable,
                Spec::Unreadable => return Self::Whole,
            }
        }
        match ranges.as_slice() {
            [] => Self::Unsatisfiable,
            [one] => Self::One(*one),
            _ => Self::Several(ranges),
        }
    }
}

impl Spec {
    fn parse(text: &str, size: u64) -> Self {
        let Some((first, last)) = text.trim().split_once('-') else { return Self::Unreadable };
        let (first, last) = (first.trim(), last.trim());
        let end = size.saturating_sub(1);
        let (first, last) = match (position(first), position(last)) {
            (Some(first), Some(last)) if first > last => return Self::Backwards,
            (Some(first), Some(last)) => (first, last.min(end)),
            (Some(first), None) if last.is_empty() => (first, end),
            (None, Some(0)) if first.is_empty() => return Self::Outside,
            (None, Some(suffix)) if first.is_empty() => (size.saturating_sub(suffix), end),
            _ => return Self::Unreadable,
        };
        if first >= size { Self::Outside } else { Self::Within(ByteRange { offset: first, length: last - first + 1 }) }
    }
}

/// Adds a range; where it overlaps or touches others, they become one at the place of the first of them.
fn join(ranges: &mut Vec<ByteRange>, mut range: ByteRange) {
    let touches = |a: &ByteRange, b: &ByteRange| a.offset <= b.offset + b.length && b.offset <= a.offset + a.length;
    let mut place = ranges.len();
    while let Some(other) = ranges.iter().position(|other| touches(other, &range)) {
        let other_range = ranges.remove(other);
        let start = range.offset.min(other_range.offset);
        let end = (range.offset + range.length).max(other_range.offset + other_range.length);
        range = ByteRange { offset: start, length: end - start };
        place = place.min(other);
    }
    ranges.insert(place.min(ranges.len()), range);
}

/// What stands behind the unit, whose letters have no case (RFC 9110, 14.1).
fn of_bytes(header: &str) -> Option<&str> {
    let (unit, list) = header.trim().split_once('=')?;
    unit.eq_ignore_ascii_case("bytes").then_some(list)
}

/// Digits alone: `u64::from_str` would take a sign.
fn number(text: &str) -> Option<u64> {
    digits(text)?.parse().ok()
}

/// The same; more than a number holds is as good as the largest one.
fn position(text: &str) -> Option<u64> {
    Some(digits(text)?.parse().unwrap_or(u64::MAX))
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
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
        assert_eq!(Ranges::resolve(Some("BYTES=0-0,,"), 10), one(0, 1));
        assert_eq!(Ranges::resolve(Some("bytes=0-99999999999999999999"), 10), one(0, 10));
        assert_eq!(Ranges::resolve(Some("bytes=-99999999999999999999"), 10), one(0, 10));
    }

    #[test]
    fn several_ranges_are_kept_in_order_and_joined_where_they_touch() {
        let several = |parts: &[(u64, u64)]| {
            Ranges::Several(parts.iter().map(|(offset, length)| ByteRange { offset: *offset, length: *length }).collect())
        };
        assert_eq!(Ranges::resolve(Some("bytes=0-1, 4-5"), 10), several(&[(0, 2), (4, 2)]));
        assert_eq!(Ranges::resolve(Some("bytes=8-,0-0,-1"), 10), several(&[(8, 2), (0, 1)]));
        assert_eq!(Ranges::resolve(Some("bytes=0-1,2-3"), 10), one(0, 4));
        assert_eq!(Ranges::resolve(Some("bytes=0-1,6-7,1-6"), 10), one(0, 8));
        // What lies outside is left out where something lies within.
        assert_eq!(Ranges::resolve(Some("bytes=20-30,0-1"), 10), one(0, 2));
    }

    #[test]
    fn a_range_outside_the_object_cannot_be_satisfied() {
        for header in ["bytes=10-", "bytes=99999999999999999999-", "bytes=-0", "bytes=10-11,12-13", "bytes=5-2", "bytes=0-1,5-2"]
        {
            assert_eq!(Ranges::resolve(Some(header), 10), Ranges::Unsatisfiable, "{header}");
        }
        assert_eq!(Ranges::resolve(Some("bytes=0-"), 0), Ranges::Unsatisfiable);
    }

    #[test]
    fn what_is_not_understood_means_the_whole() {
        let many = format!("bytes={}", vec!["0-0"; 17].join(","));
        for header in
            [None, Some("lines=1-2"), Some("bytes=a-b"), Some("bytes=0-1,x"), Some("bytes=+1-2"), Some("bytes="), Some(&many)]
        {
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

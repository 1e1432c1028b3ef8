//! The state of an upload, and its form in bytes. It names all that the upload has in the bucket, so any instance goes on from it:
//!
//! ```text
//! UPLOADS/ID/tail-OFFSET   the bytes that fill no part, as they were written at that offset; the last one counts
//! UPLOADS/ID/whole         the parts so far, as a multipart upload; an object once `commit` has put them together
//! ```
//!
//! What counts is known by its ETag as well as by its name: a request of a node that was given up may arrive late, and write something
//! else there, which is then an error, never part of an object.

use bulkhead_plugin_sdk::prelude::*;

use crate::ladder;
use crate::multipart::Multipart;
use crate::text::{from_hex, hex};

#[cfg(test)]
mod tests;

/// The first byte of a state.
const VERSION: u8 = 1;
/// The most bytes of a state.
pub const MOST: usize = 64 * 1024;

/// An upload under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The host's name for it.
    pub id: String,
    /// The bytes of the first part, as the setting was when the upload began.
    pub first: u64,
    /// So many bytes it has.
    pub size: u64,
    /// Whether the bucket may have objects of it that do not count any more.
    pub littered: bool,
    /// What it has in the bucket.
    pub stage: Stage,
}

/// What an upload has in the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// One object, if anything; most uploads never have more.
    Small(Option<Tail>),
    /// Parts, and perhaps an object with what comes after them.
    Parts(Multipart, Option<Tail>),
    /// All of it in one object, and so far as there are parts under this key already, too.
    Copying(String, Multipart),
}

/// An object with the last bytes of an upload, fewer than a part has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The offset that its name has.
    pub named: u64,
    /// As the store gave it.
    pub etag: String,
}

impl Upload {
    /// One without bytes.
    pub fn new(id: &str, first: u64) -> Result<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(plain) {
            let id = id.escape_debug();
            return Err(Error::invalid(format!("`{id}` is no upload's id: 1 to 128 letters, digits, `-` and `_`")));
        }
        Ok(Self { id: id.to_owned(), first, size: 0, littered: false, stage: Stage::Small(None) })
    }

    /// What the keys of all its objects begin with.
    pub fn folder(&self) -> String {
        format!("UPLOADS/{}/", self.id)
    }

    /// The key of the object that is put together of its parts.
    pub fn whole(&self) -> String {
        format!("UPLOADS/{}/whole", self.id)
    }

    /// The key of a tail.
    pub fn tail(&self, named: u64) -> String {
        format!("UPLOADS/{}/tail-{named}", self.id)
    }

    /// The bytes of the tail.
    pub fn tail_length(&self) -> u64 {
        match &self.stage {
            Stage::Small(_) => self.size,
            Stage::Parts(multipart, _) => self.size - ladder::parts(self.first, multipart.parts.len()),
            Stage::Copying(..) => 0,
        }
    }

    /// The bytes of the part that is next.
    pub fn next_part(&self) -> u64 {
        match &self.stage {
            Stage::Parts(multipart, _) => ladder::part(self.first, multipart.parts.len()),
            Stage::Small(_) | Stage::Copying(..) => ladder::part(self.first, 0),
        }
    }

    /// As the host keeps it.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut out = vec![VERSION, u8::from(self.littered)];
        text(&mut out, &self.id);
        out.extend(self.first.to_le_bytes());
        out.extend(self.size.to_le_bytes());
        match &self.stage {
            Stage::Small(tail) => {
                out.push(0);
                encode_tail(&mut out, tail.as_ref());
            }
            Stage::Parts(multipart, tail) => {
                out.push(1);
                encode_multipart(&mut out, multipart);
                encode_tail(&mut out, tail.as_ref());
            }
            Stage::Copying(key, multipart) => {
                out.push(2);
                text(&mut out, key);
                encode_multipart(&mut out, multipart);
            }
        }
        if out.len() > MOST {
            Err(Error::invalid("the upload has too many parts: the operator can set longer `part-bytes`"))
        } else {
            Ok(out)
        }
    }

    /// From what the host kept; never anything else than what [`Upload::encode`] wrote.
    pub fn decode(state: &[u8]) -> Result<Self> {
        Cursor(state).upload().filter(Self::is_sound).or_invalid("this is no upload's state of `storage-s3`")
    }

    fn is_sound(&self) -> bool {
        let known = Self::new(&self.id, self.first).is_ok() && (ladder::LEAST..=ladder::MOST).contains(&self.first);
        known
            && match &self.stage {
                Stage::Small(tail) => self.size < self.first && (tail.is_some() || self.size == 0),
                Stage::Parts(multipart, tail) => {
                    let before = ladder::parts(self.first, multipart.parts.len());
                    let length = self.size.checked_sub(before);
                    length.is_some_and(|length| length < self.next_part() && (length > 0) == tail.is_some())
                }
                Stage::Copying(..) => true,
            }
    }
}

/// With its length ahead.
fn text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend(length.to_le_bytes());
    out.extend(&text.as_bytes()[..usize::from(length)]);
}

/// Most ETags are 32 digits in quotes, and take 17 bytes: 0, and what the digits stand for.
fn encode_etag(out: &mut Vec<u8>, etag: &str) {
    let digits = etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"')).filter(|digits| digits.len() == 32);
    if let Some(bytes) = digits.and_then(from_hex) {
        out.push(0);
        out.extend(bytes);
    } else {
        let length = u8::try_from(etag.len()).unwrap_or(u8::MAX);
        out.push(length);
        out.extend(&etag.as_bytes()[..usize::from(length)]);
    }
}

fn encode_multipart(out: &mut Vec<u8>, multipart: &Multipart) {
    text(out, &multipart.id);
    let count = u16::try_from(multipart.parts.len()).unwrap_or(u16::MAX);
    out.extend(count.to_le_bytes());
    multipart.parts.iter().for_each(|etag| encode_etag(out, etag));
}

fn encode_tail(out: &mut Vec<u8>, tail: Option<&Tail>) {
    out.push(u8::from(tail.is_some()));
    if let Some(tail) = tail {
        out.extend(tail.named.to_le_bytes());
        encode_etag(out, &tail.etag);
    }
}

/// Reads a state from its beginning; `None` where it is none.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn upload(mut self) -> Option<Upload> {
        let (VERSION, littered) = (self.byte()?, self.flag()?) else { return None };
        let (id, first, size) = (self.text()?, self.number()?, self.number()?);
        let stage = match self.byte()? {
            0 => Stage::Small(self.tail()?),
            1 => Stage::Parts(self.multipart()?, self.tail()?),
            2 => Stage::Copying(self.text()?, self.multipart()?),
            _ => return None,
        };
        self.0.is_empty().then_some(Upload { id, first, size, littered, stage })
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn short(&mut self) -> Option<usize> {
        Some(usize::from(u16::from_le_bytes(self.take(2)?.try_into().ok()?)))
    }

    fn string(&mut self, length: usize) -> Option<String> {
        String::from_utf8(self.take(length)?.to_vec()).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.short()?;
        self.string(length)
    }

    fn etag(&mut self) -> Option<String> {
        match self.byte()? {
            0 => Some(format!("\"{}\"", hex(self.take(16)?))),
            length => self.string(usize::from(length)),
        }
    }

    fn multipart(&mut self) -> Option<Multipart> {
        let (id, count) = (self.text()?, self.short()?);
        let parts = (0..count).map(|_| self.etag()).collect::<Option<_>>()?;
        Some(Multipart { id, parts })
    }

    fn tail(&mut self) -> Option<Option<Tail>> {
        if self.flag()? { Some(Some(Tail { named: self.number()?, etag: self.etag()? })) } else { Some(None) }
    }
}

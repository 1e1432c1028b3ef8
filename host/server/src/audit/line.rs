//! What a line of the audit log says: a JSON object of its number, its time, the entry, and the hash of the line before. Pure.

use bulkhead_core::ports::audit::AuditEntry;
use bulkhead_core::ports::clock::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::MAX_LINE;

/// The end of a log: what the next line goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    /// The last line's number; 0: there is none.
    pub seq: u64,
    /// The last line's hash, 64 lower-case hex digits; zeros: there is none.
    pub hash: String,
}

/// What ties a line to the others.
#[derive(Deserialize)]
pub struct Link {
    /// Its number, counted from 1.
    pub seq: u64,
    /// The hash of the line before.
    pub prev: String,
}

#[derive(Serialize)]
struct Line<'a> {
    seq: u64,
    at: String,
    #[serde(flatten)]
    entry: &'a AuditEntry,
    /// How many entries before this one could not be written.
    #[serde(skip_serializing_if = "is_zero")]
    lost: u64,
    prev: &'a str,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl ChainEnd {
    /// The end of a log without a line.
    pub fn none() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }

    /// The end of a log whose last line is this one (without its newline); none: it is no line of an audit log.
    pub fn of(line: &[u8]) -> Option<Self> {
        Link::read(line).map(|link| Self { seq: link.seq, hash: hash(line) })
    }

    /// The next line, without its newline, and the end of the log that has it. `lost` entries before it could not be written.
    ///
    /// # Errors
    /// What serde says; no entry that there is brings it about.
    pub fn next(&self, entry: &AuditEntry, lost: u64) -> Result<(String, Self), serde_json::Error> {
        let mut line = self.write(entry, lost)?;
        if line.len() > MAX_LINE {
            line = self.write(&shortened(entry, line.len()), lost)?;
        }
        let end = Self { seq: self.seq + 1, hash: hash(line.as_bytes()) };
        Ok((line, end))
    }

    fn write(&self, entry: &AuditEntry, lost: u64) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Line { seq: self.seq + 1, at: rfc3339(entry.at), entry, lost, prev: &self.hash })
    }
}

impl Link {
    /// Reads it from a line; none: it is no line of an audit log.
    pub fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// SHA-256 in lower-case hex.
pub fn hash(line: &[u8]) -> String {
    hex::encode(Sha256::digest(line))
}

/// The same entry with what has a bound of its own alone.
fn shortened(entry: &AuditEntry, bytes: usize) -> AuditEntry {
    let mut short = AuditEntry { targets: Vec::new(), steps: Vec::new(), ..entry.clone() };
    let end = short.reason.floor_char_boundary(1024);
    short.reason.truncate(end);
    short.reason.push_str(&format!(" (targets and steps are left out: the line would have {bytes} bytes)"));
    short
}

/// RFC 3339 in UTC with milliseconds.
fn rfc3339(at: Timestamp) -> String {
    let seconds = i64::try_from(at.0 / 1000).unwrap_or(i64::MAX);
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z", time.hour(), time.minute(), time.second(), at.0 % 1000)
}

//! Finds the end of an audit log, so that the next line goes on from it. A line that a crash cut short is taken off, which the log says.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::files::{self, Numbered};
use super::line::ChainEnd;
use super::{AuditError, MAX_LINE};
use crate::data::DataError;

/// How many bytes are read at a time, from the end.
const PIECE: u64 = 64 * 1024;

/// The end of a log that is on the disk.
pub struct End {
    /// The number of the file that grows.
    pub number: u64,
    /// How many bytes of whole lines it has.
    pub length: u64,
    /// Its last line.
    pub chain: ChainEnd,
}

/// The end of a file.
pub struct Tail {
    /// The last whole line, without its newline.
    pub line: Option<Vec<u8>>,
    /// How many bytes of whole lines there are.
    pub whole: u64,
    /// How many bytes follow that are no whole line.
    pub torn: u64,
}

/// The end of the log in this directory, with what was torn cut off; a log that is not there begins with file 1.
///
/// # Errors
/// [`AuditError`].
pub fn end(directory: &Path) -> Result<End, AuditError> {
    let unusable = |path: &Path, error| AuditError::Data(DataError::Unusable { path: path.to_owned(), error });
    let all = files::list(directory).map_err(|error| unusable(directory, error))?;
    let Some(last) = all.last() else { return Ok(End { number: 1, length: 0, chain: ChainEnd::none() }) };
    let length = mend(last).map_err(|error| unusable(&last.path, error))?;
    // A new file that got no line yet leaves the end in the one before.
    for file in all.iter().rev() {
        let tail = tail(&file.path).map_err(|error| unusable(&file.path, error))?;
        if let Some(line) = tail.line {
            let chain = ChainEnd::of(&line).ok_or_else(|| AuditError::Damaged(file.path.clone()))?;
            return Ok(End { number: last.number, length, chain });
        }
    }
    Ok(End { number: last.number, length, chain: ChainEnd::none() })
}

/// Cuts off what is no whole line; how many bytes are left.
fn mend(file: &Numbered) -> io::Result<u64> {
    let Tail { whole, torn, .. } = tail(&file.path)?;
    if torn > 0 {
        let opened = OpenOptions::new().write(true).open(&file.path)?;
        opened.set_len(whole)?;
        opened.sync_all()?;
        let path = file.path.display();
        tracing::warn!(
            "the audit log's last line in {path} was torn by a crash: its {torn} bytes are cut off, and the log goes on"
        );
    }
    Ok(whole)
}

/// Reads the end of a file.
///
/// # Errors
/// The system's words, or that there is no newline within the bytes of two lines.
pub fn tail(path: &Path) -> io::Result<Tail> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let mut start = length;
    let mut bytes = Vec::new();
    loop {
        let last = bytes.iter().rposition(|byte| *byte == b'\n');
        let before = last.and_then(|last| bytes[..last].iter().rposition(|byte| *byte == b'\n'));
        if before.is_some() || start == 0 {
            let whole = last.map_or(0, |last| start + last as u64 + 1);
            let line = last.map(|last| bytes[before.map_or(0, |before| before + 1)..last].to_vec());
            return Ok(Tail { line, whole, torn: length - whole });
        }
        if bytes.len() > 2 * MAX_LINE + 2 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it ends with no line of an audit log"));
        }
        let piece = PIECE.min(start);
        start -= piece;
        file.seek(SeekFrom::Start(start))?;
        let mut read = vec![0; usize::try_from(piece).unwrap_or_default()];
        file.read_exact(&mut read)?;
        read.append(&mut bytes);
        bytes = read;
    }
}

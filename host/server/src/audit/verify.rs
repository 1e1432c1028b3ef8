//! Checks the chain of an audit log: every line is there, as it was written, in its order. Reads, and changes nothing.
//!
//! The log may be in use: a last line that is being written just then is told and is no fault.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::MAX_LINE;
pub use super::line::ChainEnd;
use super::line::{self, Link};

/// An end of the log that somebody wrote down earlier, `SEQ:HASH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The line's number.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hexadecimal = |hash: &str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        text.split_once(':')
            .and_then(|(seq, hash)| {
                let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
                hexadecimal(hash).then(|| Self { seq, hash: hash.to_ascii_lowercase() })
            })
            .ok_or_else(|| format!("must be SEQ:HASH as `bulkhead audit verify` prints it, not {text:?}"))
    }
}

/// A log whose chain is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many files were read.
    pub files: usize,
    /// The first line's number: more than 1 where older files are gone.
    pub first: u64,
    /// The last line's number and hash.
    pub last: ChainEnd,
    /// A file that ends with so many bytes of no whole line.
    pub torn: Option<(PathBuf, usize)>,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It cannot be read.
    #[error("{path} cannot be read: {error}")]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// There is no line.
    #[error("there is no line of an audit log in {0}")]
    Empty(String),
    /// The chain is broken.
    #[error("{path}:{line}: {what}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line in it, from 1 on.
        line: u64,
        /// What shows there.
        what: String,
    },
    /// The end that was expected is not in it.
    #[error("{0}")]
    NotIn(String),
}

/// Checks these files, which follow each other.
///
/// # Errors
/// [`VerifyError`]: the first thing that is wrong.
pub fn verify(files: &[PathBuf], expected: Option<&Expected>) -> Result<Verified, VerifyError> {
    let mut check = Check { first: None, last: ChainEnd::none(), torn: None, expected, met: false };
    for path in files {
        check.file(path)?;
    }
    let Some(first) = check.first else {
        let names: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
        return Err(VerifyError::Empty(names.join(", ")));
    };
    if let Some(expected) = expected.filter(|_| !check.met) {
        let (seq, last) = (expected.seq, check.last.seq);
        return Err(VerifyError::NotIn(if seq > last {
            format!("line {seq}, which is expected, is not there: the log ends with line {last}, so its end was taken away")
        } else {
            format!("line {seq}, which is expected, is older than the first line that is there, {first}: its file is gone")
        }));
    }
    Ok(Verified { files: files.len(), first, last: check.last, torn: check.torn })
}

struct Check<'a> {
    first: Option<u64>,
    last: ChainEnd,
    torn: Option<(PathBuf, usize)>,
    expected: Option<&'a Expected>,
    met: bool,
}

impl Check<'_> {
    fn file(&mut self, path: &Path) -> Result<(), VerifyError> {
        let unreadable = |error| VerifyError::Unreadable { path: path.to_owned(), error };
        let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
        let mut number = 0;
        loop {
            let mut line = Vec::new();
            let most = MAX_LINE as u64 + 1;
            reader.by_ref().take(most).read_until(b'\n', &mut line).map_err(unreadable)?;
            if line.is_empty() {
                return Ok(());
            }
            number += 1;
            let broken = |what: String| VerifyError::Broken { path: path.to_owned(), line: number, what };
            if let Some((torn, bytes)) = &self.torn {
                return Err(broken(format!("a line after {bytes} bytes of no whole line at the end of {}", torn.display())));
            }
            match line.pop() {
                Some(b'\n') => self.line(&line).map_err(broken)?,
                _ if line.len() as u64 + 1 == most => return Err(broken("this is no line of an audit log".to_owned())),
                _ => self.torn = Some((path.to_owned(), line.len() + 1)),
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        let link = Link::read(line).ok_or("this is no line of an audit log")?;
        let Some(before) = self.first.map(|_| &self.last) else {
            if link.seq == 0 || link.seq == 1 && link.prev != ChainEnd::none().hash {
                return Err("this is no beginning of an audit log".to_owned());
            }
            self.first = Some(link.seq);
            return self.reach(ChainEnd { seq: link.seq, hash: line::hash(line) });
        };
        if link.seq != before.seq + 1 {
            return Err(format!("line {} follows line {}: lines are missing or moved", link.seq, before.seq));
        }
        if link.prev != before.hash {
            return Err(format!(
                "line {} does not go on from line {} as it stands: one of them was changed",
                link.seq, before.seq
            ));
        }
        self.reach(ChainEnd { seq: link.seq, hash: line::hash(line) })
    }

    fn reach(&mut self, end: ChainEnd) -> Result<(), String> {
        if let Some(expected) = self.expected.filter(|expected| expected.seq == end.seq) {
            if expected.hash != end.hash {
                return Err(format!("line {} is not the one that is expected: the log was rewritten", end.seq));
            }
            self.met = true;
        }
        self.last = end;
        Ok(())
    }
}

//! The files of an audit log: `audit-000001.jsonl`, `audit-000002.jsonl` and so on, of which only the last one grows.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use bulkhead_core::ports::clock::Timestamp;

const PREFIX: &str = "audit-";
const SUFFIX: &str = ".jsonl";

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Numbered {
    /// Its number, from 1 on.
    pub number: u64,
    /// Where it lies.
    pub path: PathBuf,
}

/// Those in this directory, the oldest first; other files are none of them.
///
/// # Errors
/// The system's words.
pub fn list(directory: &Path) -> io::Result<Vec<Numbered>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if let Some(number) = path.file_name().and_then(|name| number_of(name.to_str()?)) {
            found.push(Numbered { number, path });
        }
    }
    found.sort();
    Ok(found)
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let plain = digits.len() >= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

/// Where the file of this number lies.
pub fn path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{PREFIX}{number:06}{SUFFIX}"))
}

/// Opens a file to go on with it, and makes it for its owner alone where it is missing; its name is durable then.
///
/// # Errors
/// The system's words.
pub fn open(path: &Path) -> io::Result<File> {
    // Not in append mode: what a failed write left is overwritten once it has been cut off.
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(file)
}

/// Whether it was written to within this time. Where the system does not say, it was.
pub fn is_younger(path: &Path, age: Duration, now: Timestamp) -> bool {
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    let Ok(since) = modified.map(|modified| modified.duration_since(UNIX_EPOCH).unwrap_or_default()) else { return true };
    Duration::from_millis(now.0).saturating_sub(since) < age
}

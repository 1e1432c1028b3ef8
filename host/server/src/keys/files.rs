//! The files of the token keys: `token-SECONDS-KID.pem`, by the time of their making, and `token.pem` of earlier versions.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bulkhead_core::auth::TokenKey;
use bulkhead_core::ports::clock::Timestamp;

use super::TokenKeyError;
use crate::data;

/// The only file of earlier versions, which had one key for ever.
const FIRST: &str = "token.pem";

/// A key's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// When the key was made.
    pub created: Timestamp,
    /// The key's id.
    pub kid: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// Reads all of this folder, the oldest first. A key that lies there twice counts once.
///
/// # Errors
/// [`TokenKeyError`].
pub fn read(folder: &Path) -> Result<Vec<(KeyFile, TokenKey)>, TokenKeyError> {
    let unreadable = |path: &Path, error| TokenKeyError::Unreadable { path: path.to_owned(), error };
    let mut found: Vec<(KeyFile, TokenKey)> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if let Some(created) = created(&path).map_err(|error| unreadable(&path, error))? {
            let pem = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            let key = TokenKey::from_pem(&pem).map_err(|error| TokenKeyError::Useless { path: path.clone(), error })?;
            found.push((KeyFile { created, kid: key.id().to_string(), path }, key));
        }
    }
    found.sort_by(|(one, _), (other, _)| (one.created, &one.path).cmp(&(other.created, &other.path)));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|(file, _)| seen.insert(file.kid.clone()));
    Ok(found)
}

/// When the key of this file was made; none: it is no key's file.
fn created(path: &Path) -> io::Result<Option<Timestamp>> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(None) };
    if name == FIRST {
        let modified = std::fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        return Ok(Some(Timestamp(u64::try_from(modified.as_millis()).unwrap_or(u64::MAX))));
    }
    let middle = name.strip_prefix("token-").and_then(|rest| rest.strip_suffix(".pem"));
    let seconds = middle.and_then(|middle| middle.split_once('-')).and_then(|(seconds, _)| seconds.parse::<u64>().ok());
    Ok(seconds.map(|seconds| Timestamp(seconds.saturating_mul(1000))))
}

/// Makes a key and its file, whole on the disk.
///
/// # Errors
/// [`TokenKeyError`].
pub fn make(folder: &Path, now: Timestamp) -> Result<(KeyFile, TokenKey), TokenKeyError> {
    let useless = |error| TokenKeyError::Useless { path: folder.to_owned(), error };
    let pem = TokenKey::generate().map_err(useless)?;
    let key = TokenKey::from_pem(&pem).map_err(useless)?;
    let (seconds, kid) = (now.seconds(), key.id().to_string());
    let path = folder.join(format!("token-{seconds:010}-{kid}.pem"));
    data::write_private(&path, pem.as_bytes())?;
    Ok((KeyFile { created: Timestamp(seconds * 1000), kid, path }, key))
}

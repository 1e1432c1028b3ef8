//! Where the paths of a configuration lead: a relative one starts at the folder of the configuration file, and `{data}` at its beginning
//! stands for the data directory. Touches no file.

use std::path::{Path, PathBuf};

/// What stands for the data directory.
const DATA: &str = "{data}";

/// The two places that paths start at.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The folder of the configuration file.
    pub config: PathBuf,
    /// The data directory.
    pub data: PathBuf,
}

impl Folders {
    /// Where `text` leads.
    ///
    /// # Errors
    /// The end of a sentence that begins with the key.
    pub fn resolve(&self, text: &str) -> Result<PathBuf, String> {
        if text.is_empty() || text.contains('\0') {
            return Err("must be a path".to_owned());
        }
        let Some(rest) = text.strip_prefix(DATA) else {
            return Ok(self.config.join(text));
        };
        match rest.strip_prefix('/') {
            Some(below) => Ok(self.data.join(below.trim_start_matches('/'))),
            None if rest.is_empty() => Ok(self.data.clone()),
            None => Err(format!("must go on with / after {DATA}, not {text:?}")),
        }
    }

    /// Whether `path` is the data directory or below it, as it is written (no link is followed); with `..` in it never.
    pub fn is_in_data(data: &Path, path: &Path) -> bool {
        path.starts_with(data) && !path.components().any(|part| part == std::path::Component::ParentDir)
    }
}

/// Reads the name that a guest gives to a directory or file: absolute, without empty, `.` or `..` segments.
///
/// # Errors
/// The end of a sentence that begins with the key.
pub fn check_guest_path(text: &str) -> Result<(), String> {
    let good = text.len() <= 255
        && text.strip_prefix('/').is_some_and(|rest| {
            rest.split('/')
                .all(|segment| !matches!(segment, "" | "." | "..") && !segment.contains(|c: char| c.is_control() || c == '\\'))
        });
    if good { Ok(()) } else { Err(format!("must be a path such as \"/blobs\" by which the plugin names it, not {text:?}")) }
}

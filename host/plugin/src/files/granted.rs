//! What is granted, opened once when the plugin is loaded, and which grant a path belongs to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::FileError;
use super::durable::KnownNames;
use crate::error::LoadError;
use crate::spec::{DirectoryAccess, Grants};

/// The longest path that a plugin may name, in bytes.
const MAX_PATH_BYTES: usize = 4096;

/// The directories and files of one plugin.
pub(crate) struct Granted {
    /// The longest names first, so that a grant within a grant is found before the outer one.
    directories: Vec<Directory>,
    files: BTreeMap<String, PathBuf>,
}

/// A granted directory.
pub(crate) struct Directory {
    /// Without a slash at its end; empty for `/`.
    name: String,
    pub(super) root: Dir,
    access: DirectoryAccess,
    pub(super) known: KnownNames,
}

/// Where a path leads.
pub(super) enum Place<'a> {
    /// To a granted single file.
    File(&'a Path),
    /// To something below a granted directory.
    Below(Spot<'a>),
}

/// A path below a granted directory.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    pub(super) directory: &'a Directory,
    /// Relative, with neither `.` nor `..`; empty for the directory itself.
    pub(super) rest: &'a str,
}

impl Spot<'_> {
    /// The directory that it lies in (empty: the granted one), and its name there.
    pub(super) fn split(&self) -> (&str, &str) {
        self.rest.rsplit_once('/').unwrap_or(("", self.rest))
    }
}

impl Granted {
    /// Opens everything that is granted.
    pub(crate) fn open(grants: &Grants) -> Result<Self, LoadError> {
        let mut directories = Vec::with_capacity(grants.directories.len());
        for (name, grant) in &grants.directories {
            let fault = |why: String| LoadError::Grant { what: format!("directories.{name:?}"), why };
            let root = Dir::open_ambient_dir(&grant.path, ambient_authority()).map_err(|error| {
                fault(format!("cannot open the directory {}: {error}; make it, or correct the path", grant.path.display()))
            })?;
            let name = guest_name(name).map_err(fault)?.to_owned();
            directories.push(Directory { name, root, access: grant.access, known: KnownNames::default() });
        }
        directories.sort_by_key(|directory| std::cmp::Reverse(directory.name.len()));
        for (name, path) in &grants.files {
            let fault = |why: String| LoadError::Grant { what: format!("files.{name:?}"), why };
            guest_name(name).map_err(fault)?;
            match std::fs::metadata(path) {
                Ok(found) if found.is_file() => {}
                Ok(_) => return Err(fault(format!("{} is not a regular file", path.display()))),
                Err(error) => {
                    return Err(fault(format!("cannot read {}: {error}; make it, or correct the path", path.display())));
                }
            }
        }
        Ok(Self { directories, files: grants.files.clone() })
    }

    /// Where `path` leads, for reading.
    pub(super) fn place<'a>(&'a self, path: &'a str) -> Result<Place<'a>, FileError> {
        check(path)?;
        if let Some(file) = self.files.get(path) {
            return Ok(Place::File(file));
        }
        self.below(path).map(Place::Below)
    }

    /// Where `path` leads below a directory that may be read.
    pub(super) fn below<'a>(&'a self, path: &'a str) -> Result<Spot<'a>, FileError> {
        check(path)?;
        for directory in &self.directories {
            match path.strip_prefix(directory.name.as_str()) {
                Some("") => return Ok(Spot { directory, rest: "" }),
                Some(rest) if rest.starts_with('/') => return Ok(Spot { directory, rest: &rest[1..] }),
                _ => {}
            }
        }
        Err(FileError::Denied(format!("{path} is not granted: add it to grants.directories or grants.files")))
    }

    /// Where `path` leads, if something may be written, moved or removed there.
    pub(super) fn writable<'a>(&'a self, path: &'a str) -> Result<Spot<'a>, FileError> {
        if self.files.contains_key(path) {
            return Err(FileError::Denied(format!("{path} is granted for reading only")));
        }
        let spot = self.below(path)?;
        match spot.directory.access {
            DirectoryAccess::ReadOnly => Err(FileError::Denied(format!("{path} is granted for reading only"))),
            DirectoryAccess::ReadWrite if spot.rest.is_empty() => Err(FileError::not_regular(path)),
            DirectoryAccess::ReadWrite => Ok(spot),
        }
    }
}

/// A grant's name as the plugin knows it, without the slash at its end.
fn guest_name(name: &str) -> Result<&str, String> {
    let trimmed = name.strip_suffix('/').unwrap_or(name);
    if trimmed.is_empty() && name == "/" {
        return Ok("");
    }
    check(trimmed)
        .map_err(|_| format!("{name:?} is not an absolute path without `.`, `..` or empty parts, such as \"/blobs\""))?;
    Ok(trimmed)
}

/// Absolute, bounded, and plain: what has `..` in it is refused rather than resolved.
fn check(path: &str) -> Result<(), FileError> {
    let refused = |what: &str| Err(FileError::Denied(format!("{path:?} is not granted: {what}")));
    if path.len() > MAX_PATH_BYTES {
        return Err(FileError::Invalid(format!("a path of {} bytes: at most {MAX_PATH_BYTES}", path.len())));
    }
    let Some(rest) = path.strip_prefix('/') else { return refused("a path is absolute, such as /blobs/a") };
    if path.contains('\0') || rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return refused("a path has no `.`, `..` or empty part");
    }
    Ok(())
}

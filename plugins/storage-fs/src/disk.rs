//! Where things lie: the object KEY at `ROOT/KEY`, the upload ID at `ROOT/UPLOADS/ID`.
//!
//! Keys have no capitals, so no object can be among the uploads and no listing shows one. Nothing is remembered between calls: an upload's
//! state is its id, and any instance goes on from it.

use bulkhead_plugin_sdk::prelude::*;

use crate::listing;

/// Files below one granted directory.
pub struct Disk {
    pub(crate) root: String,
}

/// The plugin's `config` table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    #[serde(default = "default_root")]
    pub(crate) root: String,
}

fn default_root() -> String {
    "/blobs".to_owned()
}

impl Disk {
    fn path(&self, key: &str) -> Result<String> {
        if !listing::is_key(key) {
            return Err(Error::invalid(format!(
                "`{key}` is no key: 1 to 512 of a-z 0-9 . _ - /, without an empty, `.` or `..` part"
            )));
        }
        Ok(format!("{}/{key}", self.root))
    }

    fn staged(&self, state: &[u8]) -> Result<String> {
        let id = str::from_utf8(state).or_invalid("an upload's state is its id")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(plain) {
            return Err(Error::invalid(format!("`{id}` is no upload's id: 1 to 128 letters, digits, `-` and `_`")));
        }
        Ok(format!("{}/UPLOADS/{id}", self.root))
    }
}

impl Plugin for Disk {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let root = settings.root.trim_end_matches('/');
        if !root.starts_with('/') {
            return Err(Error::invalid(format!(
                "root: `{}` must be the path of a granted directory, such as `/blobs`",
                settings.root
            )));
        }
        // Here rather than at the first push: a missing grant stops the server's start.
        files::list(root, None, 1).map_err(|error| error.context(format_args!("root: cannot list `{root}`")))?;
        Ok(Self { root: root.to_owned() })
    }
}

impl Storage for Disk {
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source> {
        Ok(Source::File(FileSlice::of(self.path(key)?, range)))
    }

    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>> {
        let entry = files::stat(&self.path(key)?)?;
        Ok(entry.map(|entry| ObjectInfo { key: key.to_owned(), size: entry.size, modified: entry.modified }))
    }

    fn delete(&mut self, keys: &[String]) -> Result<()> {
        keys.iter().try_for_each(|key| files::remove_if_there(&self.path(key)?))
    }

    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        listing::list(&self.root, prefix, after, limit)
    }

    fn begin(&mut self, upload: &str) -> Result<Vec<u8>> {
        let state = upload.as_bytes().to_vec();
        self.staged(&state)?;
        Ok(state)
    }

    fn next(&mut self, state: &[u8], offset: u64, _length: Option<u64>) -> Result<Sink> {
        Ok(Sink::File(FileSlice::from(self.staged(state)?, offset)))
    }

    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress> {
        match files::publish(&self.staged(state)?, &self.path(key)?) {
            Ok(()) => Ok(()),
            Err(Error::Conflict) if self.stat(key)?.is_some() => self.abort(state),
            // Something is there that is no object: never say that it is stored.
            Err(Error::Conflict) => Err(Error::invalid(format!("`{key}` is a directory: another key begins with `{key}/`"))),
            // Asked again for what it has done, since the answer was lost.
            Err(Error::NotFound) if self.stat(key)?.is_some() => Ok(()),
            Err(error) => Err(error),
        }
        .map(|()| Progress::Done)
    }

    fn abort(&mut self, state: &[u8]) -> Result<()> {
        files::remove_if_there(&self.staged(state)?)
    }
}

//! Keeps each object in one file of one granted directory, its key's slashes written as `+`. Settings: `root = "/blobs"`.
//!
//! An upload's state is the path of its file. The host makes that file, writes it and syncs it; `publish` gives it its name.

use bulkhead_plugin_sdk::prelude::*;

#[derive(serde::Deserialize)]
struct Hello {
    root: String,
}

impl Hello {
    fn path(&self, key: &str) -> String {
        format!("{}/objects/{}", self.root, key.replace('/', "+"))
    }
}

impl Plain for Hello {}

impl Storage for Hello {
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source> {
        Ok(Source::File(FileSlice::of(self.path(key), range)))
    }

    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>> {
        let entry = files::stat(&self.path(key))?;
        Ok(entry.map(|entry| ObjectInfo { key: key.to_owned(), size: entry.size, modified: entry.modified }))
    }

    fn delete(&mut self, keys: &[String]) -> Result<()> {
        keys.iter().try_for_each(|key| files::remove_if_there(&self.path(key)))
    }

    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        // File names do not sort as keys do (`+` comes before `-`, `/` after it), so all are read and then sorted: fine for a small store.
        let directory = format!("{}/objects", self.root);
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let page = files::list(&directory, last.as_deref(), 1000)?;
            let Some(end) = page.last() else { break };
            last = Some(end.path.clone());
            found.extend(page.iter().map(|entry| ObjectInfo {
                key: entry.name().replace('+', "/"),
                size: entry.size,
                modified: entry.modified,
            }));
        }
        found.retain(|object| object.key.starts_with(prefix) && after.is_none_or(|after| object.key.as_str() > after));
        found.sort_by(|one, other| one.key.cmp(&other.key));
        found.truncate(limit as usize);
        Ok(found)
    }

    fn begin(&mut self, upload: &str) -> Result<Vec<u8>> {
        Ok(format!("{}/uploads/{upload}", self.root).into_bytes())
    }

    fn next(&mut self, state: &[u8], offset: u64, _: Option<u64>) -> Result<Sink> {
        Ok(Sink::File(FileSlice::from(str::from_utf8(state)?, offset)))
    }

    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress> {
        match files::publish(str::from_utf8(state)?, &self.path(key)) {
            Ok(()) => {}
            Err(Error::Conflict) => self.abort(state)?,
            // Asked again for what is done already.
            Err(Error::NotFound) if self.stat(key)?.is_some() => {}
            Err(error) => return Err(error),
        }
        Ok(Progress::Done)
    }

    fn abort(&mut self, state: &[u8]) -> Result<()> {
        files::remove_if_there(str::from_utf8(state)?)
    }
}

export!(Hello: Storage);

#[cfg(test)]
mod tests {
    use bulkhead_plugin_sdk::testing::{FakeHost, configure};

    use super::*;

    #[test]
    fn what_is_committed_is_found_listed_and_deleted() {
        let host = FakeHost::new().directory("/blobs").install();
        let mut plugin: Hello = configure(r#"{"root":"/blobs"}"#).unwrap();
        for key in ["a/b", "a-b", "c"] {
            let state = plugin.begin(&format!("upload-{key}")).unwrap();
            host.set_file(str::from_utf8(&state).unwrap(), "bytes");
            plugin.commit(&state, key).unwrap();
            plugin.commit(&state, key).unwrap();
        }
        let keys: Vec<String> = plugin.list("a", None, 10).unwrap().into_iter().map(|object| object.key).collect();
        assert_eq!(keys, ["a-b", "a/b"]);
        plugin.delete(&["a/b".to_owned()]).unwrap();
        assert_eq!(plugin.stat("a/b"), Ok(None));
    }
}

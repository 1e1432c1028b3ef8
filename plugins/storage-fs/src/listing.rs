//! Lists keys in byte order without reading more of the tree than the answer needs.
//!
//! The host lists one directory in byte order of its paths, a directory's ending with `/`. So a walk that goes into each directory where it
//! stands in that order meets the keys in their own byte order: `a-b`, then `a/b`, then `a0`.

use bulkhead_plugin_sdk::prelude::*;

/// The grammar of keys, which also keeps everything else that lies in the directory out of a listing.
pub fn is_key(key: &str) -> bool {
    (1..=512).contains(&key.len()) && key.split('/').all(is_part)
}

fn is_part(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-');
    !matches!(part, "" | "." | "..") && part.bytes().all(plain)
}

/// The objects below `root` whose keys begin with `prefix`, strictly after `after`, at most `limit`.
pub fn list(root: &str, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
    let start = prefix.rfind('/').map_or("", |slash| &prefix[..=slash]);
    let mut walk = Walk { root, prefix, after, limit: limit as usize, found: Vec::new() };
    // A directory that no key can lie in holds none, and is not worth a question to the host.
    if start.is_empty() || is_key(&start[..start.len() - 1]) {
        walk.directory(start)?;
    }
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a str,
    prefix: &'a str,
    after: Option<&'a str>,
    limit: usize,
    found: Vec<ObjectInfo>,
}

impl Walk<'_> {
    /// `directory` is the beginning of the keys in it: empty, or ending with `/`.
    fn directory(&mut self, directory: &str) -> Result<()> {
        let path = format!("{}/{directory}", self.root);
        let mut last = self.start(directory);
        while self.found.len() < self.limit {
            let wanted = (self.limit - self.found.len()).clamp(16, 1000);
            let page = files::list(&path, last.as_deref(), wanted as u32)?;
            let Some(end) = page.last() else { break };
            last = Some(end.path.clone());
            for entry in &page {
                let key = format!("{directory}{}", entry.name());
                if self.found.len() == self.limit || self.is_past(&key) {
                    return Ok(());
                }
                self.entry(key, entry)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, key: String, entry: &files::Entry) -> Result<()> {
        match key.strip_suffix('/') {
            Some(name) if is_key(name) && self.may_hold(&key) => self.directory(&key),
            None if is_key(&key) && self.is_wanted(&key) => {
                self.found.push(ObjectInfo { key, size: entry.size, modified: entry.modified });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Where to begin in a directory: right before the part that `after` lies in or at.
    fn start(&self, directory: &str) -> Option<String> {
        let rest = self.after?.strip_prefix(directory)?;
        let part = rest.split('/').next()?;
        (!part.is_empty()).then(|| format!("{}/{directory}{part}", self.root))
    }

    fn is_wanted(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after)
    }

    fn may_hold(&self, directory: &str) -> bool {
        let in_prefix = directory.starts_with(self.prefix) || self.prefix.starts_with(directory);
        in_prefix && self.after.is_none_or(|after| after < directory || after.starts_with(directory))
    }

    fn is_past(&self, key: &str) -> bool {
        key > self.prefix && !key.starts_with(self.prefix)
    }
}

//! The plugin: the object KEY at `PREFIX KEY` in the bucket, uploads under way below `PREFIX UPLOADS/`.
//!
//! Keys have no capitals, so no object can be among the uploads.

use bulkhead_plugin_sdk::prelude::*;

use crate::client::Client;
use crate::settings::Settings;
use crate::text::is_plain;
use crate::upload::Upload;
use crate::{commit, filling, objects};

/// The longest life of a link, in seconds.
const WEEK: u32 = 7 * 24 * 3600;
/// What a page of a listing has at most, so that an answer fits what the host lets in, whatever the keys.
const PAGE: usize = 500;
/// Right behind all uploads.
const PAST_UPLOADS: &str = "UPLOADS0";

/// A bucket, or the part of it below a prefix.
pub struct Bucket {
    client: Client,
    part_bytes: u64,
}

impl Plugin for Bucket {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        settings.check()?;
        // Nothing is asked of the store: the host starts while it is away.
        Ok(Self { part_bytes: settings.part_bytes, client: Client::new(settings)? })
    }
}

impl Storage for Bucket {
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let mut draft = self.client.object("GET", checked(key)?);
        match range {
            Some(ByteRange { length: 0, .. }) => return Ok(Source::Bytes(Vec::new())),
            Some(range) => draft.headers.push(("range", format!("bytes={}-{}", range.offset, range.end() - 1))),
            None => {}
        }
        Ok(Source::Http(self.client.signed(draft)?))
    }

    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>> {
        let found = objects::stat(&mut self.client, checked(key)?)?;
        Ok(found.map(|stat| ObjectInfo { key: key.to_owned(), size: stat.size, modified: stat.modified }))
    }

    fn delete(&mut self, keys: &[String]) -> Result<()> {
        keys.iter().try_for_each(|key| checked(key).map(|_| ()))?;
        remove(&mut self.client, keys)
    }

    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        let limit = limit as usize;
        let (mut found, mut after): (Vec<ObjectInfo>, _) = (Vec::new(), after.map(str::to_owned));
        while found.len() < limit {
            // At least a few, since some may be none of ours.
            let wanted = (limit - found.len()).clamp(16, PAGE);
            let page = objects::page(&mut self.client, prefix, after.as_deref(), wanted)?;
            let Some(last) = page.objects.last().and_then(|last| last.key.strip_prefix(self.client.prefix())) else { break };
            let past = if last.starts_with("UPLOADS/") { PAST_UPLOADS } else { last };
            after = Some(past.to_owned());
            for object in &page.objects {
                let key = object.key.strip_prefix(self.client.prefix()).unwrap_or_default();
                if is_key(key) && found.len() < limit {
                    found.push(ObjectInfo { key: key.to_owned(), size: object.size, modified: object.modified });
                }
            }
            if !page.truncated {
                break;
            }
        }
        Ok(found)
    }

    fn link(&mut self, key: &str, seconds: u32) -> Result<Option<String>> {
        self.client.link(checked(key)?, seconds.min(WEEK)).map(Some)
    }

    fn begin(&mut self, upload: &str) -> Result<Vec<u8>> {
        Upload::new(upload, self.part_bytes)?.encode()
    }

    fn next(&mut self, state: &[u8], offset: u64, _length: Option<u64>) -> Result<Sink> {
        filling::next(&mut self.client, &Upload::decode(state)?, offset)
    }

    fn written(&mut self, state: Vec<u8>, length: u64, receipt: Receipt) -> Result<Vec<u8>> {
        filling::written(&mut self.client, Upload::decode(&state)?, length, receipt)?.encode()
    }

    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress> {
        commit::commit(&mut self.client, Upload::decode(state)?, checked(key)?)
    }

    fn abort(&mut self, state: &[u8]) -> Result<()> {
        commit::abort(&mut self.client, &Upload::decode(state)?)
    }
}

/// Deletes objects, in as few requests as the store lets it be.
pub fn remove(client: &mut Client, keys: &[String]) -> Result<()> {
    match keys {
        [key] => objects::delete(client, key),
        _ if objects::delete_many(client, keys)? => Ok(()),
        _ => keys.iter().try_for_each(|key| objects::delete(client, key)),
    }
}

fn checked(key: &str) -> Result<&str> {
    let rule = "1 to 512 of a-z 0-9 . _ - /, without an empty, `.` or `..` part";
    if is_key(key) { Ok(key) } else { Err(Error::invalid(format!("`{}` is no key: {rule}", key.escape_debug()))) }
}

/// The grammar of keys, which also keeps everything else that lies in the bucket out of a listing.
fn is_key(key: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..") && is_plain(part);
    (1..=512).contains(&key.len()) && key.split('/').all(part) && !key.bytes().any(|byte| byte.is_ascii_uppercase())
}

//! The bundled file storage, which attacks or deceives its host in the one way that the setting `behaviour` names.
//!
//! Settings: `behaviour`; `root` as for `storage-fs`; `path`, the path that the behaviours `escape`, `escape-link` and `escape-sink` name
//! instead of their own.

mod behaviours;
#[path = "../../../../plugins/storage-fs/src/disk.rs"]
mod disk;
#[path = "../../../../plugins/storage-fs/src/listing.rs"]
mod listing;

use bulkhead_plugin_sdk::prelude::*;

use behaviours::Behaviour;
use disk::Disk;

struct Hostile {
    behaviour: Box<dyn Behaviour>,
    disk: Disk,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    behaviour: String,
    #[serde(default = "default_root")]
    root: String,
    path: Option<String>,
}

fn default_root() -> String {
    "/blobs".to_owned()
}

impl Plugin for Hostile {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let behaviour = behaviours::find(&settings.behaviour, &settings.root, settings.path)?;
        Ok(Self { behaviour, disk: Disk::new(disk::Settings { root: settings.root })? })
    }
}

impl Storage for Hostile {
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source> {
        self.behaviour.open(&mut self.disk, key, range)
    }

    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>> {
        self.behaviour.stat(&mut self.disk, key)
    }

    fn delete(&mut self, keys: &[String]) -> Result<()> {
        self.disk.delete(keys)
    }

    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        self.behaviour.list(&mut self.disk, prefix, after, limit)
    }

    fn begin(&mut self, upload: &str) -> Result<Vec<u8>> {
        let state = self.disk.begin(upload)?;
        Ok(self.behaviour.wrap(state))
    }

    fn next(&mut self, state: &[u8], offset: u64, length: Option<u64>) -> Result<Sink> {
        self.behaviour.next(&mut self.disk, state.trim_ascii_end(), offset, length)
    }

    fn written(&mut self, state: Vec<u8>, length: u64, receipt: Receipt) -> Result<Vec<u8>> {
        let state = self.disk.written(state.trim_ascii_end().to_vec(), length, receipt)?;
        Ok(self.behaviour.wrap(state))
    }

    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress> {
        self.behaviour.commit(&mut self.disk, state.trim_ascii_end(), key)
    }

    fn abort(&mut self, state: &[u8]) -> Result<()> {
        self.disk.abort(state.trim_ascii_end())
    }
}

export!(Hostile: Storage);

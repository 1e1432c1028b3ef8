//! `files`: control of what lies below granted directories.

use bulkhead_plugin_bindings::bulkhead::plugin::{files, types};

use super::blocking;
use crate::files::Entry;
use crate::state::State;

impl files::Host for State {
    async fn read(&mut self, path: String, most: u32) -> Result<Vec<u8>, types::Error> {
        let granted = self.reach.files.clone();
        blocking(move || granted.read(&path, most)).await
    }

    async fn stat(&mut self, path: String) -> Result<Option<files::Entry>, types::Error> {
        let granted = self.reach.files.clone();
        blocking(move || granted.stat(&path)).await.map(|found| found.map(Into::into))
    }

    async fn publish(&mut self, from: String, to: String) -> Result<(), types::Error> {
        let granted = self.reach.files.clone();
        blocking(move || granted.publish(&from, &to)).await
    }

    async fn remove(&mut self, path: String) -> Result<(), types::Error> {
        let granted = self.reach.files.clone();
        blocking(move || granted.remove(&path)).await
    }

    async fn list(&mut self, directory: String, after: Option<String>, limit: u32) -> Result<Vec<files::Entry>, types::Error> {
        let granted = self.reach.files.clone();
        let listed = blocking(move || granted.list(&directory, after.as_deref(), limit)).await?;
        Ok(listed.into_iter().map(Into::into).collect())
    }
}

impl From<Entry> for files::Entry {
    fn from(entry: Entry) -> Self {
        Self { path: entry.path, size: entry.size, modified: entry.modified }
    }
}

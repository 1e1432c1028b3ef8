//! Drops uploads that nobody goes on with (OCI distribution specification, "Cancel a blob upload": a server should eventually time out
//! unfinished uploads). An upload that a request is writing to is never dropped.

use std::sync::Arc;
use std::time::Duration;

use tracing::{info, warn};

use super::{Registry, RegistryError};
use crate::ports::catalog::UploadRecord;
use crate::ports::clock::{Clock, Timestamp};

/// Uploads looked at in one go.
const BATCH: u32 = 64;
/// The longest and shortest time between two rounds.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Looks after all registries of a host.
pub struct Janitor {
    registries: Vec<Arc<Registry>>,
    clock: Arc<dyn Clock>,
}

impl Janitor {
    /// A janitor for these.
    pub fn new(registries: Vec<Arc<Registry>>, clock: Arc<dyn Clock>) -> Self {
        Self { registries, clock }
    }

    /// Works for ever; ends only by being dropped, which loses nothing.
    pub async fn run(self) {
        let shortest_life = self.registries.iter().map(|registry| registry.rules().upload_life).min();
        let wait = shortest_life.map_or(LONGEST_WAIT, |life| (life / 4).clamp(SHORTEST_WAIT, LONGEST_WAIT));
        loop {
            for registry in &self.registries {
                match registry.expire_uploads().await {
                    Ok(0) => {}
                    Ok(dropped) => info!(registry = %registry.name(), dropped, "unfinished uploads dropped"),
                    Err(error) => warn!(registry = %registry.name(), %error, "unfinished uploads cannot be dropped"),
                }
            }
            self.clock.sleep(wait).await;
        }
    }
}

impl Registry {
    /// Whether the upload has stood still for too long.
    pub(super) fn is_expired(&self, upload: &UploadRecord) -> bool {
        upload.touched.after(self.parts.rules.upload_life) <= self.parts.clock.now()
    }

    /// Drops the uploads that have stood still for too long, and says how many.
    ///
    /// # Errors
    /// [`RegistryError`] if the catalog does not answer. What the storage does not drop lies unseen until it is collected.
    pub async fn expire_uploads(self: &Arc<Self>) -> Result<usize, RegistryError> {
        let life = u64::try_from(self.parts.rules.upload_life.as_millis()).unwrap_or(u64::MAX);
        let mut dropped = 0;
        loop {
            // Touched at this time or before: its life is over now.
            let before = Timestamp(self.parts.clock.now().0.saturating_sub(life).saturating_add(1));
            // Those that are being written to stay in the list, and must not hide the others.
            let limit = BATCH.saturating_add(u32::try_from(self.busy()).unwrap_or(u32::MAX));
            let stale = self.parts.catalog.stale_uploads(self.parts.id, before, limit).await?;
            let mut this_time = 0;
            for upload in &stale {
                this_time += usize::from(self.expire(upload).await?);
            }
            dropped += this_time;
            if this_time == 0 || stale.len() < limit as usize {
                return Ok(dropped);
            }
        }
    }

    async fn expire(self: &Arc<Self>, upload: &UploadRecord) -> Result<bool, RegistryError> {
        let Ok(_occupied) = self.occupy(&upload.id) else { return Ok(false) };
        // It may have grown or ended between the look and now.
        let found = self.parts.catalog.upload(self.parts.id, &upload.repository, &upload.id).await?;
        if found.is_none_or(|found| found.touched != upload.touched) {
            return Ok(false);
        }
        self.parts.catalog.remove_upload(self.parts.id, &upload.id).await?;
        self.drop_upload(&upload.progress, None).await;
        Ok(true)
    }
}

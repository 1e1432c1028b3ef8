//! A commit: the staging blob gets its blocks, the service copies it to its key if nothing is there, and it is deleted.
//!
//! Within an account a copy moves no bytes, and is done with its answer as a rule. Where it is not, the blob is there and empty until it is:
//! nothing but a direct read sees it meanwhile.

use bulkhead_plugin_sdk::prelude::*;

use crate::blobs::{Blobs, Copied, version};
use crate::upload::{Staged, Upload};

/// With more blocks than this, copying has a call of its own.
const MANY: usize = 2_000;
/// How often a copy is begun, where what was there vanishes meanwhile.
const TRIES: usize = 3;

impl Blobs {
    /// Makes the upload the object `key`.
    pub(crate) fn publish(&mut self, upload: Upload, key: &str) -> Result<Progress> {
        let blob = self.name(key)?;
        match &upload.staged {
            Staged::Nothing => self.settle(upload, &blob),
            Staged::Whole(_, version) | Staged::Sealed(version) => {
                let version = version.clone();
                self.copy(upload.with(Staged::Sealed(version.clone())), &version, &blob)
            }
            Staged::Blocks(blocks) => {
                let is_long = blocks.len() > MANY;
                let Some(version) = self.seal(&upload)? else { return self.settle(upload, &blob) };
                let upload = upload.with(Staged::Sealed(version.clone()));
                if is_long { Ok(Progress::More(upload.state())) } else { self.copy(upload, &version, &blob) }
            }
        }
    }

    /// Makes the staging blob what the upload's blocks are, and drops all others; returns its version. None: they are not there any more.
    pub(crate) fn seal(&mut self, upload: &Upload) -> Result<Option<String>> {
        let request =
            self.service.blob("PUT", &self.staging(upload), "comp=blocklist").with_header("content-type", "application/xml");
        let request = HttpRequest { body: upload.block_list().into_bytes(), ..request };
        match self.service.send(&request)? {
            Ok(answer) => version(answer.header("etag")).map(Some),
            Err(failure) if failure.code == "InvalidBlockList" || failure.is_absence() => Ok(None),
            Err(failure) => Err(failure.error("putting the blocks together")),
        }
    }

    fn copy(&mut self, upload: Upload, version: &str, blob: &str) -> Result<Progress> {
        let staging = self.staging(&upload);
        let request = self.service.blob("PUT", blob, "").with_header("x-ms-copy-source", self.service.source(&staging)?);
        let request = request.with_header("x-ms-source-if-match", version).with_header("if-none-match", "*");
        let request = match self.tier {
            None => request,
            Some(tier) => request.with_header("x-ms-access-tier", tier.name()),
        };
        for _ in 0..TRIES {
            let copied = match self.service.send_again(&request)? {
                Ok(answer) => Some(Copied::of(&answer)),
                // It was committed before, or aborted.
                Err(failure) if failure.is_absence() => return self.settle(upload, blob),
                Err(failure) if matches!(failure.status, 409 | 412) => match self.look(blob)? {
                    // A stale writer has put something else in its place.
                    None if self.look(&staging)?.is_none_or(|staged| staged.version != version) => return Err(Error::NotFound),
                    found => found.map(|found| found.copy),
                },
                Err(failure) => return Err(failure.error("copying an upload to its key")),
            };
            match copied {
                Some(Copied::Whole) => {
                    self.clean(&staging);
                    return Ok(Progress::Done);
                }
                Some(Copied::Pending) => return Ok(Progress::More(upload.state())),
                Some(Copied::Failed) => self.remove_failed(blob)?,
                // Deleted since the copy was refused.
                None => {}
            }
        }
        Err(Error::unavailable("the service does not copy the upload to its key"))
    }

    /// What a commit answers whose upload is not there.
    fn settle(&mut self, upload: Upload, blob: &str) -> Result<Progress> {
        match self.look(blob)?.map(|found| found.copy) {
            Some(Copied::Whole) => Ok(Progress::Done),
            Some(Copied::Pending) => Ok(Progress::More(upload.state())),
            Some(Copied::Failed) | None => Err(Error::NotFound),
        }
    }

    /// Takes away what a copy left that failed, unless it is another one by now.
    fn remove_failed(&mut self, blob: &str) -> Result<()> {
        let Some(found) = self.look(blob)?.filter(|found| found.copy == Copied::Failed) else { return Ok(()) };
        let request = self.service.blob("DELETE", blob, "").with_header("if-match", found.version);
        match self.service.send(&request)? {
            Err(failure) if !failure.is_absence() && failure.status != 412 => Err(failure.error("deleting a blob")),
            _ => Ok(()),
        }
    }

    /// Drops the staging blob of a commit that is done: what is left of it is no reason to call that failed.
    fn clean(&mut self, staging: &str) {
        if let Err(error) = self.remove(staging) {
            log::warn!(
                "the blob `{staging}` of an upload that is committed could not be deleted, and can be deleted by hand: {error:?}"
            );
        }
    }
}

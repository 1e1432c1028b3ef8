//! Uploads: begun, appended to, finished, cancelled. An upload belongs to one repository and to whoever began it; one request at a time
//! goes on with it; what was acknowledged survives the process.

use std::sync::Arc;

use bulkhead_oci::{Algorithm, ChunkRange, Digest, RepositoryName};
use tracing::warn;

use super::notes::{Notes, OwnedAct, detached};
use super::{Act, Occupied, Registry, RegistryError};
use crate::auth::Caller;
use crate::ports::audit::AuditAction;
use crate::ports::catalog::{Added, Advance, BlobRecord, UploadRecord};
use crate::ports::driver::ObjectKey;
use crate::ports::ids::UploadId;
use crate::ports::store::{Appended, Ended, Incoming, UploadProgress};

/// What a client says of the bytes it sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// `Content-Range`.
    pub range: Option<ChunkRange>,
    /// `Content-Length`.
    pub length: Option<u64>,
}

impl Registry {
    /// Begins an upload.
    ///
    /// # Errors
    /// [`RegistryError::Locked`], [`RegistryError::Unavailable`] or [`RegistryError::Internal`].
    pub async fn begin_upload(
        &self,
        act: Act<'_>,
        repository: &RepositoryName,
        algorithm: Algorithm,
    ) -> Result<UploadRecord, RegistryError> {
        self.check_pushed(act, repository).await?;
        let id = UploadId::random();
        let progress = self.parts.store.begin(&id, algorithm).await?;
        let upload = UploadRecord {
            id,
            repository: repository.clone(),
            actor: owner(act.caller),
            progress,
            touched: self.parts.clock.now(),
        };
        self.parts.catalog.create_upload(self.parts.id, &upload).await?;
        Ok(upload)
    }

    /// Whether a blob may be pushed to the repository. The log is told where not: it is the push that ends here.
    async fn check_pushed(&self, act: Act<'_>, repository: &RepositoryName) -> Result<(), RegistryError> {
        match self.check_writable(repository).await {
            Ok(()) => Ok(()),
            refused => self.conclude(act, AuditAction::PushBlob, repository, Notes::default(), refused).await,
        }
    }

    /// Where an upload stands.
    ///
    /// # Errors
    /// [`RegistryError::UploadUnknown`], also for an upload of another repository or of somebody else, and for one that has stood still for
    /// too long.
    pub async fn upload(&self, act: Act<'_>, repository: &RepositoryName, id: &UploadId) -> Result<UploadRecord, RegistryError> {
        let found = self.own(act, repository, id).await?;
        // One that is being written to has not stood still, though its row has not changed yet.
        let gone = |upload: &UploadRecord| self.is_expired(upload) && !self.is_busy(&upload.id);
        found.filter(|upload| !gone(upload)).ok_or(RegistryError::UploadUnknown)
    }

    /// The upload, if it is one of this repository and of this caller.
    async fn own(&self, act: Act<'_>, repository: &RepositoryName, id: &UploadId) -> Result<Option<UploadRecord>, RegistryError> {
        let found = self.parts.catalog.upload(self.parts.id, repository, id).await?;
        Ok(found.filter(|upload| upload.actor == owner(act.caller)))
    }

    /// The upload that this request holds, if its life was not over before.
    async fn held(
        &self,
        _held: &Occupied,
        act: Act<'_>,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<UploadRecord, RegistryError> {
        let found = self.own(act, repository, id).await?;
        found.filter(|upload| !self.is_expired(upload)).ok_or(RegistryError::UploadUnknown)
    }

    /// Appends a chunk. It goes on to its end even if the client goes away, so that what arrived is kept.
    ///
    /// # Errors
    /// [`RegistryError`]; after [`RegistryError::BodyEnded`] the upload stands at the last byte that arrived, after any other where it stood.
    pub async fn append_upload(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        id: &UploadId,
        chunk: Chunk,
        body: Incoming,
    ) -> Result<UploadRecord, RegistryError> {
        let occupied = self.occupy(id)?;
        let (registry, owned) = (Arc::clone(self), act.to_owned());
        let (repository, id) = (repository.clone(), id.clone());
        detached(async move {
            let upload = registry.held(&occupied, owned.act(), &repository, &id).await?;
            registry.check_pushed(owned.act(), &repository).await?;
            registry.append(&occupied, upload, chunk, body).await
        })
        .await
    }

    async fn append(
        &self,
        _held: &Occupied,
        upload: UploadRecord,
        chunk: Chunk,
        body: Incoming,
    ) -> Result<UploadRecord, RegistryError> {
        let from = upload.progress.offset;
        let promised = check_chunk(chunk, from)?;
        let most = self.parts.rules.max_blob_bytes.saturating_sub(from);
        if promised.is_some_and(|promised| promised > most) {
            return Err(self.too_large());
        }
        let appended = self.parts.store.append(&upload.progress, body, promised, most).await?;
        let Appended { progress, ended } = appended;
        if ended == Ended::TooLong {
            return Err(self.too_large());
        }
        let got = progress.offset - from;
        if let (Some(promised), Ended::Complete) = (promised, &ended)
            && promised != got
        {
            return Err(RegistryError::LengthMismatch { promised, got });
        }
        let now = self.parts.clock.now();
        if progress != upload.progress {
            match self.parts.catalog.advance_upload(self.parts.id, &upload.id, from, &progress, now).await? {
                Advance::Done => {}
                Advance::Stale => return Err(RegistryError::UploadUnknown),
            }
        }
        match ended {
            Ended::Broken(error) => Err(RegistryError::BodyEnded(error)),
            Ended::Complete | Ended::TooLong => Ok(UploadRecord { progress, touched: now, ..upload }),
        }
    }

    const fn too_large(&self) -> RegistryError {
        RegistryError::TooLarge { limit: self.parts.rules.max_blob_bytes }
    }

    /// Finishes an upload, with a last chunk or without. If the content is not what `digest` says, the upload is dropped.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn finish_upload(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        id: &UploadId,
        digest: &Digest,
        last: Option<(Chunk, Incoming)>,
    ) -> Result<BlobRecord, RegistryError> {
        let occupied = self.occupy(id)?;
        let (registry, owned) = (Arc::clone(self), act.to_owned());
        let (repository, id, digest) = (repository.clone(), id.clone(), digest.clone());
        detached(async move {
            let upload = registry.held(&occupied, owned.act(), &repository, &id).await?;
            let finished = registry.try_finish(&occupied, upload, &digest, last).await;
            registry.pushed(&owned, &repository, &digest, finished).await
        })
        .await
    }

    async fn try_finish(
        &self,
        held: &Occupied,
        upload: UploadRecord,
        digest: &Digest,
        last: Option<(Chunk, Incoming)>,
    ) -> Result<BlobRecord, RegistryError> {
        let (repository, id) = (upload.repository.clone(), upload.id.clone());
        self.check_writable(&repository).await?;
        let progress = match last {
            None => upload.progress,
            Some((chunk, body)) => self.append_last(held, upload, digest, chunk, body).await?,
        };
        self.finish(&repository, progress, digest, Some(&id)).await
    }

    /// What the log is told of a blob that was pushed, or was not to be.
    async fn pushed(
        &self,
        owned: &OwnedAct,
        repository: &RepositoryName,
        digest: &Digest,
        result: Result<BlobRecord, RegistryError>,
    ) -> Result<BlobRecord, RegistryError> {
        self.conclude(owned.act(), AuditAction::PushBlob, repository, Notes::about(digest.as_str()), result).await
    }

    /// The last chunk is made durable by the commit that follows, so the catalog need not hear of it; but a broken one is kept.
    async fn append_last(
        &self,
        held: &Occupied,
        mut upload: UploadRecord,
        digest: &Digest,
        chunk: Chunk,
        body: Incoming,
    ) -> Result<UploadProgress, RegistryError> {
        if upload.progress.offset == 0 && upload.progress.algorithm != digest.algorithm() {
            upload.progress = self.parts.store.begin(&upload.id, digest.algorithm()).await?;
        }
        Ok(self.append(held, upload, chunk, body).await?.progress)
    }

    /// A whole blob by one request.
    ///
    /// # Errors
    /// [`RegistryError`]: nothing of it is kept.
    pub async fn put_blob(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        digest: &Digest,
        length: Option<u64>,
        body: Incoming,
    ) -> Result<BlobRecord, RegistryError> {
        if length.is_some_and(|length| length > self.parts.rules.max_blob_bytes) {
            return Err(self.too_large());
        }
        let (registry, owned) = (Arc::clone(self), act.to_owned());
        let (repository, digest) = (repository.clone(), digest.clone());
        detached(async move {
            let put = registry.try_put_blob(&repository, &digest, length, body).await;
            registry.pushed(&owned, &repository, &digest, put).await
        })
        .await
    }

    async fn try_put_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        length: Option<u64>,
        body: Incoming,
    ) -> Result<BlobRecord, RegistryError> {
        self.check_writable(repository).await?;
        let store = &self.parts.store;
        let begun = store.begin(&UploadId::random(), digest.algorithm()).await?;
        let appended = match store.append(&begun, body, length, self.parts.rules.max_blob_bytes).await {
            Ok(appended) => appended,
            Err(error) => {
                self.drop_upload(&begun, None).await;
                return Err(error.into());
            }
        };
        let refused = match appended.ended {
            Ended::Complete => {
                let finished = self.finish(repository, appended.progress.clone(), digest, None).await;
                if matches!(finished, Err(RegistryError::Unavailable { .. } | RegistryError::Internal(_))) {
                    self.drop_upload(&appended.progress, None).await;
                }
                return finished;
            }
            Ended::TooLong => self.too_large(),
            Ended::Broken(error) => RegistryError::BodyEnded(error),
        };
        self.drop_upload(&appended.progress, None).await;
        Err(refused)
    }

    /// Verifies, commits, and only then lets the repository have the blob.
    async fn finish(
        &self,
        repository: &RepositoryName,
        progress: UploadProgress,
        digest: &Digest,
        upload: Option<&UploadId>,
    ) -> Result<BlobRecord, RegistryError> {
        let found = self.parts.store.digest(&progress)?;
        let key = self.blob_key(&found);
        if found.algorithm() == digest.algorithm() {
            if found != *digest {
                self.drop_upload(&progress, upload).await;
                return Err(RegistryError::DigestMismatch { expected: digest.clone(), found });
            }
            self.parts.store.commit(&progress, &key).await?;
        } else {
            self.parts.store.commit(&progress, &key).await?;
            self.check_other_algorithm(&key, progress.offset, digest, upload).await?;
        }
        let blob = BlobRecord { digest: digest.clone(), size: progress.offset, key };
        let now = self.parts.clock.now();
        match self.parts.catalog.add_blob(self.parts.id, repository, &blob, upload, now).await? {
            Added::Done => Ok(blob),
            Added::Locked(lock) => {
                // Its bytes are an object by now, which no row names: they lie unseen until they are collected.
                if let Some(id) = upload {
                    self.parts.catalog.remove_upload(self.parts.id, id).await?;
                }
                Err(lock.into())
            }
        }
    }

    /// The client names the content by another algorithm than it was hashed with on its way in: it is read again. An object that no row
    /// names is visible to nobody.
    async fn check_other_algorithm(
        &self,
        key: &ObjectKey,
        size: u64,
        digest: &Digest,
        upload: Option<&UploadId>,
    ) -> Result<(), RegistryError> {
        let found = self.parts.store.rehash(key, size, digest.algorithm()).await?;
        if found == *digest {
            return Ok(());
        }
        if let Some(id) = upload {
            self.parts.catalog.remove_upload(self.parts.id, id).await?;
        }
        Err(RegistryError::DigestMismatch { expected: digest.clone(), found })
    }

    /// Cancels an upload. No lock forbids it: nothing of it was pushed.
    ///
    /// # Errors
    /// [`RegistryError::UploadUnknown`].
    pub async fn cancel_upload(
        self: &Arc<Self>,
        act: Act<'_>,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<(), RegistryError> {
        let occupied = self.occupy(id)?;
        let (registry, owned) = (Arc::clone(self), act.to_owned());
        let (repository, id) = (repository.clone(), id.clone());
        detached(async move {
            let upload = registry.held(&occupied, owned.act(), &repository, &id).await?;
            registry.parts.catalog.remove_upload(registry.parts.id, &id).await?;
            registry.drop_upload(&upload.progress, None).await;
            Ok(())
        })
        .await
    }

    /// What is left of a refused upload goes. If that fails, it lies unseen until it is collected.
    pub(super) async fn drop_upload(&self, progress: &UploadProgress, row: Option<&UploadId>) {
        if let Some(id) = row
            && let Err(error) = self.parts.catalog.remove_upload(self.parts.id, id).await
        {
            warn!(registry = %self.parts.name, %error, "the row of a refused upload stays behind");
        }
        if let Err(error) = self.parts.store.abort(progress).await {
            warn!(registry = %self.parts.name, %error, "the bytes of a refused upload stay behind");
        }
    }
}

/// What the chunk promises, if it begins where the upload stands.
fn check_chunk(chunk: Chunk, offset: u64) -> Result<Option<u64>, RegistryError> {
    let Some(range) = chunk.range else { return Ok(chunk.length) };
    if range.start != offset {
        return Err(RegistryError::OutOfOrder { offset });
    }
    match chunk.length {
        Some(length) if length != range.len() => Err(RegistryError::LengthMismatch { promised: range.len(), got: length }),
        _ => Ok(Some(range.len())),
    }
}

/// Who alone may go on with what this caller begins. Two plugins may know different people by one name; no plugin's name has a slash.
fn owner(caller: &Caller) -> Option<String> {
    caller.identity().map(|identity| format!("{}/{}", identity.plugin, identity.subject))
}

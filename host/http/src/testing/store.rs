//! An object store in memory. Hands objects out in pieces of seven bytes.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use bulkhead_core::ports::driver::ObjectKey;
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::store::{Appended, Ended, Incoming, ObjectBody, ObjectStore, StoreError, UploadProgress};
use bulkhead_oci::{Algorithm, ByteRange, Digest};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sha2::Digest as _;

const PIECE: usize = 7;

#[derive(Default)]
pub(crate) struct MemoryStore {
    objects: Mutex<HashMap<ObjectKey, Bytes>>,
    uploads: Mutex<HashMap<String, Vec<u8>>>,
}

impl MemoryStore {
    /// Objects and uploads.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.objects.lock().unwrap().len(), self.uploads.lock().unwrap().len())
    }

    fn upload(&self, progress: &UploadProgress) -> Vec<u8> {
        let id = String::from_utf8(progress.driver.clone()).unwrap();
        self.uploads.lock().unwrap().get(&id).cloned().unwrap_or_default()
    }
}

fn hash(algorithm: Algorithm, content: &[u8]) -> Digest {
    match algorithm {
        Algorithm::Sha256 => Digest::from_bytes(algorithm, &sha2::Sha256::digest(content)).unwrap(),
        Algorithm::Sha512 => Digest::from_bytes(algorithm, &sha2::Sha512::digest(content)).unwrap(),
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn read(&self, key: &ObjectKey, _: &Digest, _: u64, range: Option<ByteRange>) -> Result<ObjectBody, StoreError> {
        let mut object = self.objects.lock().unwrap().get(key).cloned().ok_or(StoreError::NotFound)?;
        if let Some(ByteRange { offset, length }) = range {
            object = object.slice(offset as usize..(offset + length) as usize);
        }
        if object.len() <= PIECE {
            return Ok(ObjectBody::Bytes(object));
        }
        let pieces: Vec<_> = object.chunks(PIECE).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(ObjectBody::Stream(Box::pin(stream::iter(pieces))))
    }

    async fn link(&self, _: &ObjectKey, _: u32) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    async fn begin(&self, upload: &UploadId, algorithm: Algorithm) -> Result<UploadProgress, StoreError> {
        self.uploads.lock().unwrap().insert(upload.to_string(), Vec::new());
        Ok(UploadProgress { offset: 0, algorithm, hash: Vec::new(), driver: upload.to_string().into_bytes() })
    }

    async fn append(
        &self,
        progress: &UploadProgress,
        mut body: Incoming,
        _: Option<u64>,
        most: u64,
    ) -> Result<Appended, StoreError> {
        let mut content = self.upload(progress);
        content.truncate(progress.offset as usize);
        let mut ended = Ended::Complete;
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) if content.len() + piece.len() > (progress.offset + most) as usize => {
                    ended = Ended::TooLong;
                    break;
                }
                Ok(piece) => content.extend_from_slice(&piece),
                Err(error) => {
                    ended = Ended::Broken(error);
                    break;
                }
            }
        }
        let id = String::from_utf8(progress.driver.clone()).unwrap();
        let offset = content.len() as u64;
        self.uploads.lock().unwrap().insert(id, content);
        Ok(Appended { progress: UploadProgress { offset, ..progress.clone() }, ended })
    }

    fn digest(&self, progress: &UploadProgress) -> Result<Digest, StoreError> {
        Ok(hash(progress.algorithm, &self.upload(progress)))
    }

    async fn commit(&self, progress: &UploadProgress, key: &ObjectKey) -> Result<(), StoreError> {
        let content = Bytes::from(self.upload(progress));
        self.objects.lock().unwrap().insert(key.clone(), content);
        self.abort(progress).await
    }

    async fn abort(&self, progress: &UploadProgress) -> Result<(), StoreError> {
        let id = String::from_utf8(progress.driver.clone()).unwrap();
        self.uploads.lock().unwrap().remove(&id);
        Ok(())
    }

    async fn rehash(&self, key: &ObjectKey, _: u64, algorithm: Algorithm) -> Result<Digest, StoreError> {
        let object = self.objects.lock().unwrap().get(key).cloned().ok_or(StoreError::NotFound)?;
        Ok(hash(algorithm, &object))
    }
}

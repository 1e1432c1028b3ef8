//! Where things lie: the object KEY in the blob `PREFIX KEY`, the upload ID in the blob `PREFIX UPLOADS/ID` until its commit.
//!
//! Keys have no capitals, so no object can be among the uploads and no listing shows one. Nothing is remembered between calls but credentials
//! and where the last listing ended.

use bulkhead_plugin_sdk::Timestamp;
use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::{Head, HttpAnswer, Part};

use crate::failure::Failure;
use crate::listing::Marks;
use crate::name;
use crate::service::Service;
use crate::settings::{MOST_PART, Settings, Tier};
use crate::time;
use crate::upload::{MOST_BLOCKS, Staged, Upload};

/// The service sends it back with its answer: that way `written` learns what `next` had sent.
const ECHO: &str = "x-ms-client-request-id";
/// What it is for an upload that is one blob as a whole.
const WHOLE: &str = "whole";
/// So much of a block is left for new bytes at least.
const LEAST_ROOM: u64 = 1024 * 1024;

/// Block blobs of one container.
pub struct Blobs {
    pub(crate) service: Service,
    pub(crate) prefix: String,
    pub(crate) tier: Option<Tier>,
    pub(crate) marks: Marks,
    part: u64,
}

/// What the service says of a blob.
pub struct Found {
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
    pub(crate) version: String,
    pub(crate) copy: Copied,
}

/// How far the copy is that made a blob. While the service copies, the blob is there already and empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// All is there.
    Whole,
    /// It goes on.
    Pending,
    /// It ended before its end.
    Failed,
}

impl Copied {
    /// From an answer about the blob.
    pub fn of(answer: &HttpResponse) -> Self {
        match answer.header("x-ms-copy-status") {
            None | Some("success") => Self::Whole,
            Some("pending") => Self::Pending,
            Some(_) => Self::Failed,
        }
    }
}

impl Blobs {
    pub(crate) fn name(&self, key: &str) -> Result<String> {
        name::check(key)?;
        Ok(format!("{}{key}", self.prefix))
    }

    pub(crate) fn staging(&self, upload: &Upload) -> String {
        format!("{}UPLOADS/{}", self.prefix, upload.id)
    }

    /// None if there is no such blob.
    pub(crate) fn look(&mut self, blob: &str) -> Result<Option<Found>> {
        let request = self.service.blob("HEAD", blob, "");
        let answer = match self.service.send(&request)? {
            Ok(answer) => answer,
            Err(failure) if failure.is_absence() => return Ok(None),
            Err(failure) => return Err(failure.error("looking at a blob")),
        };
        let size =
            answer.header("content-length").and_then(|length| length.parse().ok()).or_internal("the service tells no size")?;
        let modified = answer.header("last-modified").and_then(time::parse_http_date).or_internal("the service tells no time")?;
        let version = version(answer.header("etag"))?;
        Ok(Some(Found { size, modified, version, copy: Copied::of(&answer) }))
    }

    /// A request to delete a blob with all that hangs on it.
    pub(crate) fn removal(&self, blob: &str) -> HttpRequest {
        self.service.blob("DELETE", blob, "").with_header("x-ms-delete-snapshots", "include")
    }

    /// Gone when it returns; no error if it was not there.
    pub(crate) fn remove(&mut self, blob: &str) -> Result<()> {
        let request = self.removal(blob);
        match self.service.send(&request)? {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_absence() => Ok(()),
            Err(failure) => Err(failure.error("deleting a blob")),
        }
    }

    /// A block of the staging blob.
    fn block(&mut self, upload: &Upload) -> Result<HttpRequest> {
        let (blob, id) = (self.staging(upload), upload.next_block());
        let request = self.service.blob("PUT", &blob, &format!("comp=block&blockid={id}")).with_header(ECHO, id);
        self.service.part(&blob, request)
    }

    /// The staging blob as a whole.
    fn whole(&mut self, upload: &Upload) -> Result<HttpRequest> {
        let blob = self.staging(upload);
        let request = self.service.blob("PUT", &blob, "").with_header(ECHO, WHOLE).with_header("x-ms-blob-type", "BlockBlob");
        self.service.part(&blob, request)
    }

    /// What the staging blob has as a whole.
    fn head(&mut self, upload: &Upload, length: u64, version: &str) -> Result<Head> {
        let request = self.service.blob("GET", &self.staging(upload), "").with_header("if-match", version);
        Ok(Head { request: self.service.authorize(request)?, length })
    }
}

impl Plugin for Blobs {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        settings.check()?;
        let service = Service::new(&settings)?;
        let Settings { prefix, part_bytes: part, access_tier: tier, .. } = settings;
        Ok(Self { service, prefix, tier, marks: Marks::default(), part })
    }
}

impl Storage for Blobs {
    fn open(&mut self, key: &str, range: Option<ByteRange>) -> Result<Source> {
        let request = self.service.blob("GET", &self.name(key)?, "");
        let request = match range {
            None => request,
            Some(range) if range.length == 0 => return Err(Error::invalid("a range has at least one byte")),
            Some(range) => request.with_header("range", format!("bytes={}-{}", range.offset, range.end() - 1)),
        };
        Ok(Source::Http(self.service.authorize(request)?))
    }

    fn stat(&mut self, key: &str) -> Result<Option<ObjectInfo>> {
        let found = self.look(&self.name(key)?)?.filter(|found| found.copy == Copied::Whole);
        Ok(found.map(|found| ObjectInfo { key: key.to_owned(), size: found.size, modified: found.modified }))
    }

    fn delete(&mut self, keys: &[String]) -> Result<()> {
        let blobs = keys.iter().map(|key| self.name(key)).collect::<Result<Vec<_>>>()?;
        self.remove_all(&blobs)
    }

    fn list(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<ObjectInfo>> {
        self.objects(prefix, after, limit as usize)
    }

    fn link(&mut self, key: &str, seconds: u32) -> Result<Option<String>> {
        self.service.link(&self.name(key)?, seconds)
    }

    fn begin(&mut self, upload: &str) -> Result<Vec<u8>> {
        Ok(Upload::new(upload)?.state())
    }

    fn next(&mut self, state: &[u8], _offset: u64, _length: Option<u64>) -> Result<Sink> {
        let upload = Upload::parse(state)?;
        let most = upload.part(self.part);
        let request = self.block(&upload)?;
        Ok(Sink::Http(match &upload.staged {
            Staged::Nothing => Part { request, most, short: Some(self.whole(&upload)?), head: None },
            Staged::Whole(length, version) => {
                let most = most.max(length + LEAST_ROOM).min(MOST_PART);
                Part { request, most, short: None, head: Some(self.head(&upload, *length, version)?) }
            }
            Staged::Blocks(nonces) if nonces.len() < MOST_BLOCKS => Part { request, most, short: None, head: None },
            Staged::Blocks(_) => return Err(Error::invalid(format!("an upload has at most {MOST_BLOCKS} parts"))),
            Staged::Sealed(_) => return Err(Error::invalid("this upload is being committed: nothing can follow")),
        }))
    }

    fn written(&mut self, state: Vec<u8>, length: u64, receipt: Receipt) -> Result<Vec<u8>> {
        let upload = Upload::parse(&state)?;
        let Receipt::Http(answer) = receipt else { return Err(Error::invalid("a part has an answer")) };
        if length == 0 && upload.staged != Staged::Nothing {
            // The service takes no empty block, and none is needed.
            return Ok(state);
        }
        if answer.status != 201 {
            let failure = Failure::of_part(&answer);
            if failure.is_refusal() {
                self.service.refused();
            }
            return Err(failure.error("writing a part"));
        }
        Ok(acknowledge(upload, length, &answer)?.state())
    }

    fn commit(&mut self, state: &[u8], key: &str) -> Result<Progress> {
        self.publish(Upload::parse(state)?, key)
    }

    fn abort(&mut self, state: &[u8]) -> Result<()> {
        let upload = Upload::parse(state)?;
        // An empty list drops the blocks, which a delete alone may leave there for a week.
        self.seal(&upload.clone().with(Staged::Nothing))?;
        self.remove(&self.staging(&upload))
    }
}

/// The upload with what a request has written, as the answer says.
fn acknowledge(upload: Upload, length: u64, answer: &HttpAnswer) -> Result<Upload> {
    let echo = answer.header(ECHO).or_internal("the service does not send `x-ms-client-request-id` back")?;
    let staged = match &upload.staged {
        Staged::Nothing if echo == WHOLE => Staged::Whole(length, version(answer.header("etag"))?),
        staged => {
            let nonce = upload.nonce(echo).or_invalid("this is the answer to another part")?;
            let mut nonces = if let Staged::Blocks(nonces) = staged { nonces.clone() } else { Vec::new() };
            nonces.push(nonce);
            Staged::Blocks(nonces)
        }
    };
    Ok(upload.with(staged))
}

/// A blob's version, as its `etag` is.
pub fn version(etag: Option<&str>) -> Result<String> {
    etag.map(str::to_owned).or_internal("the service tells no version of the blob")
}

//! The way of an upload's bytes: to a file, into the body of an HTTP request, into a guest, or to a layer below, unchanged or encoded.

use std::sync::Arc;

use bulkhead_core::ports::driver::{BelowSlice, BelowUpload, ByteSource, Encoded, PartSink, Receipt, Sink};
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_core::ports::store::{BodyError, Ended, Incoming, StoreError, UploadProgress};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use tokio::sync::mpsc;

use crate::dataplane::write::{self, Hashing, Intake, Taken};
use crate::stack::Stack;
use crate::trace::{Bottom, Claim, FileIdentity, Traces};

/// Encoded pieces that wait for the layer below.
const WAITING: usize = 2;

/// Notes which file an upload's bytes go to, on whatever level, as long as they go there unchanged.
pub(crate) struct Tracing<'a> {
    pub(crate) traces: &'a Traces,
    pub(crate) before: &'a UploadProgress,
    pub(crate) claim: Option<Claim>,
}

/// Bytes on their way.
pub(crate) struct Moving<'a> {
    pub(crate) intake: &'a mut Intake,
    pub(crate) hashing: &'a mut Hashing,
    pub(crate) tracing: Option<Tracing<'a>>,
}

/// What one sink took.
pub(crate) struct Step {
    pub(crate) state: Vec<u8>,
    pub(crate) written: u64,
    /// How the body ended, if it did.
    pub(crate) ended: Option<Ended>,
    /// Where the bytes went in the end.
    pub(crate) bottom: Bottom,
}

fn writing(error: std::io::Error) -> StoreError {
    StoreError::Io { doing: "writing an upload's file", reason: error.to_string() }
}

impl Stack {
    /// One sink's worth of a body, at most `room` bytes; `length` are still to come, where that is known.
    pub(crate) fn append_once<'a>(
        self: &'a Arc<Self>,
        state: &'a [u8],
        offset: u64,
        length: Option<u64>,
        room: u64,
        moving: &'a mut Moving<'_>,
    ) -> BoxFuture<'a, Result<Step, StoreError>> {
        Box::pin(async move {
            let sink = self.driver.next(state, offset, length).await?;
            let mut old = state.to_vec();
            let mut bottom = Bottom::Elsewhere;
            let (written, ended, receipt) = match sink {
                Sink::File { file, offset: at } => {
                    if at != offset {
                        return Err(self.driver.nonsense("next", format!("offset {at} for the bytes from {offset} on")));
                    }
                    if let Some(tracing) = &mut moving.tracing {
                        let identity = FileIdentity::of(&file).map_err(writing)?;
                        tracing.claim = Some(tracing.traces.claim(tracing.before, identity));
                    }
                    let (written, ended) =
                        write::to_file(file, offset, room, moving.hashing, moving.intake).await.map_err(writing)?;
                    bottom = Bottom::File;
                    (written, ended, Receipt::None)
                }
                Sink::Part(part) => self.to_part(&*part, room, moving).await?,
                Sink::Bytes(most) => {
                    let (written, ended) = self.to_guest(&mut old, offset, most, room, moving).await?;
                    (written, ended, Receipt::None)
                }
                Sink::Below(upload) => {
                    let (taking, below) = self.to_below(upload, length, room, moving).await?;
                    bottom = below;
                    taking
                }
                Sink::Encoded(encoded) => self.to_encoded(encoded, offset, room, moving).await?,
            };
            let state = self.driver.written(&old, written, receipt).await?;
            Ok(Step { state, written, ended, bottom })
        })
    }

    /// A body to its end, or up to `room` bytes.
    pub(crate) async fn append_all(
        self: &Arc<Self>,
        state: Vec<u8>,
        offset: u64,
        length: Option<u64>,
        room: u64,
        moving: &mut Moving<'_>,
    ) -> Result<Step, StoreError> {
        let mut all = Step { state, written: 0, ended: None, bottom: Bottom::Elsewhere };
        while all.ended.is_none() && all.written < room {
            let left = length.map(|length| length.saturating_sub(all.written));
            let step = self.append_once(&all.state, offset + all.written, left, room - all.written, moving).await?;
            all = Step { written: all.written + step.written, ..step };
        }
        Ok(all)
    }

    /// The next part is on its way from the client while this one is on its way to the service.
    async fn to_part(&self, part: &dyn PartSink, room: u64, moving: &mut Moving<'_>) -> Result<Taking, StoreError> {
        let room = part.room().min(room);
        let (pieces, ended) = write::gather(room, moving.hashing, moving.intake).await.map_err(writing)?;
        let written = pieces.iter().map(|piece| piece.len() as u64).sum();
        let sending = part.send(pieces);
        let answer = match &ended {
            Some(_) => sending.await,
            None => {
                let mut sending = std::pin::pin!(sending);
                tokio::select! {
                    answer = &mut sending => answer,
                    () = moving.intake.prefetch(room / 2) => sending.await,
                }
            }
        };
        let answer = answer.map_err(|error| self.driver.fault("write", error))?;
        Ok((written, ended, Receipt::Http(answer)))
    }

    async fn to_guest(
        &self,
        state: &mut Vec<u8>,
        offset: u64,
        most: u32,
        room: u64,
        moving: &mut Moving<'_>,
    ) -> Result<(u64, Option<Ended>), StoreError> {
        let mut written = 0;
        loop {
            let (piece, ended) = match moving.intake.next((room - written).min(u64::from(most))).await {
                Taken::Piece(piece) => (piece, None),
                Taken::Last(piece, ended) => (piece, Some(ended)),
            };
            moving.hashing.feed(&piece).await.map_err(writing)?;
            // Without a byte too: what lies behind `offset` is cut away.
            if !piece.is_empty() || written == 0 {
                *state = self.driver.write(state, offset + written, &piece).await?;
                written += piece.len() as u64;
            }
            if ended.is_some() || written == room {
                return Ok((written, ended));
            }
        }
    }

    async fn to_below(
        &self,
        upload: BelowUpload,
        length: Option<u64>,
        room: u64,
        moving: &mut Moving<'_>,
    ) -> Result<(Taking, Bottom), StoreError> {
        let BelowUpload { layer, mut state, mut offset, most, head } = upload;
        let below = self.layer(&layer)?;
        if let Some(head) = head {
            let step = self.put_head(below, state, offset, &head).await?;
            (state, offset) = (step.state, offset + step.written);
        }
        let room = most.map_or(room, |most| most.min(room));
        let length = length.map(|length| length.min(room));
        let step = below.append_all(state, offset, length, room, moving).await?;
        let receipt = Receipt::Below { state: step.state, offset: offset + step.written, carry: Vec::new() };
        Ok(((step.written, step.ended, receipt), step.bottom))
    }

    /// What goes ahead of an upload's new bytes.
    async fn put_head(&self, below: &Arc<Self>, state: Vec<u8>, offset: u64, head: &BelowSlice) -> Result<Step, StoreError> {
        let source = self.layer(&head.layer)?;
        let length = match head.range {
            Some(range) => Some(range.length),
            None => source.driver.stat(&head.key).await?.map(|info| info.size),
        };
        let opened = source.open(&head.key, head.range, length).await?;
        let step = below.append_source(state, offset, length, opened.into_source(&self.buffers)).await?;
        if length.is_some_and(|length| length != step.written) {
            return Err(self.driver.nonsense("next", format!("{} bytes ahead of an upload, not {length:?}", step.written)));
        }
        Ok(step)
    }

    async fn append_source(
        self: &Arc<Self>,
        state: Vec<u8>,
        offset: u64,
        length: Option<u64>,
        source: Box<dyn ByteSource>,
    ) -> Result<Step, StoreError> {
        let mut intake = Intake::new(&self.buffers, incoming(source), u64::MAX);
        let mut moving = Moving { intake: &mut intake, hashing: &mut Hashing::none(), tracing: None };
        let step = self.append_all(state, offset, length, u64::MAX, &mut moving).await?;
        match step.ended {
            Some(Ended::Complete) | None => Ok(step),
            Some(Ended::Broken(error)) => {
                let error =
                    PluginError::Unavailable { reason: format!("what goes ahead of an upload: {error}"), retry_after: None };
                Err(self.driver.fault("write", error))
            }
            Some(Ended::TooLong) => Err(self.driver.nonsense("write", "what goes ahead of an upload is too long".to_owned())),
        }
    }

    /// Bytes that are all there.
    pub(crate) async fn append_bytes(self: &Arc<Self>, state: &[u8], offset: u64, bytes: Bytes) -> Result<Vec<u8>, StoreError> {
        let length = bytes.len() as u64;
        let body: Incoming = Box::pin(stream::iter([Ok(bytes)]));
        let mut intake = Intake::new(&self.buffers, body, u64::MAX);
        let mut moving = Moving { intake: &mut intake, hashing: &mut Hashing::none(), tracing: None };
        Ok(self.append_all(state.to_vec(), offset, Some(length), u64::MAX, &mut moving).await?.state)
    }

    /// The guest encodes the next piece while the one before is on its way below.
    async fn to_encoded(&self, encoded: Encoded, offset: u64, room: u64, moving: &mut Moving<'_>) -> Result<Taking, StoreError> {
        let Encoded { into, piece, context, mut carry } = encoded;
        let below = self.layer(&into.layer)?;
        let (sender, receiver) = mpsc::channel::<Result<Bytes, BodyError>>(WAITING);
        let encode = async {
            let mut written = 0;
            loop {
                let (bytes, ended) = moving.intake.exactly((room - written).min(u64::from(piece)) as usize).await;
                moving.hashing.feed(&bytes).await.map_err(writing)?;
                if !bytes.is_empty() {
                    let made = self.driver.encode(&context, offset + written, &carry, &bytes).await?;
                    carry = made.carry;
                    written += bytes.len() as u64;
                    // Whoever takes them no more says why.
                    if !made.bytes.is_empty() && sender.send(Ok(made.bytes)).await.is_err() {
                        return Ok((written, ended, carry));
                    }
                }
                if ended.is_some() || written == room {
                    drop(sender);
                    return Ok((written, ended, carry));
                }
            }
        };
        let store = async {
            let body = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) });
            let mut intake = Intake::new(&self.buffers, Box::pin(body), u64::MAX);
            let mut moving = Moving { intake: &mut intake, hashing: &mut Hashing::none(), tracing: None };
            below.append_all(into.state, into.offset, None, u64::MAX, &mut moving).await
        };
        let (encoded, stored) = tokio::join!(encode, store);
        let (stored, (written, ended, carry)): (Step, (u64, Option<Ended>, Vec<u8>)) = (stored?, encoded?);
        let receipt = Receipt::Below { state: stored.state, offset: into.offset + stored.written, carry };
        Ok((written, ended, receipt))
    }
}

/// Bytes taken, how the body ended if it did, and what the driver is told.
type Taking = (u64, Option<Ended>, Receipt);

/// A source as a body.
pub(crate) fn incoming(source: Box<dyn ByteSource>) -> Incoming {
    Box::pin(stream::unfold(Some(source), |source| async {
        let mut source = source?;
        match source.read(u32::MAX).await {
            Ok(piece) if piece.is_empty() => None,
            Ok(piece) => Some((Ok(piece), Some(source))),
            Err(error) => Some((Err(BodyError::Broken(error.to_string())), None)),
        }
    }))
}

//! Bodies on their way in: a stream with a deadline for each wait. On their way out: `outgoing` and `multipart`.
//!
//! Never holds more than a piece of a body, except where [`ClientBody::read`] is given a bound.

mod multipart;
mod outgoing;

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bulkhead_core::ports::store::{BodyError, Incoming};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::error::ApiError;

pub(crate) use multipart::{Multipart, multipart};
pub(crate) use outgoing::outgoing;

/// What is still read of a body that nobody wants, so that the client gets to the answer: a client that is cut off while it sends
/// may never see it. What comes after that is cut off.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(10);
/// A body that is read whole (a form, a manifest) has come by then, however little the client is ever silent.
const WHOLE: Duration = Duration::from_secs(120);

/// How a client means to send its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// At once.
    Now,
    /// After it was told to go on (`Expect: 100-continue`), which happens at the first read.
    WhenTold,
}

/// A request's body. Whatever of it is left when this is dropped is read and thrown away, within a bound.
pub(crate) struct ClientBody {
    /// None: at its end.
    body: Option<Body>,
    sending: Sending,
    idle: Duration,
    /// Runs while `waiting`.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl ClientBody {
    /// A body whose sender may be silent for `idle`.
    pub(crate) fn new<B>(body: B, sending: Sending, idle: Duration) -> Self
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let body = if body.is_end_stream() { None } else { Some(Body::new(body)) };
        Self { body, sending, idle, timer: None, waiting: false }
    }

    /// How long it is, where that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        self.body.as_ref().map_or(Some(0), |body| HttpBody::size_hint(body).exact())
    }

    /// As the core takes it.
    pub(crate) fn into_incoming(self) -> Incoming {
        Box::pin(self)
    }

    /// All of it, if it is no longer than `limit`. A length that is over it is refused unread.
    ///
    /// # Errors
    /// 413, or what [`BodyError`] means.
    pub(crate) async fn read(self, limit: usize) -> Result<Bytes, ApiError> {
        timeout(WHOLE, self.read_whole(limit)).await.unwrap_or_else(|_| Err(BodyError::Stalled.into()))
    }

    async fn read_whole(mut self, limit: usize) -> Result<Bytes, ApiError> {
        let too_large = || ApiError::too_large(limit as u64);
        if self.length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let first = match self.next().await {
            None => return Ok(Bytes::new()),
            Some(piece) => piece?,
        };
        if first.len() > limit {
            return Err(too_large());
        }
        // Nearly every manifest is one piece, and is then not copied.
        let Some(second) = self.next().await else { return Ok(first) };
        let mut whole = BytesMut::from(first);
        let mut piece = second?;
        loop {
            if piece.len() > limit - whole.len() {
                return Err(too_large());
            }
            whole.extend_from_slice(&piece);
            match self.next().await {
                None => return Ok(whole.freeze()),
                Some(next) => piece = next?,
            }
        }
    }

    fn ended(&mut self, error: BodyError) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.body = None;
        Poll::Ready(Some(Err(error)))
    }

    /// Whether the client has been silent for too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.idle)));
        if !self.waiting {
            timer.as_mut().reset(Instant::now() + self.idle);
            self.waiting = true;
        }
        timer.as_mut().poll(cx)
    }
}

impl Stream for ClientBody {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.sending = Sending::Now;
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.waiting = false;
                    // Trailers are of no use here.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => return self.ended(BodyError::Broken(error.to_string())),
                Poll::Ready(None) => {
                    self.body = None;
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    std::task::ready!(self.poll_silence(cx));
                    return self.ended(BodyError::Stalled);
                }
            }
        }
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        let Some(body) = self.body.take() else { return };
        // A client that waits to be told has sent nothing, and reading would tell it to.
        if body.is_end_stream() || self.sending == Sending::WhenTold {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(timeout(DRAIN_TIME, drain(body, DRAIN_BYTES)));
        }
    }
}

async fn drain(mut body: Body, mut most: usize) {
    while let Some(Ok(frame)) = body.frame().await {
        match most.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(left) => most = left,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests;

//! Bytes that lie behind HTTP: a granted origin's answer as a source, a request's body as a sink. They never pass through the guest.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::ports::driver::{ByteSink, ByteSource, HttpAnswer, Passage};
use bulkhead_core::ports::event::HttpRequest;
use bulkhead_core::ports::plugin::PluginError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Response, StatusCode};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::nonsense;
use crate::net::{Client, SendError, headers_of, reason, status_error};
use crate::spec::HttpGrant;

/// Pieces of a body that wait for the connection; a sink that is full waits too.
const QUEUE: usize = 2;
/// The longest piece that a sink takes at once, so that the queue is bounded in bytes too.
const MAX_PIECE_BYTES: usize = 1024 * 1024;

fn away<T>(reason: impl Into<String>) -> Result<T, PluginError> {
    Err(PluginError::Unavailable { reason: reason.into(), retry_after: None })
}

/// On whose behalf, and how patiently, a request is sent.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) client: &'a Client,
    pub(super) grant: &'a HttpGrant,
    /// The longest wait for the beginning of an answer, and for each further piece in either direction.
    pub(super) idle: Duration,
}

/// The body of an answer.
pub(super) struct HttpSource {
    response: Response,
    rest: Bytes,
    idle: Duration,
}

impl HttpSource {
    /// Sends the request; its answer has begun when this returns.
    pub(super) async fn open(sender: Sender<'_>, request: HttpRequest) -> Result<Self, PluginError> {
        let idle = sender.idle;
        let ranged = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("range"));
        let response = sender.client.open(sender.grant, request, None, Instant::now() + idle).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            // The whole in place of a range would be handed out as if it were the range.
            StatusCode::OK if ranged => return nonsense("the storage answered a request for a range with the whole"),
            StatusCode::OK => {}
            status => return Err(status_error(status, response.headers())),
        }
        Ok(Self { response, rest: Bytes::new(), idle })
    }
}

#[async_trait]
impl ByteSource for HttpSource {
    fn passage(&self) -> Passage {
        Passage::Host
    }

    async fn read(&mut self, most: u32) -> Result<Bytes, PluginError> {
        while self.rest.is_empty() {
            match timeout(self.idle, self.response.chunk()).await {
                Ok(Ok(Some(piece))) => self.rest = piece,
                Ok(Ok(None)) => return Ok(Bytes::new()),
                Ok(Err(error)) => return away(format!("the storage's answer broke off: {}", reason(error))),
                Err(_) => return away("the storage sent nothing for too long"),
            }
        }
        let most = usize::try_from(most.max(1)).unwrap_or(usize::MAX);
        Ok(self.rest.split_to(self.rest.len().min(most)))
    }
}

/// The body of a request under way.
pub(super) struct HttpSink {
    /// None once all of the body was handed over.
    body: Option<mpsc::Sender<Bytes>>,
    answer: AbortOnDropHandle<Result<Response, SendError>>,
    idle: Duration,
}

impl HttpSink {
    /// Begins the request, with `Content-Length` where `length` is known. A request that may not be sent is refused here.
    pub(super) fn open(sender: Sender<'_>, request: HttpRequest, length: Option<u64>) -> Result<Self, PluginError> {
        Client::check(sender.grant, &request)?;
        let (idle, client, grant) = (sender.idle, sender.client.clone(), sender.grant.clone());
        let (pieces, receiver) = mpsc::channel(QUEUE);
        let body = reqwest::Body::wrap(Streamed { receiver, left: length });
        let answer = tokio::spawn(async move {
            // The body's own waits are bounded piece by piece, so the request as a whole is not.
            let never = Instant::now() + Duration::from_secs(7 * 24 * 3600);
            client.open(&grant, request, Some(body), never).await
        });
        Ok(Self { body: Some(pieces), answer: AbortOnDropHandle::new(answer), idle })
    }

    async fn answer(&mut self) -> Result<Response, PluginError> {
        match timeout(self.idle, &mut self.answer).await {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(error)) => away(format!("the host's own work was interrupted: {error}")),
            Err(_) => away("the storage did not answer in time"),
        }
    }
}

#[async_trait]
impl ByteSink for HttpSink {
    async fn write(&mut self, bytes: Bytes) -> Result<(), PluginError> {
        let mut pieces: VecDeque<Bytes> = VecDeque::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            pieces.push_back(rest.split_to(rest.len().min(MAX_PIECE_BYTES)));
        }
        for piece in pieces {
            let Some(body) = &self.body else { return away("the request has ended before") };
            match timeout(self.idle, body.send(piece)).await {
                Ok(Ok(())) => {}
                Err(_) => return away("the storage took nothing for too long"),
                // The request has ended while its body was still coming.
                Ok(Err(_)) => {
                    self.body = None;
                    let answer = self.answer().await?;
                    return match answer.status() {
                        status if status.is_success() => away("the storage answered before it had the whole body"),
                        status => Err(status_error(status, answer.headers())),
                    };
                }
            }
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<Option<HttpAnswer>, PluginError> {
        if self.body.take().is_none() {
            return away("the request has ended before");
        }
        let answer = self.answer().await?;
        Ok(Some(HttpAnswer { status: answer.status().as_u16(), headers: headers_of(answer.headers()) }))
    }
}

/// A body whose pieces come over a channel.
struct Streamed {
    receiver: mpsc::Receiver<Bytes>,
    /// Bytes still to come, where that is known.
    left: Option<u64>,
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = &mut *self;
        this.receiver.poll_recv(context).map(|piece| match (piece, &mut this.left) {
            (Some(piece), None) => Some(Ok(Frame::data(piece))),
            (Some(piece), Some(left)) => match left.checked_sub(piece.len() as u64) {
                Some(rest) => {
                    *left = rest;
                    Some(Ok(Frame::data(piece)))
                }
                None => Some(Err(std::io::Error::other("more bytes came than were announced"))),
            },
            (None, None | Some(0)) => None,
            (None, Some(_)) => Some(Err(std::io::Error::other("fewer bytes came than were announced"))),
        })
    }

    fn is_end_stream(&self) -> bool {
        // A body of a known length has ended with its last byte; the connection must not wait for the channel to close.
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests;

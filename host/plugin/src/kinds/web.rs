//! Bytes that lie behind HTTP: a granted origin's answer as a source, a request's body as a sink. They never pass through the guest.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bulkhead_core::ports::driver::{ByteSource, HttpAnswer, MAX_PART_BYTES, PartSink};
use bulkhead_core::ports::event::HttpRequest;
use bulkhead_core::ports::plugin::PluginError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use super::nonsense;
use crate::net::{Client, headers_of, reason, status_error};
use crate::spec::HttpGrant;

/// What a service takes at least in a second, in bytes.
const LEAST_RATE: u64 = 1024 * 1024;
/// How often what goes ahead of a part is asked for.
const HEAD_TRIES: u32 = 3;
/// Pieces of an answer that nobody wants to know; one with more loses its connection.
const MAX_DRAINED: usize = 16;

fn away<T>(reason: impl Into<String>) -> Result<T, PluginError> {
    Err(PluginError::Unavailable { reason: reason.into(), retry_after: None })
}

/// On whose behalf, and how patiently, a request is sent.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) grant: HttpGrant,
    /// The longest wait for the beginning of an answer, and for each further piece of it.
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
    pub(super) async fn open(sender: &Sender, request: HttpRequest) -> Result<Self, PluginError> {
        let ranged = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("range"));
        let body = Bytes::from(request.body);
        let request = HttpRequest { body: Vec::new(), ..request };
        let response = sender.client.open(&sender.grant, &request, || body.clone().into(), sender.idle).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            // The whole in place of a range would be handed out as if it were the range.
            StatusCode::OK if ranged => return nonsense("the storage answered a request for a range with the whole"),
            StatusCode::OK => {}
            status => return Err(status_error(status, response.headers())),
        }
        Ok(Self { response, rest: Bytes::new(), idle: sender.idle })
    }
}

#[async_trait]
impl ByteSource for HttpSource {
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

/// Bytes that lie at the service already and go ahead of the new ones.
pub(super) struct Head {
    pub(super) request: HttpRequest,
    pub(super) length: u64,
}

/// A request whose body is gathered first.
pub(super) struct HttpPart {
    pub(super) sender: Sender,
    /// For a part that is full.
    pub(super) request: HttpRequest,
    /// For one that is not; none: the same.
    pub(super) short: Option<HttpRequest>,
    pub(super) head: Option<Head>,
    /// The body's bytes in a full part.
    pub(super) most: u64,
}

impl HttpPart {
    /// Checks it, so that a request that may not be sent takes no bytes.
    pub(super) fn checked(self) -> Result<Self, PluginError> {
        let ahead = self.head.as_ref().map_or(0, |head| head.length);
        if !(1..=MAX_PART_BYTES).contains(&self.most) || ahead >= self.most {
            return nonsense(format!("a part of {} bytes with {ahead} ahead: 1 to {MAX_PART_BYTES}", self.most));
        }
        let head = self.head.as_ref().map(|head| &head.request);
        for request in [Some(&self.request), self.short.as_ref(), head].into_iter().flatten() {
            Client::check(&self.sender.grant, request)?;
        }
        Ok(self)
    }

    /// Again where the answer breaks off: it is small, and nothing was sent yet.
    async fn read_head(&self) -> Result<VecDeque<Bytes>, PluginError> {
        let Some(head) = &self.head else { return Ok(VecDeque::new()) };
        let mut tries = 1;
        loop {
            match head.read(&self.sender).await {
                Err(PluginError::Unavailable { .. }) if tries < HEAD_TRIES => tries += 1,
                read => return read,
            }
        }
    }
}

impl Head {
    async fn read(&self, sender: &Sender) -> Result<VecDeque<Bytes>, PluginError> {
        let mut source = HttpSource::open(sender, self.request.clone()).await?;
        let (mut pieces, mut length) = (VecDeque::new(), 0);
        while length <= self.length {
            let piece = source.read(u32::MAX).await?;
            if piece.is_empty() {
                break;
            }
            length += piece.len() as u64;
            pieces.push_back(piece);
        }
        if length == self.length { Ok(pieces) } else { nonsense(format!("what goes ahead is not {} bytes long", self.length)) }
    }
}

#[async_trait]
impl PartSink for HttpPart {
    fn room(&self) -> u64 {
        self.most - self.head.as_ref().map_or(0, |head| head.length)
    }

    async fn send(&self, pieces: Vec<Bytes>) -> Result<HttpAnswer, PluginError> {
        let mut body = self.read_head().await?;
        body.extend(pieces);
        let length: u64 = body.iter().map(|piece| piece.len() as u64).sum();
        let request = self.short.as_ref().filter(|_| length < self.most).unwrap_or(&self.request);
        let patience = self.sender.idle + Duration::from_secs(length / LEAST_RATE);
        let make = || match length {
            0 => reqwest::Body::from(Bytes::new()),
            _ => reqwest::Body::wrap(Gathered { pieces: body.clone(), left: length }),
        };
        let mut answer = self.sender.client.open(&self.sender.grant, request, make, patience).await?;
        let (status, headers) = (answer.status(), headers_of(answer.headers()));
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(status_error(status, answer.headers()));
        }
        drain(&mut answer, self.sender.idle).await;
        Ok(HttpAnswer { status: status.as_u16(), headers })
    }
}

/// Reads an answer to its end, within reason, so that the connection serves again.
async fn drain(answer: &mut Response, idle: Duration) {
    for _ in 0..MAX_DRAINED {
        match timeout(idle, answer.chunk()).await {
            Ok(Ok(Some(_))) => {}
            _ => return,
        }
    }
}

/// A body whose pieces are all there.
struct Gathered {
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl Body for Gathered {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let piece = self.pieces.pop_front();
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests;

//! Objects as the bodies of answers: exactly as many bytes as were promised, or a connection that ends early, which every client notices.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bulkhead_core::ports::store::{ObjectBody, Outgoing, StoreError};
use bulkhead_core::registry::RegistryError;
use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::error::ApiError;

/// An object as an answer's body, of exactly `length` bytes.
///
/// # Errors
/// 500 if the store has it all at once, and it is of another length.
pub(crate) fn outgoing(object: ObjectBody, length: u64, request_id: &Arc<str>) -> Result<Body, ApiError> {
    match object {
        ObjectBody::Bytes(bytes) if bytes.len() as u64 == length => Ok(Body::from(bytes)),
        ObjectBody::Bytes(bytes) => {
            Err(ApiError::internal(format!("the store gave {} bytes where {length} were asked for", bytes.len())))
        }
        ObjectBody::Stream(_) => Ok(Promised::body(Exactly::new(object, length), length, request_id)),
    }
}

/// Why an answer could not be finished. For the log alone.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("the store gave more than it has")]
    More,
    #[error("the store gave less than it has")]
    Less,
}

/// An object's bytes, of which there must be exactly so many.
pub(super) struct Exactly {
    stream: Outgoing,
    left: u64,
}

impl Exactly {
    pub(super) fn new(object: ObjectBody, length: u64) -> Self {
        let stream = match object {
            ObjectBody::Bytes(bytes) => Box::pin(stream::iter([Ok(bytes)])),
            ObjectBody::Stream(stream) => stream,
        };
        Self { stream, left: length }
    }
}

impl Stream for Exactly {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(self.stream.as_mut().poll_next(cx)) {
            Some(Ok(piece)) => match self.left.checked_sub(piece.len() as u64) {
                Some(left) => {
                    self.left = left;
                    Some(Ok(piece))
                }
                None => Some(Err(Fault::More)),
            },
            Some(Err(error)) => Some(Err(error.into())),
            None if self.left > 0 => Some(Err(Fault::Less)),
            None => None,
        })
    }
}

/// A stream whose length the client has been told.
pub(super) struct Promised<S> {
    stream: S,
    left: u64,
    request_id: Arc<str>,
}

impl<S: Stream<Item = Result<Bytes, Fault>> + Unpin + Send + 'static> Promised<S> {
    /// `stream` gives exactly `length` bytes, or fails.
    pub(super) fn body(stream: S, length: u64, request_id: &Arc<str>) -> Body {
        Body::new(Self { stream, left: length, request_id: Arc::clone(request_id) })
    }
}

/// An answer that cannot be finished: the connection ends. Why is in the log.
#[derive(Debug, thiserror::Error)]
#[error("the answer could not be finished")]
pub(super) struct CutOff;

impl<S: Stream<Item = Result<Bytes, Fault>> + Unpin> HttpBody for Promised<S> {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
            Some(Ok(piece)) => {
                self.left = self.left.saturating_sub(piece.len() as u64);
                Some(Ok(Frame::data(piece)))
            }
            Some(Err(fault)) => {
                tracing::error!(request_id = %self.request_id, missing = self.left, cause = %fault, "an answer was cut off");
                Some(Err(CutOff))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

//! A copy for a cache, made of what a client reads while it reads it. It becomes visible only if every byte came and the digest is right; a
//! client that goes away, or a cache that fails, leaves none. A read never fails because of its copy.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bulkhead_core::ports::driver::{LayerName, ObjectKey};
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::ports::store::{BodyError, ObjectBody, Outgoing, StoreError};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use crate::append::Moving;
use crate::dataplane::write::{Hashing, Intake};
use crate::guard::GuardedDriver;
use crate::stack::{CopyTo, Stack};

/// The most copies under way at once; what is read beyond them is not copied.
const MOST: usize = 16;
/// Pieces that wait for the cache: a client reads as fast as its cache writes.
const WAITING: usize = 2;
/// How long it may take for a piece.
const PATIENCE: Duration = Duration::from_secs(2);

/// The copies under way.
#[derive(Clone, Default)]
pub(crate) struct Copies(Arc<Mutex<HashSet<(LayerName, ObjectKey)>>>);

/// One of them, until it is dropped.
struct Turn {
    copies: Copies,
    what: (LayerName, ObjectKey),
}

impl Copies {
    fn turn(&self, layer: &LayerName, key: &ObjectKey) -> Option<Turn> {
        let what = (Arc::clone(layer), key.clone());
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = under_way.len() < MOST && under_way.insert(what.clone());
        free.then(|| Turn { copies: self.clone(), what })
    }

    /// The same body, of `size` bytes, which is copied on its way. Its end must come only after it was found right.
    pub(crate) fn copy(&self, driver: &GuardedDriver, to: CopyTo, key: &ObjectKey, size: u64, body: ObjectBody) -> ObjectBody {
        let Some(turn) = self.turn(&to.layer, key) else { return body };
        let (sender, receiver) = mpsc::channel(WAITING);
        let making = Making { driver: driver.clone(), to, key: key.clone(), size };
        match body {
            ObjectBody::Bytes(bytes) => {
                // All of it is right already: there is room for it and for its end.
                let _ = sender.try_send(Part::Bytes(bytes.clone()));
                let _ = sender.try_send(Part::End);
                tokio::spawn(making.run(receiver, turn));
                ObjectBody::Bytes(bytes)
            }
            ObjectBody::Stream(stream) => {
                tokio::spawn(making.run(receiver, turn));
                ObjectBody::Stream(teed(stream, size, sender))
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.copies.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.what);
    }
}

enum Part {
    Bytes(Bytes),
    /// All came, and it is right.
    End,
}

/// Hands a stream of `size` bytes on, and to the copy as long as somebody takes it there. The last byte comes only once all was found right, and
/// nobody may ask for what is behind it.
fn teed(stream: Outgoing, size: u64, sender: mpsc::Sender<Part>) -> Outgoing {
    Box::pin(stream::unfold((stream, size, Some(sender)), |(mut stream, left, sender)| async move {
        let item = stream.next().await?;
        let (Some(sender), Ok(piece)) = (sender, &item) else { return Some((item, (stream, left, None))) };
        let left = left.saturating_sub(piece.len() as u64);
        let mut taken = hand(&sender, Part::Bytes(piece.clone())).await;
        if taken && left == 0 {
            taken = hand(&sender, Part::End).await;
        }
        Some((item, (stream, left, taken.then_some(sender))))
    }))
}

/// Whether it was taken, in time: a cache that hangs must not hold up the read.
async fn hand(sender: &mpsc::Sender<Part>, part: Part) -> bool {
    tokio::time::timeout(PATIENCE, sender.send(part)).await.is_ok_and(|sent| sent.is_ok())
}

struct Making {
    driver: GuardedDriver,
    to: CopyTo,
    key: ObjectKey,
    size: u64,
}

impl Making {
    async fn run(self, parts: mpsc::Receiver<Part>, turn: Turn) {
        let (layer, key) = (&turn.what.0, &turn.what.1);
        match self.make(parts).await {
            Ok(true) => tracing::debug!(plugin = %self.driver.name(), %layer, %key, "an object was copied"),
            Ok(false) => {
                tracing::debug!(plugin = %self.driver.name(), %layer, %key, "an object was not read to its end, and not copied")
            }
            Err(error) => tracing::warn!(plugin = %self.driver.name(), %layer, %key, %error, "an object could not be copied"),
        }
    }

    async fn make(&self, parts: mpsc::Receiver<Part>) -> Result<bool, StoreError> {
        let stack = &self.to.stack;
        let begun = stack.driver.begin(&UploadId::random()).await?;
        match self.fill(stack, begun.clone(), parts).await {
            Ok(Some(state)) => {
                stack.driver.commit(&state, &self.key).await?;
                self.driver.copied(&self.key, &self.to.layer, self.size).await?;
                Ok(true)
            }
            Ok(None) => {
                stack.driver.abort(&begun).await?;
                Ok(false)
            }
            Err(error) => {
                // What failed is told of; what is left of it is the next one's to sweep.
                let _ = stack.driver.abort(&begun).await;
                Err(error)
            }
        }
    }

    /// The upload's state where all of it came.
    async fn fill(&self, stack: &Arc<Stack>, state: Vec<u8>, parts: mpsc::Receiver<Part>) -> Result<Option<Vec<u8>>, StoreError> {
        let body = stream::unfold(Some(parts), |parts| async {
            let mut parts = parts?;
            match parts.recv().await {
                Some(Part::Bytes(bytes)) => Some((Ok(bytes), Some(parts))),
                Some(Part::End) => None,
                None => Some((Err(BodyError::Broken("the read ended early".to_owned())), None)),
            }
        });
        let mut intake = Intake::new(&stack.buffers, Box::pin(body), u64::MAX);
        let mut moving = Moving { intake: &mut intake, hashing: &mut Hashing::none(), tracing: None };
        let step = stack.append_all(state, 0, Some(self.size), u64::MAX, &mut moving).await?;
        let whole = step.ended == Some(bulkhead_core::ports::store::Ended::Complete) && step.written == self.size;
        Ok(whole.then_some(step.state))
    }
}

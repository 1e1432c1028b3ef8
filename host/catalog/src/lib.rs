//! The catalog in SQLite: what is where, under which name. The only crate with SQL; `server` opens it, `core` uses it through
//! [`bulkhead_core::ports::catalog::Catalog`].
//!
//! Reads go to a few connections that only read, and past them where the cache remembers. Changes go through a bounded queue to one
//! writer, which puts all that has arrived into one transaction and so one sync. Nothing is acknowledged before it is durable, and
//! nothing that was acknowledged is ever answered in its older state. Every wait has a deadline.
//!
//! It never decides: whether something may be stored is the core's to say, beyond what a statement must check at the moment of the
//! change. It never logs what it stores.

mod accounts;
mod cache;
mod catalog;
mod convert;
mod objections;
mod open;
mod read;
mod readers;
mod sql;
mod write;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bulkhead_core::ports::catalog::CatalogError;
use bulkhead_core::ports::clock::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use open::open;

use cache::Cache;
use readers::{Readers, late};
use write::{Answer, Write};
use writer::{Counters, Message};

/// How long anything here may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// Changes that may wait for the writer.
const QUEUE: usize = 1024;
/// Connections that only read.
const READERS: u32 = 4;

/// A catalog that is open. Dropping it ends its writer once what was sent is committed; [`close`](Self::close) waits for that.
pub struct SqliteCatalog {
    readers: Readers,
    writer: mpsc::Sender<Message>,
    cache: Arc<Cache>,
    counters: Arc<Counters>,
    /// The latest time that a caller told, in milliseconds since 1970.
    latest: AtomicU64,
}

/// How much writing was done since the catalog was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteCounts {
    /// Transactions that were committed: at most so many syncs.
    pub commits: u64,
    /// Changes that they held, refused ones included.
    pub writes: u64,
}

impl SqliteCatalog {
    /// How much was written so far.
    pub fn counts(&self) -> WriteCounts {
        WriteCounts {
            commits: self.counters.commits.load(Ordering::Relaxed),
            writes: self.counters.writes.load(Ordering::Relaxed),
        }
    }

    /// Ends it in order: commits what was sent, moves the log into the file, closes every connection and lets go of the lock. Whoever
    /// asks it anything afterwards gets an error; closing it again is none.
    ///
    /// # Errors
    /// [`CatalogError`] if that failed or took too long. Nothing that was acknowledged is lost by it.
    pub async fn close(&self) -> Result<(), CatalogError> {
        const DOING: &str = "closing the catalog";
        self.readers.close(READERS).await;
        let (reply, answer) = oneshot::channel();
        if timeout(DEADLINE, self.writer.send(Message::Close(reply))).await.map_err(|_| late(DOING))?.is_err() {
            return Ok(());
        }
        match timeout(DEADLINE, answer).await.map_err(|_| late(DOING))? {
            Ok(closed) => closed,
            Err(_) => Err(CatalogError(format!("{DOING}: its writer ended early"))),
        }
    }

    /// Hands a change to the writer and waits until it is committed. If the caller goes away meanwhile, the change is made all the same.
    async fn write(&self, doing: &'static str, write: Write) -> Result<Answer, CatalogError> {
        let closed = |_| CatalogError(format!("{doing}: the catalog is closed"));
        let work = async {
            let (reply, answer) = oneshot::channel();
            self.writer.send(Message::Write(write, reply)).await.map_err(|_| closed(()))?;
            answer.await.map_err(|_| closed(()))?
        };
        timeout(DEADLINE, work).await.map_err(|_| late(doing))?
    }

    fn saw(&self, now: Timestamp) {
        self.latest.fetch_max(now.0, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

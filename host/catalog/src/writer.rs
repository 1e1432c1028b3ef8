//! The one writer: what has arrived goes into one transaction, one commit and so one sync. Whoever arrives during the commit is in the
//! next one. It alone holds the connection that writes.
//!
//! A write that fails or is refused is undone by its savepoint, and hurts no other. When the transaction itself fails, all of its
//! writes fail, nothing of them is visible, and the connection is replaced.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bulkhead_core::ports::catalog::CatalogError;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::cache::{Cache, Key};
use crate::convert::failed;
use crate::write::{Answer, Durability, Outcome, Work, Write};

/// Writes that share one commit, at most.
pub(crate) const BATCH: usize = 256;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, CatalogError>>;

/// What is sent to the writer.
pub(crate) enum Message {
    Write(Write, Reply<Answer>),
    /// Answered when everything before it is committed and the file is whole without its log.
    Close(Reply<()>),
}

/// How often the writer committed, and how many writes went into it.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) writes: AtomicU64,
}

pub(crate) struct Writer {
    pub(crate) options: SqliteConnectOptions,
    /// None after a failure, until the next batch.
    pub(crate) connection: Option<SqliteConnection>,
    /// What the connection is set to.
    pub(crate) durability: Durability,
    /// The last number that a manifest got. It never goes back, whatever is undone or removed.
    pub(crate) last_manifest: i64,
    pub(crate) cache: Arc<Cache>,
    pub(crate) counters: Arc<Counters>,
    /// Locked: no other process has this catalog open, so nobody else changes what the cache holds.
    pub(crate) lock: File,
}

impl Writer {
    /// Runs until every sender is gone or the catalog is closed, and everything that was sent is answered.
    pub(crate) async fn run(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        let mut closing = Vec::new();
        while inbox.recv_many(&mut messages, BATCH).await > 0 {
            let mut writes = Vec::with_capacity(messages.len());
            let mut replies = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Write(write, reply) => {
                        writes.push(write);
                        replies.push(reply);
                    }
                    Message::Close(reply) => {
                        inbox.close();
                        closing.push(reply);
                    }
                }
            }
            if !writes.is_empty() {
                self.batch(writes, replies).await;
            }
        }
        let closed = self.finish().await;
        for reply in closing {
            // Whoever gave up waiting does not hear it.
            let _ = reply.send(closed.clone());
        }
    }

    async fn batch(&mut self, writes: Vec<Write>, replies: Vec<Reply<Answer>>) {
        let count = writes.len() as u64;
        let mut last_manifest = self.last_manifest;
        let answers = self.transact(writes, &mut last_manifest).await;
        self.last_manifest = last_manifest;
        match answers {
            Ok(answers) => {
                self.counters.commits.fetch_add(1, Ordering::Relaxed);
                self.counters.writes.fetch_add(count, Ordering::Relaxed);
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // A caller that has gone away leaves its change behind, as one whose connection broke does.
                    let _ = reply.send(answer);
                }
            }
            Err(error) => {
                tracing::error!(%error, writes = count, "a transaction of the catalog failed");
                self.connection = None;
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    async fn transact(
        &mut self,
        writes: Vec<Write>,
        last_manifest: &mut i64,
    ) -> Result<Vec<Result<Answer, CatalogError>>, CatalogError> {
        let durability = writes.iter().map(Write::durability).max().unwrap_or(Durability::Power);
        let cache = Arc::clone(&self.cache);
        let connection = self.connection(durability).await?;
        execute(connection, "beginning a transaction", "BEGIN IMMEDIATE; SAVEPOINT w").await?;
        let mut changed: Vec<Key> = Vec::new();
        let mut answers = Vec::with_capacity(writes.len());
        for write in writes {
            let before = changed.len();
            let mut work = Work { connection: &mut *connection, changed: &mut changed, last_manifest: &mut *last_manifest };
            let outcome = write.run(&mut work).await;
            let (answer, keep) = match outcome {
                Ok(Outcome::Keep(answer)) => (Ok(answer), true),
                Ok(Outcome::Undo(answer)) => (Ok(answer), false),
                Err(error) => (Err(error), false),
            };
            if !keep {
                execute(connection, "undoing a write", "ROLLBACK TO w").await?;
                changed.truncate(before);
            }
            answers.push(answer);
        }
        let change = cache.change(&changed);
        let committed = execute(connection, "committing a transaction", "COMMIT").await;
        drop(change);
        committed.map(|()| answers)
    }

    /// The connection, replaced if it was given up, and set to sync as the batch needs.
    async fn connection(&mut self, durability: Durability) -> Result<&mut SqliteConnection, CatalogError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let connection =
                    SqliteConnection::connect_with(&self.options).await.map_err(failed("opening the catalog again"))?;
                self.durability = Durability::Power;
                connection
            }
        };
        let connection = self.connection.insert(connection);
        if self.durability != durability {
            let pragma = match durability {
                Durability::Process => "PRAGMA synchronous = NORMAL",
                Durability::Power => "PRAGMA synchronous = FULL",
            };
            // Such a pragma acts when it is compiled, so it must not be a kept statement.
            sqlx::raw_sql(pragma).execute(&mut *connection).await.map_err(failed("setting how the catalog syncs"))?;
            self.durability = durability;
        }
        Ok(connection)
    }

    async fn finish(mut self) -> Result<(), CatalogError> {
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        let moved = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
        let closed = connection.close().await;
        // Only now may another process open it.
        drop(self.lock);
        moved.map_err(failed("moving the log into the catalog"))?;
        closed.map_err(failed("closing the catalog"))
    }
}

async fn execute(connection: &mut SqliteConnection, doing: &'static str, script: &'static str) -> Result<(), CatalogError> {
    sqlx::query(script).execute(connection).await.map_err(failed(doing))?;
    Ok(())
}

//! A few connections that only read, each with a thread of SQLite's own. Whoever finds none free waits, up to the deadline.
//!
//! The pool of sqlx is not used: it pings a connection each time that it is given back, which costs as much as most of these queries.

use std::sync::{Mutex, PoisonError};

use bulkhead_core::ports::catalog::CatalogError;
use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{Connection, FromRow, Sqlite, SqliteConnection};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::DEADLINE;
use crate::convert::failed;

type Query<'q, T> = QueryAs<'q, Sqlite, T, SqliteArguments>;

pub(crate) struct Readers {
    options: SqliteConnectOptions,
    free: Semaphore,
    /// Held for a push or a pop, never across a wait. The one used last is used next: its pages are warm.
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    pub(crate) fn new(options: SqliteConnectOptions, connections: usize) -> Self {
        Self { options, free: Semaphore::new(connections), idle: Mutex::new(Vec::with_capacity(connections)) }
    }

    /// Opens one, so that what would keep every query from working shows at once.
    pub(crate) async fn warm(&self) -> Result<(), sqlx::Error> {
        let connection = SqliteConnection::connect_with(&self.options).await?;
        self.give_back(connection);
        Ok(())
    }

    /// The first row, if there is one.
    pub(crate) async fn optional<T>(&self, doing: &'static str, query: Query<'_, T>) -> Result<Option<T>, CatalogError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let work = async {
            let (_permit, mut connection) = self.take(doing).await?;
            let found = query.fetch_optional(&mut connection).await.map_err(failed(doing))?;
            self.give_back(connection);
            Ok(found)
        };
        timeout(DEADLINE, work).await.map_err(|_| late(doing))?
    }

    /// All rows; the query has its limit.
    pub(crate) async fn all<T>(&self, doing: &'static str, query: Query<'_, T>) -> Result<Vec<T>, CatalogError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let work = async {
            let (_permit, mut connection) = self.take(doing).await?;
            let found = query.fetch_all(&mut connection).await.map_err(failed(doing))?;
            self.give_back(connection);
            Ok(found)
        };
        timeout(DEADLINE, work).await.map_err(|_| late(doing))?
    }

    /// Waits for the queries under way, and lets no new ones in.
    pub(crate) async fn close(&self, connections: u32) {
        if let Ok(Ok(permits)) = timeout(DEADLINE, self.free.acquire_many(connections)).await {
            permits.forget();
        }
        self.free.close();
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "closing a reader of the catalog");
            }
        }
    }

    /// A connection that failed, or whose caller went away, is not given back: the next caller opens a new one.
    async fn take(&self, doing: &'static str) -> Result<(tokio::sync::SemaphorePermit<'_>, SqliteConnection), CatalogError> {
        let permit = self.free.acquire().await.map_err(|_| CatalogError(format!("{doing}: the catalog is closed")))?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await.map_err(failed(doing))?,
        };
        Ok((permit, connection))
    }

    fn give_back(&self, connection: SqliteConnection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

pub(crate) fn late(doing: &'static str) -> CatalogError {
    CatalogError(format!("{doing}: no answer within {} s: the disk is overloaded or stuck", DEADLINE.as_secs()))
}

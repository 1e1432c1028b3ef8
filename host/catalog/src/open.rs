//! Opening a catalog: its lock, its settings, its migrations. An error names the file and what to do.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use bulkhead_core::ports::catalog::CatalogError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::sync::mpsc;

use crate::cache::Cache;
use crate::readers::Readers;
use crate::write::Durability;
use crate::writer::{Counters, Writer};
use crate::{QUEUE, READERS, SqliteCatalog};

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long the process that had the catalog before may take to end.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
const BUSY_PATIENCE: Duration = Duration::from_secs(10);

/// Opens the catalog in the file `path`, makes it where it is missing (not its directory), and brings its tables up to date. Must be
/// called within a tokio runtime, which then runs the writer. One process at a time: it waits up to 10 s for another one to end.
///
/// # Errors
/// [`CatalogError`] that names the file: no catalog, damaged, of a newer version, open elsewhere, or not to be read or written.
pub async fn open(path: &Path) -> Result<SqliteCatalog, CatalogError> {
    let lock = lock(path).await?;
    let options = writer_options(path);
    let mut connection = options.connect().await.map_err(|error| unusable(path, &error))?;
    migrate(path, &mut connection).await?;
    let last: Result<(i64,), _> = sqlx::query_as("SELECT ifnull(max(id), 0) FROM manifests").fetch_one(&mut connection).await;
    let (last_manifest,) = last.map_err(|error| unusable(path, &error))?;
    let readers = Readers::new(reader_options(path), READERS as usize);
    readers.warm().await.map_err(|error| unusable(path, &error))?;
    let cache = Arc::new(Cache::new());
    let counters = Arc::new(Counters::default());
    let writer = Writer {
        options,
        connection: Some(connection),
        durability: Durability::Power,
        last_manifest,
        cache: Arc::clone(&cache),
        counters: Arc::clone(&counters),
        lock,
    };
    let (inbox, messages) = mpsc::channel(QUEUE);
    tokio::spawn(writer.run(messages));
    Ok(SqliteCatalog { readers, writer: inbox, cache, counters, latest: AtomicU64::new(0) })
}

/// What another process changed, this one's cache would not know of.
async fn lock(path: &Path) -> Result<File, CatalogError> {
    let beside = beside(path);
    let unusable = |error: std::io::Error| CatalogError(format!("the catalog's lock {}: {error}", beside.display()));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&beside).map_err(unusable)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(CatalogError(format!(
                    "the catalog {} is open in another process: stop that one first",
                    path.display()
                )));
            }
        }
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn writer_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_PATIENCE)
        .pragma("cache_size", "-16384")
        // Pages of the log before it is moved into the file, within a commit: seldom enough, and still a few milliseconds.
        .pragma("wal_autocheckpoint", "2000")
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

fn reader_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_PATIENCE)
        .pragma("cache_size", "-4096")
        .pragma("mmap_size", "1073741824")
        .disable_statement_logging()
}

async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), CatalogError> {
    let file = path.display();
    MIGRATIONS.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => CatalogError(format!(
            "the catalog {file} was written by a newer version (migration {version}): run that version, or put back the copy \
             that was made before"
        )),
        MigrateError::VersionMismatch(version) => CatalogError(format!(
            "the catalog {file} was made by another build (migration {version} differs): run that build, or use another file"
        )),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => unusable(path, &error),
        other => CatalogError(format!("the catalog {file} cannot be brought up to date: {other}")),
    })
}

fn unusable(path: &Path, error: &sqlx::Error) -> CatalogError {
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    // Primary result codes of SQLite: the lower byte.
    let advice = match code.map(|code| code & 0xff) {
        Some(11 | 26) => ": it is damaged or no catalog: put back a copy, or move it away to begin an empty one",
        Some(13) => ": the disk is full",
        Some(8 | 14) => ": its directory must exist and be writable",
        _ => "",
    };
    CatalogError(format!("the catalog {}: {error}{advice}", path.display()))
}

//! The closed list of what the catalog can be asked to change, and how one of them is run inside the writer's transaction.
//!
//! A write comes with all its values ready to be bound, so that the one writer does little but SQL. Each is one script of several
//! statements, since every hop to SQLite's thread costs more than most statements (how parameters are written: `sql`). What a script
//! finds out too late to refuse is undone.

mod accounts;
mod blobs;
mod locks;
mod manifests;
mod outbox;
mod removals;
mod state;
mod uploads;

use bulkhead_core::ports::accounts::Kept;
use bulkhead_core::ports::catalog::{
    Added, Advance, Attributes, CatalogError, Deletion, Mounted, PutManifest, Removal, RepositoryDeletion,
};
use bulkhead_core::ports::ids::RegistryId;
use sqlx::query::QueryAs;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{FromRow, Sqlite, SqliteConnection};

use crate::cache::Key;
use crate::convert::failed;

pub(crate) use accounts::AccountsWrite;
pub(crate) use blobs::{AddBlob, MountBlob};
pub(crate) use locks::ChangeAttributes;
pub(crate) use manifests::StoreManifest;
#[cfg(test)]
pub(crate) use outbox::GIVEN_UP_KEPT;
pub(crate) use outbox::{Deliveries, Enqueue, Settle};
#[cfg(test)]
pub(crate) use removals::{LISTING, NEEDED_SINCE};
pub(crate) use removals::{RemoveBlob, RemoveManifest, RemoveRepository, RemoveTag};
pub(crate) use state::{DeleteState, MakeRegistry, SetState};
pub(crate) use uploads::{AdvanceUpload, CreateUpload, Progress, RemoveUpload};

/// The statements of a write. The savepoint of the write before it is released first: until then it could be undone.
macro_rules! script {
    ($($statement:expr),+ $(,)?) => { concat!("RELEASE w; SAVEPOINT w", $("; ", $statement),+) };
}
pub(crate) use script;

/// A change that waits for the writer.
pub(crate) enum Write {
    MakeRegistry(MakeRegistry),
    AddBlob(AddBlob),
    MountBlob(MountBlob),
    RemoveBlob(RemoveBlob),
    CreateUpload(CreateUpload),
    AdvanceUpload(AdvanceUpload),
    RemoveUpload(RemoveUpload),
    StoreManifest(Box<StoreManifest>),
    RemoveManifest(RemoveManifest),
    RemoveTag(RemoveTag),
    RemoveRepository(RemoveRepository),
    ChangeAttributes(ChangeAttributes),
    Enqueue(Enqueue),
    Settle(Settle),
    SetState(SetState),
    DeleteState(DeleteState),
    Accounts(Box<AccountsWrite>),
}

/// What a write answers once it is committed.
#[derive(Debug)]
pub(crate) enum Answer {
    Done,
    Registry(RegistryId),
    Added(Added),
    Mounted(Mounted),
    Manifest(PutManifest),
    Removal(Removal),
    Deletion(Deletion),
    Repository(RepositoryDeletion),
    Advance(Advance),
    Attributes(Option<Attributes>),
    Kept(Kept),
}

/// What becomes of a write's statements.
pub(crate) enum Outcome {
    Keep(Answer),
    /// It was refused: nothing of it may stay.
    Undo(Answer),
}

/// What a commit has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Durability {
    /// Survives a kill of the process.
    Process,
    /// Survives a loss of power.
    Power,
}

/// The transaction that a write runs in.
pub(crate) struct Work<'a> {
    pub(crate) connection: &'a mut SqliteConnection,
    /// The cache's keys that the batch changes.
    pub(crate) changed: &'a mut Vec<Key>,
    /// The last number that a manifest got, or was to get.
    pub(crate) last_manifest: &'a mut i64,
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl Work<'_> {
    /// Runs a script and returns the rows of all its statements.
    async fn rows(&mut self, doing: &'static str, script: Query<'_>) -> Result<Vec<SqliteRow>, CatalogError> {
        script.fetch_all(&mut *self.connection).await.map_err(failed(doing))
    }

    /// The same, of values that are made of rows.
    async fn all<T>(
        &mut self,
        doing: &'static str,
        script: QueryAs<'_, Sqlite, T, SqliteArguments>,
    ) -> Result<Vec<T>, CatalogError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        script.fetch_all(&mut *self.connection).await.map_err(failed(doing))
    }
}

impl Write {
    /// What a commit with this write has to wait for.
    pub(crate) fn durability(&self) -> Durability {
        match self {
            // Nothing of it is acknowledged before its first bytes are, which is an advance.
            Self::CreateUpload(_) => Durability::Process,
            _ => Durability::Power,
        }
    }

    pub(crate) async fn run(self, work: &mut Work<'_>) -> Result<Outcome, CatalogError> {
        match self {
            Self::MakeRegistry(write) => write.run(work).await,
            Self::AddBlob(write) => write.run(work).await,
            Self::MountBlob(write) => write.run(work).await,
            Self::RemoveBlob(write) => write.run(work).await,
            Self::CreateUpload(write) => write.run(work).await,
            Self::AdvanceUpload(write) => write.run(work).await,
            Self::RemoveUpload(write) => write.run(work).await,
            Self::StoreManifest(write) => write.run(work).await,
            Self::RemoveManifest(write) => write.run(work).await,
            Self::RemoveTag(write) => write.run(work).await,
            Self::RemoveRepository(write) => write.run(work).await,
            Self::ChangeAttributes(write) => write.run(work).await,
            Self::Enqueue(write) => write.run(work).await,
            Self::Settle(write) => write.run(work).await,
            Self::SetState(write) => write.run(work).await,
            Self::DeleteState(write) => write.run(work).await,
            Self::Accounts(write) => write.run(work).await,
        }
    }
}

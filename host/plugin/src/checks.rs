//! Where guests check credentials: on threads of their own, one for each core, so that a password's hash, which keeps a core busy for a tenth of a
//! second, never keeps a thread of the data path.
//!
//! No more guests compute here at once than there are cores: all who wait together for their secrets to be hashed would share the threads and all run
//! over their time. The others wait before their call begins, in their order; that wait is not part of the call's time. A check ends with
//! its caller: what nobody waits for any more is dropped at the guest's next interruption, and its turn is free then, not before.
//!
//! What a check opens while it runs, such as a connection for the `http` import, belongs to these threads too.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bulkhead_core::ports::plugin::PluginError;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use crate::error::RuntimeError;

/// How long a credential waits for its turn to be checked.
const LONGEST_QUEUE: Duration = Duration::from_secs(20);
/// Threads for what blocks within a check, such as reading a granted file.
const BLOCKING_THREADS: usize = 64;
/// Of the threads, as tools show it; at most 15 bytes.
pub(crate) const THREAD_NAME: &str = "plugin-check";

/// What a check does with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// It may hash, and needs a turn.
    Computes,
    /// It waits for somebody else, and hashes nothing: it needs no turn, which others could use meanwhile.
    Waits,
}

/// See the module. Dropping it ends what runs on its threads, and waits for none of it.
pub(crate) struct Checks {
    /// None only while it is dropped.
    threads: Option<Runtime>,
    /// A permit for each core.
    turns: Arc<Semaphore>,
    /// How long a check waits for its turn.
    patience: Duration,
}

impl Checks {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`RuntimeError::Threads`] if the system gives none.
    pub(crate) fn start() -> Result<Self, RuntimeError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = Builder::new_multi_thread()
            .worker_threads(cores)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name(THREAD_NAME)
            .enable_all()
            .build()
            .map_err(|error| RuntimeError::Threads(error.to_string()))?;
        Ok(Self { threads: Some(threads), turns: Arc::new(Semaphore::new(cores)), patience: LONGEST_QUEUE })
    }

    /// Runs a check, when it is its turn.
    ///
    /// # Errors
    /// Those of `check`; [`PluginError::Unavailable`] where it had no turn for 20 seconds; [`PluginError::Internal`] where it was
    /// interrupted.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        load: Load,
        check: impl Future<Output = Result<T, PluginError>> + Send + 'static,
    ) -> Result<T, PluginError> {
        let turn = match load {
            Load::Computes => Some(self.turn().await?),
            Load::Waits => None,
        };
        let threads = self.threads.as_ref().expect("the threads are taken away by `drop` alone");
        let check = threads.spawn(async move {
            // Dropped last, once the guest has stopped.
            let _turn = turn;
            check.await
        });
        match AbortOnDropHandle::new(check).await {
            Ok(answer) => answer,
            Err(error) => Err(PluginError::Internal(format!("the host's own work was interrupted: {error}"))),
        }
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, PluginError> {
        match timeout(self.patience, self.turns.clone().acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(PluginError::Unavailable {
                reason: format!("too many credentials wait to be checked: this one had no turn for {:?}", self.patience),
                retry_after: Some(self.patience),
            }),
        }
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        // It may be one of its own threads that drops it, and it is an asynchronous one mostly: neither may wait for the threads' end.
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests;

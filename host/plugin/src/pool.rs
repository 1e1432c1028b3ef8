//! Instances that wait for their next call, and the bound on how many there are in the process.
//!
//! An instance belongs to one registry for its whole life, so that nothing that a guest remembers crosses from one to another. It serves one
//! call at a time and goes for good after [`MAX_CALLS`] of them, or when anything went wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use bulkhead_core::ports::ids::RegistryName;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;
use wasmtime::Store;

use crate::compiled::Exports;
use crate::state::State;

/// Calls after which an instance is replaced, so that what a guest leaks does not grow for ever.
const MAX_CALLS: u32 = 1000;
/// Instances that wait at most, for each registry that a plugin serves.
const MAX_IDLE: usize = 8;
/// An instance that has grown beyond this does not wait: its memory is given back.
const MAX_IDLE_BYTES: usize = 16 * 1024 * 1024;

/// A live component.
pub(crate) struct Instance {
    pub(crate) store: Store<State>,
    pub(crate) exports: Exports,
    calls: u32,
    /// Dropped after the store, so that the engine's pool has room when another one takes the slot.
    _slot: OwnedSemaphorePermit,
}

impl Instance {
    pub(crate) fn new(store: Store<State>, exports: Exports, slot: OwnedSemaphorePermit) -> Self {
        Self { store, exports, calls: 0, _slot: slot }
    }

    /// Makes it ready for a call that must have ended by `deadline`.
    pub(crate) fn arm(&mut self, deadline: Instant, request: Arc<str>) {
        self.calls += 1;
        self.rearm(deadline);
        self.store.data().output.begin(request);
    }

    /// The same call goes on, until `deadline`.
    pub(crate) fn rearm(&mut self, deadline: Instant) {
        let state = self.store.data_mut();
        (state.deadline, state.overdue, state.memory.refused) = (deadline, false, false);
        self.store.set_epoch_deadline(1);
    }
}

/// Whether an instance may be replaced while it is sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// When it is worn, or others need the room.
    #[default]
    WhileUseful,
    /// Never: the operator allows the plugin one instance alone, and what it holds is held nowhere else.
    Always,
}

/// The instances of one plugin that wait.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<Option<RegistryName>, Vec<Instance>>>,
    keeping: Keeping,
}

impl Pool {
    /// One that serves this registry.
    pub(crate) fn take(&self, registry: &Option<RegistryName>) -> Option<Instance> {
        self.lock().get_mut(registry)?.pop()
    }

    /// Keeps it for the next call, unless it is worn, or somebody waits for its slot.
    pub(crate) fn give_back(&self, instance: Instance, slots: &Slots) {
        let worn = instance.calls >= MAX_CALLS || instance.store.data().memory.used > MAX_IDLE_BYTES;
        if self.keeping == Keeping::WhileUseful && (worn || slots.are_wanted()) {
            return;
        }
        let registry = instance.store.data().registry.clone();
        let mut idle = self.lock();
        let idle = idle.entry(registry).or_default();
        if idle.len() < MAX_IDLE {
            idle.push(instance);
        }
    }

    /// Whether one was there to be dropped.
    fn drop_one(&self) -> bool {
        if self.keeping == Keeping::Always {
            return false;
        }
        let dropped = self.lock().values_mut().find_map(Vec::pop);
        dropped.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<RegistryName>, Vec<Instance>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room for instances in the engine's pool, shared by all plugins.
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    waiting: AtomicUsize,
    pools: Mutex<Vec<Weak<Pool>>>,
}

impl Slots {
    /// Room for so many.
    pub(crate) fn new(instances: u32) -> Self {
        let free = Arc::new(Semaphore::new(usize::try_from(instances).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)));
        Self { free, waiting: AtomicUsize::new(0), pools: Mutex::default() }
    }

    /// A pool whose waiting instances may be dropped when others need the room.
    pub(crate) fn pool(&self, keeping: Keeping) -> Arc<Pool> {
        let pool = Arc::new(Pool { idle: Mutex::default(), keeping });
        let mut pools = self.pools();
        pools.retain(|known| known.strong_count() > 0);
        pools.push(Arc::downgrade(&pool));
        pool
    }

    /// A slot, by `deadline`.
    pub(crate) async fn take(&self, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = self.free.clone().try_acquire_owned() {
            return Some(slot);
        }
        // Counted before looking for one that waits: whoever ends a call from here on does not keep its instance.
        let _waiting = Waiting::new(&self.waiting);
        let pools: Vec<Arc<Pool>> = self.pools().iter().filter_map(Weak::upgrade).collect();
        // One is enough: it is dropped here, and its slot is free.
        let _ = pools.iter().any(|pool| pool.drop_one());
        timeout_at(deadline.into(), self.free.clone().acquire_owned()).await.ok()?.ok()
    }

    fn are_wanted(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    fn pools(&self) -> MutexGuard<'_, Vec<Weak<Pool>>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

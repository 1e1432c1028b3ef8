//! What an instance carries along: who it is, what it may reach, how much it has used, and when its call must end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bulkhead_core::ports::accounts::AccountDirectory;
use bulkhead_core::ports::catalog::Catalog;
use bulkhead_core::ports::clock::Clock;
use bulkhead_core::ports::driver::{Layer, LayerName};
use bulkhead_core::ports::ids::RegistryName;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::checks::Checks;
use crate::engine::MAX_TABLE_ELEMENTS;
use crate::files::Granted;
use crate::net::{Client, Retry};
use crate::output::Output;
use crate::spec::{HttpGrant, Limits, SecretSource};
use crate::wasi;

/// The most host resources (streams, pollables) of one instance.
const MAX_RESOURCES: usize = 1024;

/// What a storage plugin lies over, by the names that it gives them.
pub type Layers = Arc<BTreeMap<LayerName, Arc<dyn Layer>>>;

/// What one plugin may reach, and by what means. The same for all its instances.
pub(crate) struct Reach {
    pub(crate) plugin: Arc<str>,
    pub(crate) files: Arc<Granted>,
    /// The names of what it lies over. What that is is known once a registry is served: see [`State::layers`].
    pub(crate) over: Vec<LayerName>,
    pub(crate) http: HttpGrant,
    pub(crate) secrets: BTreeMap<String, SecretSource>,
    /// Where its own state is kept; none: not granted.
    pub(crate) kv: Option<Arc<dyn Catalog>>,
    /// Who checks secrets of the registry's accounts; none: not granted.
    pub(crate) accounts: Option<Arc<dyn AccountDirectory>>,
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    /// Whether its own requests are sent again where that does no harm.
    pub(crate) retry: Retry,
    /// Where credentials are checked.
    pub(crate) checks: Arc<Checks>,
}

/// The data of one instance's store.
pub(crate) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    pub(crate) memory: Memory,
    pub(crate) reach: Arc<Reach>,
    /// The registry that it serves; none while it is only tried out. One instance never serves two.
    pub(crate) registry: Option<RegistryName>,
    /// What it lies over, as a storage of that registry.
    pub(crate) layers: Layers,
    pub(crate) output: Arc<Output>,
    /// When the call that is under way must have ended.
    pub(crate) deadline: Instant,
    /// The guest was stopped because the deadline had passed.
    pub(crate) overdue: bool,
}

impl State {
    /// Of a new instance.
    pub(crate) fn new(reach: Arc<Reach>, registry: Option<RegistryName>) -> Self {
        let output = Arc::new(Output::new(reach.plugin.clone()));
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        Self {
            table,
            wasi: wasi::empty(&output, &reach.clock),
            memory: Memory { used: 0, most: reach.limits.memory, refused: false },
            reach,
            registry,
            layers: Layers::default(),
            output,
            deadline: Instant::now(),
            overdue: false,
        }
    }

    /// Puts this state's limits on its store.
    pub(crate) fn watch(store: &mut Store<Self>) {
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(|mut store| {
            let state = store.data_mut();
            if Instant::now() < state.deadline {
                // tokio's own yield: it lets the worker look at its sockets and timers before the guest goes on. A bare one would let it do
                // so at every 61st tick only.
                return Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())));
            }
            state.overdue = true;
            Ok(UpdateDeadline::Interrupt)
        });
    }

    /// What is left of the call's time.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The memory of an instance, all its linear memories together.
pub(crate) struct Memory {
    pub(crate) used: usize,
    most: usize,
    /// It was refused more.
    pub(crate) refused: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.used.saturating_sub(current).saturating_add(desired);
        if total > self.most {
            self.refused = true;
            return Ok(false);
        }
        self.used = total;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}

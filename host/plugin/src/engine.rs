//! The one WebAssembly engine of the process: what guests may use of the machine, and the clock that interrupts them.
//!
//! Every 5 ms the ticker raises the engine's epoch; a running guest then yields to other tasks, or traps if its call's deadline has passed.
//! The pool reserves address space for every instance that there may be, not memory.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wasmtime::{Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::RuntimeError;

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(5);
/// The most memory that any limit may grant to an instance, in bytes.
pub(crate) const MAX_MEMORY_BYTES: usize = 256 * 1024 * 1024;
/// The most elements of a guest's table.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 20_000;
/// Address space of one memory: with all that 32 bits can name reserved, guest code needs no bounds checks.
const FULL_RESERVATION: u64 = 4 << 30;

/// Starts the engine for at most `instances` instances at once, and its ticker, which ends when the engine does. Code is kept in `cache`,
/// which nobody but this host may be able to write to.
pub(crate) fn start(instances: u32, cache: Option<&Path>) -> Result<Engine, RuntimeError> {
    let cache = cache.map(open_cache).transpose()?;
    let engine = Engine::new(&config(instances, cache.clone(), FULL_RESERVATION))
        // Where address space is limited (`ulimit -v`), a quarter gigabyte a memory does, with bounds checks.
        .or_else(|_| Engine::new(&config(instances, cache, MAX_MEMORY_BYTES as u64)))
        .map_err(|error| RuntimeError::Engine(format!("{error:#}")))?;
    start_ticker(&engine)?;
    Ok(engine)
}

fn config(instances: u32, cache: Option<Cache>, reservation: u64) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(4))
        .total_memories(instances)
        .total_tables(instances.saturating_mul(4))
        .total_stacks(instances)
        .max_core_instances_per_component(16)
        .max_memories_per_component(4)
        .max_memory_size(MAX_MEMORY_BYTES)
        .table_elements(MAX_TABLE_ELEMENTS)
        .linear_memory_keep_resident(0)
        .table_keep_resident(0);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .consume_fuel(false)
        .async_stack_size(1024 * 1024)
        .max_wasm_stack(512 * 1024)
        .memory_reservation(reservation)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .cache(cache);
    config
}

fn open_cache(directory: &Path) -> Result<Cache, RuntimeError> {
    let fault = |reason: String| RuntimeError::Cache { path: PathBuf::from(directory), reason };
    // Whoever could write there could have the host run machine code of theirs.
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory).map_err(|error| fault(error.to_string()))?;
    let absolute = directory.canonicalize().map_err(|error| fault(error.to_string()))?;
    let mut config = CacheConfig::new();
    config.with_directory(absolute);
    Cache::new(config).map_err(|error| fault(format!("{error:#}")))
}

fn start_ticker(engine: &Engine) -> Result<(), RuntimeError> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("plugin-ticker".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })
        .map(|_| ())
        .map_err(|error| RuntimeError::Ticker(error.to_string()))
}

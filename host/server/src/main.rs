//! `bulkhead`: a container registry whose policies, storage and notifications are WebAssembly plugins.
//!
//! `cli` reads the command line, `config` the configuration file, and `app`, the composition root, puts the crates of the host together.
//! Nothing here knows how a registry works; that is `bulkhead-core`'s.

mod app;
mod audit;
mod bundled;
mod cli;
mod clock;
mod config;
mod data;
mod keys;
mod login;
mod socket;
mod telemetry;
mod welcome;

use std::process::ExitCode;

/// Pushes and pulls allocate from many threads at once, where the system's allocator fragments.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}

//! The log: plain lines on the standard error, coloured on a terminal. `BULKHEAD_LOG` filters it, `info` unless said otherwise
//! (`BULKHEAD_LOG=debug`, `BULKHEAD_LOG=info,bulkhead_plugin=debug`).

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

const VARIABLE: &str = "BULKHEAD_LOG";

/// Starts it. Once, before anything is logged.
///
/// # Errors
/// What is wrong with the filter.
pub fn start() -> Result<(), String> {
    let filter = match std::env::var(VARIABLE) {
        Ok(text) => {
            EnvFilter::try_new(&text).map_err(|error| format!("the environment variable {VARIABLE}={text:?}: {error}"))?
        }
        Err(_) => EnvFilter::new("info"),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| error.to_string())
}

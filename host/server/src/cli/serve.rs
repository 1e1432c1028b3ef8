//! `bulkhead serve`.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;

use super::{ConfigFile, EXIT_CODES, fail, runtime};
use crate::app;
use crate::config::{Overrides, parse_listen};

const EXAMPLES: &str = "\
Examples:
  bulkhead serve
      127.0.0.1:5000, data in ./data, a login that is made at the first start
  bulkhead serve --data /srv/registry --listen 0.0.0.0:5000
  bulkhead serve --config bulkhead.toml
      as the file says; a relative path in it starts at the file's folder, {data}
      stands for the data directory

The log goes to the error output. BULKHEAD_LOG filters it: info unless set, or
such as debug, or info,bulkhead_plugin=debug.

SIGTERM and Ctrl-C end the server when the requests under way are answered, after
10 seconds at the latest. A second one ends it at once.
";

/// Serve the registries of a configuration.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub struct Serve {
    #[command(flatten)]
    file: ConfigFile,

    /// The address and port to listen at, in place of what the configuration says (127.0.0.1:5000). Port 0 takes any free one.
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    listen: Option<SocketAddr>,
}

impl Serve {
    /// Runs until the process is asked to end.
    pub fn run(self) -> ExitCode {
        let overrides = Overrides { data: self.file.data, listen: self.listen };
        let outcome = runtime().and_then(|runtime| {
            let outcome = runtime.block_on(app::serve(self.file.config.as_deref(), &overrides));
            // A thread that is still in a system call must not hold the process.
            runtime.shutdown_background();
            outcome
        });
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error),
        }
    }
}

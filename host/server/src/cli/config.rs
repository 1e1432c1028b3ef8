//! `bulkhead config check`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{ConfigFile, EXIT_CODES, Output, fail, runtime};
use crate::app::{self, AppError, LoadedPlugin, ServedRegistry};
use crate::config::{ConfigError, Fault, Overrides};
use crate::welcome;

const EXAMPLES: &str = "\
Examples:
  bulkhead config check --config bulkhead.toml
  bulkhead config check --config bulkhead.toml --output json
";

/// Look at a configuration.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub enum Config {
    Check(Check),
}

/// Check a configuration as `serve` would: read it, load every plugin and hand it its settings. Serves nothing, and leaves the data
/// directory as it is.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub struct Check {
    #[command(flatten)]
    file: ConfigFile,

    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

impl Config {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        match self {
            Self::Check(arguments) => arguments.run(),
        }
    }
}

impl Check {
    fn run(self) -> ExitCode {
        let overrides = Overrides { data: self.file.data, listen: None };
        let outcome = runtime().and_then(|runtime| {
            let outcome = runtime.block_on(app::check(self.file.config.as_deref(), &overrides));
            runtime.shutdown_background();
            outcome
        });
        match (self.output, outcome) {
            (Output::Text, Ok(checked)) => {
                for warning in &checked.warnings {
                    eprintln!("{warning} (warning)");
                }
                print!("{}{}", welcome::registry_lines(&checked.registries), welcome::plugin_lines(&checked.plugins));
                println!("OK");
                ExitCode::SUCCESS
            }
            (Output::Text, Err(error)) => fail(&error),
            (Output::Json, Ok(checked)) => {
                let plugins: Vec<_> = checked.plugins.iter().map(plugin).collect();
                let registries: Vec<_> = checked.registries.iter().map(registry).collect();
                let warnings = faults(&checked.warnings);
                let all = json!({ "ok": true, "faults": [], "warnings": warnings, "registries": registries, "plugins": plugins });
                println!("{all}");
                ExitCode::SUCCESS
            }
            (Output::Json, Err(AppError::Config(ConfigError::Faulty(found)))) => {
                let found = faults(found.iter());
                println!("{}", json!({ "ok": false, "faults": found, "warnings": [], "registries": [], "plugins": [] }));
                ExitCode::from(2)
            }
            (Output::Json, Err(error)) => fail(&error),
        }
    }
}

fn faults<'a>(faults: impl IntoIterator<Item = &'a Fault>) -> Vec<serde_json::Value> {
    let one = |fault: &Fault| json!({ "file": &*fault.location.file, "line": fault.location.line, "message": fault.message });
    faults.into_iter().map(one).collect()
}

fn registry(registry: &ServedRegistry) -> serde_json::Value {
    let ServedRegistry { name, hosts, storage, auth, admission, .. } = registry;
    json!({ "name": name, "hosts": hosts, "storage": storage, "auth": auth, "admission": admission })
}

fn plugin(plugin: &LoadedPlugin) -> serde_json::Value {
    json!({ "name": plugin.name, "component": plugin.component, "digest": plugin.digest, "kinds": plugin.kinds })
}

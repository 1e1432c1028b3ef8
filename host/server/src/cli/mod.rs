//! The command line: a file per group of commands. It reads arguments, calls `app`, prints, and turns the outcome into an exit code;
//! it decides nothing else.

mod config;
mod serve;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::app::AppError;
use crate::telemetry;

/// What is printed below every `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it failed; the last line on the error output says why
  2  the command line or the configuration is wrong";

/// A private container registry whose policies, storage and notifications are WebAssembly plugins.
#[derive(Parser)]
#[command(name = "bulkhead", version, after_help = EXIT_CODES, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[command(subcommand)]
    Config(config::Config),
}

/// Which configuration.
#[derive(Args)]
struct ConfigFile {
    /// The configuration file. Without it the built-in configuration counts: one registry, SQLite, blobs in the data directory, one user
    /// `admin`. No file is looked for.
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,

    /// The data directory, in place of what the configuration says (`data`).
    #[arg(long, value_name = "DIR")]
    data: Option<std::path::PathBuf>,
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Err(message) = telemetry::start() {
        eprintln!("bulkhead: {message}");
        return ExitCode::FAILURE;
    }
    match cli.command {
        Command::Serve(arguments) => arguments.run(),
        Command::Config(command) => command.run(),
    }
}

/// Says on the error output what went wrong, and with which code to end.
fn fail(error: &AppError) -> ExitCode {
    match error {
        AppError::Config(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        _ => {
            eprintln!("bulkhead: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A runtime for as many threads as the machine has cores.
///
/// # Errors
/// The system's words.
fn runtime() -> Result<tokio::runtime::Runtime, AppError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(AppError::Runtime)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_takes_a_file_a_directory_and_an_address() {
        let cli = Cli::try_parse_from(["bulkhead", "serve", "--config", "a.toml", "--data", "d", "--listen", "127.0.0.1:0"]);
        assert!(cli.is_ok());
        assert!(Cli::try_parse_from(["bulkhead", "serve", "--listen", "5000"]).is_err());
    }
}

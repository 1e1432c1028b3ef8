//! The command line: a file per group of commands. It reads arguments, calls `app`, prints, and turns the outcome into an exit code;
//! it decides nothing else.

mod admin;
mod audit;
mod auth;
mod config;
mod credential;
mod keys;
mod principal;
mod repository;
mod scope_map;
mod serve;
mod token;

use std::process::ExitCode;

use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

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
    #[command(subcommand)]
    Credential(credential::Credential),
    #[command(subcommand)]
    Principal(principal::Principal),
    #[command(subcommand)]
    Token(token::Token),
    #[command(subcommand)]
    ScopeMap(scope_map::ScopeMap),
    #[command(subcommand)]
    Auth(auth::Auth),
    #[command(subcommand)]
    Repository(repository::Repository),
    #[command(subcommand)]
    Audit(audit::Audit),
    #[command(subcommand)]
    Keys(keys::Keys),
}

/// How data is printed.
#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// For people.
    Text,
    /// JSON on the standard output.
    Json,
}

/// Which configuration.
#[derive(Args)]
struct ConfigFile {
    /// The configuration file. Without it the built-in configuration counts: one registry, SQLite, blobs in the data directory, accounts of
    /// its own, of which the first is `admin`. No file is looked for.
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,

    /// The data directory, in place of what the configuration says (`data`).
    #[arg(long, value_name = "DIR")]
    data: Option<std::path::PathBuf>,
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = parse();
    if let Err(message) = telemetry::start() {
        eprintln!("bulkhead: {message}");
        return ExitCode::FAILURE;
    }
    match cli.command {
        Command::Serve(arguments) => arguments.run(),
        Command::Config(command) => command.run(),
        Command::Credential(command) => command.run(),
        Command::Principal(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::ScopeMap(command) => command.run(),
        Command::Auth(command) => command.run(),
        Command::Repository(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Keys(command) => command.run(),
    }
}

/// The command line; the process ends where it is wrong.
fn parse() -> Cli {
    let mut command = Cli::command();
    let matches = command.get_matches_mut();
    // What a command finds wrong by itself is told with its own usage, not with that of the whole program.
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.format(named(&mut command, &matches)).exit())
}

/// The command that a command line leads to.
fn named<'a>(command: &'a mut clap::Command, matches: &ArgMatches) -> &'a mut clap::Command {
    let mut found = command;
    let mut matches = matches;
    while let Some((name, inner)) = matches.subcommand() {
        found = found.find_subcommand_mut(name).expect("clap matches what there is");
        matches = inner;
    }
    found
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

    #[test]
    fn what_a_command_finds_wrong_by_itself_is_told_with_its_own_usage() {
        let mut command = Cli::command();
        let line = ["bulkhead", "scope-map", "create", "--name", "m", "--repository", "App", "content/read"];
        let matches = command.try_get_matches_from_mut(line).unwrap();
        let error = Cli::from_arg_matches(&matches).map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let says = error.format(named(&mut command, &matches)).to_string();
        assert!(says.contains("neither a repository's name nor") && says.contains("Usage: bulkhead scope-map create"), "{says}");
    }

    /// Every command, by the words that lead to it.
    fn commands(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let path = format!("{path} {}", inner.get_name());
            commands(inner, &path, found);
            found.push((path, inner.clone()));
        }
    }

    #[test]
    fn every_command_has_a_help_with_examples_that_are_right_and_the_exit_codes() {
        let mut found = Vec::new();
        commands(&Cli::command(), "bulkhead", &mut found);
        for (path, mut command) in found {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Exit codes:"), "{path}");
            let examples = help.split("Examples:\n").nth(1).unwrap_or_else(|| panic!("{path} has no examples"));
            for example in lines_of(examples) {
                let words = words_of(&example);
                let parsed = Cli::try_parse_from(&words);
                assert!(parsed.is_ok(), "{example}: {}", parsed.err().map(|error| error.to_string()).unwrap_or_default());
            }
        }
    }

    /// The lines that somebody would type, whole.
    fn lines_of(examples: &str) -> Vec<String> {
        let joined = examples.replace(" \\\n", " ");
        let typed = joined.lines().map_while(|line| (!line.is_empty()).then(|| line.trim().to_owned()));
        typed.filter(|line| line.starts_with("bulkhead ")).collect()
    }

    /// As a shell divides them, with what stands for a value replaced by one.
    fn words_of(line: &str) -> Vec<String> {
        let line = line.replace("4711:9f86d081...", &format!("4711:{}", "9".repeat(64)));
        let mut words: Vec<String> = Vec::new();
        for (index, piece) in line.split('\'').enumerate() {
            match index % 2 {
                0 => words.extend(piece.split_whitespace().map(str::to_owned)),
                _ => words.push(piece.to_owned()),
            }
        }
        words
    }

    #[test]
    fn a_server_is_named_one_way_and_a_user_goes_with_its_url() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|_| ()).map_err(|error| error.to_string());
        assert!(parse("bulkhead credential show --server https://r.example.com --user admin --password-stdin").is_ok());
        for wrong in [
            "--server https://r.example.com",
            "--user admin",
            "--password-stdin",
            "--server https://r.example.com --user a --data d",
            "--server r.example.com --user a",
            "--server https://r.example.com/x --user a",
            "--registry Contoso",
            "--output yaml",
        ] {
            assert!(parse(&format!("bulkhead credential show {wrong}")).is_err(), "{wrong}");
        }
    }
}

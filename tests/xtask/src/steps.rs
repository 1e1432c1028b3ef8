//! Runs outside programs as named steps, with the time that each took.
//!
//! A step's own output goes straight to the terminal; this file adds one line before and one after.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What every part of xtask answers; the text says what to do.
pub type Outcome<T = ()> = Result<T, String>;

/// Runs `action` between a line that names it and a line with the time it took.
pub fn step<T>(name: &str, action: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    eprintln!("==> {name}");
    let started = Instant::now();
    let outcome = action();
    let seconds = started.elapsed().as_secs_f64();
    match &outcome {
        Ok(_) => eprintln!("    {name}: done in {seconds:.1} s"),
        Err(message) => eprintln!("    {name}: FAILED after {seconds:.1} s: {message}"),
    }
    outcome
}

/// Runs a program to its end, its output passed through.
pub fn run(command: &mut Command) -> Outcome {
    let shown = show(command);
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("`{shown}` could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` ended with {status}")) }
}

/// Runs a program and returns what it wrote, or nothing where it failed or is not there.
pub fn ask(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Cargo as it called us, in the repository.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // What `cargo run` set for xtask itself must not reach the builds that xtask starts.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text == "CARGO_MANIFEST_DIR" || name_text == "CARGO_MANIFEST_PATH" {
            command.env_remove(&name);
        }
    }
    command
}

/// Where a program of this name lies on the search path.
pub fn find_program(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(Into::into);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder: std::path::PathBuf| folder.join(name))
        .find(|candidate| candidate.is_file())
}

fn show(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

//! Building and running the server.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::guests;
use crate::steps::{Outcome, cargo, run, step};

/// The server's binary.
pub fn binary(root: &Path) -> PathBuf {
    root.join("target/release/bulkhead")
}

/// Builds one binary out of the same selection of packages that the tests build. Features are unified over what is selected, so any
/// other selection would build wasmtime a second time.
pub fn build_command(root: &Path, binary: &str) -> Command {
    let mut command = cargo(root);
    command.args(["build", "--release", "--workspace", "--exclude", "xtask", "--bin", binary]);
    command
}

/// Plugins first, since the server embeds them. A second run builds nothing.
pub fn build_all(root: &Path) -> Outcome {
    guests::build(root)?;
    step("build the server", || run(build_command(root, "bulkhead").env("BULKHEAD_PLUGINS", guests::bundled_folder(root))))
}

/// Builds, then becomes the server, so that signals reach it directly.
pub fn serve(root: &Path, arguments: &[String]) -> Outcome {
    build_all(root)?;
    let error = Command::new(binary(root)).arg("serve").args(arguments).exec();
    Err(format!("{} could not be started: {error}", binary(root).display()))
}

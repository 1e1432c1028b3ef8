//! `cargo xtask bench`: the server beside Debian's docker-registry. Run by hand, never a test: a loaded machine proves nothing.
//! `cargo xtask bench soak` runs the same program's soak, which needs no peer.

use std::path::Path;
use std::process::Command;

use crate::steps::{Outcome, run, step};
use crate::{debian, guests, host};

/// Sets up the peer, builds, and hands the arguments to the benchmark.
pub fn run_bench(root: &Path, arguments: &[String]) -> Outcome {
    debian::ensure(debian::BENCH)?;
    host::build_all(root)?;
    step("build the benchmark", || {
        run(host::build_command(root, "bulkhead-bench").env("BULKHEAD_PLUGINS", guests::bundled_folder(root)))
    })?;
    // Both servers keep their data here: on the disk, which the system's folder for temporary files may not be.
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    run(Command::new(root.join("target/release/bulkhead-bench"))
        .current_dir(root)
        .args(arguments)
        .env("TMPDIR", folder)
        .env("BULKHEAD_BIN", host::binary(root)))
}

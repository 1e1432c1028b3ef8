//! `cargo xtask`: sets up a machine, builds plugins and host, serves, tests and measures.
//!
//! Built in the dev profile on machines that have nothing but Rust, so it depends on the standard library alone. It is called by
//! people and by `.ci/run`, and must never leave a half-made state that a second run does not mend.

mod bench;
mod compiler;
mod debian;
mod garage;
mod guests;
mod host;
mod npm;
mod python;
mod steps;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  build                    build the plugins and the server, both in release mode
  serve [ARGS...]          build, then run `bulkhead serve ARGS`
  test [--fast | --all] [FILTER]
                           set up what the tests need, build, and run every test
                             --all    also build what takes long to build, once, for the tests that need it: Garage
                             --fast   unit tests and the quick end-to-end tests only: no Docker, no crash and no memory test
                             FILTER   run only the tests whose name contains it
  bench [ARGS...]          measure the server beside Debian's docker-registry on the same disk
  bench soak [ARGS...]     load the server with 32 clients for 10 minutes, and look for what is lost or wrong
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let outcome = match command.as_deref() {
        Some("build") if rest.is_empty() => host::build_all(&root()),
        Some("serve") => host::serve(&root(), &rest),
        Some("test") => test::Options::parse(&rest).and_then(|options| test::run(&root(), &options)),
        Some("bench") => bench::run_bench(&root(), &rest),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The repository: two folders above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/xtask lies two folders below the repository")
        .to_path_buf()
}

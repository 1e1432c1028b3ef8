//! `cargo xtask test`: every check of the project, all of them run even where one fails, then a summary.

use std::path::Path;

use crate::compiler::{self, Compiler};
use crate::steps::{self, Outcome, ask, cargo, step};
use crate::{debian, garage, guests, host, npm, python};

/// What the command line asked for.
pub struct Options {
    fast: bool,
    all: bool,
    filter: Option<String>,
}

impl Options {
    /// Reads the arguments behind `test`.
    pub fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self { fast: false, all: false, filter: None };
        for argument in arguments {
            match argument.as_str() {
                "--fast" => options.fast = true,
                "--all" => options.all = true,
                flag if flag.starts_with('-') => {
                    return Err(format!("`{flag}` is not an option of `test`; there are `--fast` and `--all`"));
                }
                filter if options.filter.is_none() => options.filter = Some(filter.to_owned()),
                extra => return Err(format!("`{extra}` is a second filter; one is possible")),
            }
        }
        if options.fast && options.all { Err("`--fast` and `--all` cannot both be".to_owned()) } else { Ok(options) }
    }
}

/// The end-to-end modules that need a container engine or minutes of time.
const SLOW_MODULES: &[&str] = &[
    "docker::",
    "containerd::",
    "engines::",
    "skopeo::",
    "artifacts::",
    "login_pages::",
    "oidc::",
    "azurite::",
    "moto::",
    GARAGE_MODULES,
    "swap::",
    "crash::",
    "memory::",
];

/// Those that need Garage, wherever they are.
const GARAGE_MODULES: &str = "garage::";

/// Sets up, builds, runs every step, and answers with an error if one failed.
pub fn run(root: &Path, options: &Options) -> Outcome {
    debian::ensure(if options.fast { debian::FAST_TESTS } else { debian::TESTS })?;
    if !options.fast {
        npm::ensure(root)?;
        python::ensure(root)?;
    }
    if options.all {
        garage::ensure(root)?;
    }
    let garage = garage::find(root);
    host::build_all(root)?;

    let mut report = Report::default();
    if options.filter.is_none() {
        formatting(root, &mut report);
        if !options.fast {
            lints(root, &mut report);
        }
    }
    for manifest in guests::workspaces(root) {
        let name = manifest.parent().and_then(|folder| folder.strip_prefix(root).ok()).unwrap_or(root).display().to_string();
        report.step(&format!("unit tests of the guests in {name}"), || {
            let mut command = cargo(root);
            command.args(["test", "--release", "--workspace", "--manifest-path"]).arg(&manifest);
            command.arg("--target-dir").arg(guests::target_folder(root)).args(&options.filter);
            steps::run(&mut command)
        });
    }
    if garage.is_none() && !options.fast {
        report.skip("tests on Garage", "it is not there: `cargo xtask test --all` builds it once");
    }
    report.step("tests of the host, and end to end", || {
        let mut command = cargo(root);
        command
            .args(["test", "--release", "--no-fail-fast", "--workspace", "--exclude", "xtask"])
            .args(&options.filter)
            .arg("--");
        if options.fast {
            command.args(SLOW_MODULES.iter().flat_map(|module| ["--skip", module]));
        } else if garage.is_none() {
            command.args(["--skip", GARAGE_MODULES]);
        }
        if let Some(program) = &garage {
            command.env("BULKHEAD_GARAGE", program);
        }
        command
            .env("BULKHEAD_PLUGINS", guests::bundled_folder(root))
            .env("BULKHEAD_GUESTS", guests::others_folder(root))
            .env("BULKHEAD_NODE", npm::folder(root))
            .env("BULKHEAD_MOTO", python::moto(root))
            .env("BULKHEAD_BIN", host::binary(root));
        steps::run(&mut command)
    });
    report.finish()
}

fn formatting(root: &Path, report: &mut Report) {
    if ask(cargo(root).args(["fmt", "--version"])).is_none() {
        report.skip("formatting", "rustfmt is not installed");
        return;
    }
    report.step("formatting", || {
        steps::run(cargo(root).args(["fmt", "--all", "--check"]))?;
        for manifest in guests::workspaces(root) {
            steps::run(cargo(root).args(["fmt", "--all", "--check", "--manifest-path"]).arg(manifest))?;
        }
        Ok(())
    });
}

fn lints(root: &Path, report: &mut Report) {
    if ask(cargo(root).args(["clippy", "--version"])).is_none() {
        report.skip("lints", "clippy is not installed");
        return;
    }
    report.step("lints", || {
        steps::run(
            cargo(root)
                .args(["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"])
                .env("BULKHEAD_PLUGINS", guests::bundled_folder(root)),
        )
    });
    if !compiler::has_target() {
        report.skip("lints of the guests", "the toolchain has not their target");
        return;
    }
    report.step("lints of the guests", || {
        for manifest in guests::workspaces(root) {
            let mut command = Compiler::Native.command(root, "clippy");
            command.arg("--workspace").arg("--manifest-path").arg(manifest).arg("--target-dir").arg(guests::target_folder(root));
            steps::run(command.args(["--", "-D", "warnings"]))?;
        }
        Ok(())
    });
}

/// What was run, and how it ended.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failed: usize,
}

impl Report {
    fn step(&mut self, name: &str, action: impl FnOnce() -> Outcome) {
        match step(name, action) {
            Ok(()) => self.lines.push(format!("ok      {name}")),
            Err(message) => {
                self.failed += 1;
                self.lines.push(format!("FAILED  {name}: {message}"));
            }
        }
    }

    fn skip(&mut self, name: &str, why: &str) {
        eprintln!("==> {name}: left out, {why}");
        self.lines.push(format!("left out {name}: {why}"));
    }

    fn finish(self) -> Outcome {
        eprintln!("\nSummary");
        for line in &self.lines {
            eprintln!("  {line}");
        }
        if self.failed == 0 { Ok(()) } else { Err(format!("{} of {} steps failed", self.failed, self.lines.len())) }
    }
}

//! How the plugins are compiled on this machine: by the toolchain that runs us, or by Debian's with parts unpacked below `target`.
//!
//! Called by `guests` and by the lints. It asks for root only where a package is missing, and leaves nothing half unpacked behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::steps::{Outcome, ask, cargo, find_program, run};

/// What plugins are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// Debian's Rust that is new enough, with the sources of its standard library.
const RUST: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// Between two flags in `CARGO_ENCODED_RUSTFLAGS`, so that a path may have a space.
const SEPARATOR: &str = "\u{1f}";

/// How the guests are compiled on this machine.
pub enum Compiler {
    /// The toolchain that runs us has the target.
    Native,
    /// Debian's compiler builds the standard library itself, against the C library unpacked in this folder.
    Debian {
        /// Where `wasi-libc` was unpacked.
        libc: PathBuf,
        /// Makes a component of a core module.
        linker: PathBuf,
        /// Makes the core module.
        wasm_ld: PathBuf,
    },
}

impl Compiler {
    /// What this machine has, or what can be fetched for it.
    pub fn ensure(root: &Path) -> Outcome<Self> {
        if has_target() {
            return Ok(Self::Native);
        }
        let rustup = find_program("rustup").map(|rustup| run(Command::new(rustup).args(["target", "add", TARGET])));
        if has_target() {
            return Ok(Self::Native);
        }
        let why = match rustup {
            None => "rustup is not installed".to_owned(),
            Some(Ok(())) => "rustup added it to another toolchain than the one in use".to_owned(),
            Some(Err(message)) => message,
        };
        Self::from_debian(root).map_err(|message| {
            let lld = newest_lld().unwrap_or_else(|| "lld-NUMBER (the newest)".to_owned());
            let packages = RUST.join(" ");
            format!(
                "no compiler for {TARGET} ({why}; {message}). Install the target with `rustup target add {TARGET}`, or as root on \
                 Debian: apt-get update && apt-get install {packages} {lld}"
            )
        })
    }

    /// Debian's Rust, which has the sources of the standard library but not this target.
    fn from_debian(root: &Path) -> Outcome<Self> {
        let linker = component_linker().ok_or("the toolchain has no wasm-component-ld")?;
        let libc = root.join("target/wasi-libc");
        let mut parts = Parts::look(&libc);
        if !parts.are_complete() {
            parts.refresh(&libc)?;
            parts.fetch(&libc)?;
        }
        let wasm_ld = parts.wasm_ld().ok_or("Debian's lld brought no wasm-ld")?;
        Ok(Self::Debian { libc, linker, wasm_ld })
    }

    /// Cargo with this subcommand, for the guests: in release mode, for their target. Paths of this machine are kept out of what is compiled.
    pub fn command(&self, root: &Path, subcommand: &str) -> Command {
        let mut flags = remapped(root);
        match self {
            Self::Native => {
                let mut command = cargo(root);
                command.args([subcommand, "--release", "--target", TARGET]);
                command.env("CARGO_ENCODED_RUSTFLAGS", flags.join(SEPARATOR));
                command
            }
            Self::Debian { libc, linker, wasm_ld } => {
                let mut command = Command::new("/usr/bin/cargo");
                let path = std::env::var("PATH").unwrap_or_default();
                flags.extend([
                    format!("-Clinker={}", linker.display()),
                    "-Clinker-flavor=wasm-ld".to_owned(),
                    "-Clink-self-contained=no".to_owned(),
                    format!("-Lnative={}", libc.join(LIBC_FOLDER).display()),
                    format!("-Clink-arg=--wasm-ld-path={}", wasm_ld.display()),
                    // Debian's library is older than the sockets of WASI 0.2. A program that calls one traps there; no plugin has a use for them.
                    "-Clink-arg=--unresolved-symbols=ignore-all".to_owned(),
                ]);
                command
                    .current_dir(root)
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("RUSTC")
                    .env("PATH", format!("/usr/bin:{path}"))
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_ENCODED_RUSTFLAGS", flags.join(SEPARATOR))
                    .args([subcommand, "--release", "-Z", "build-std=std,panic_abort", "--target", TARGET]);
                command
            }
        }
    }
}

/// Flags that give the repository and cargo's folder the same names everywhere: a plugin's bytes, and so its digest, are then the same
/// whoever builds it, and it tells nobody where that was.
fn remapped(root: &Path) -> Vec<String> {
    let mut flags = vec![format!("--remap-path-prefix={}=/bulkhead", root.display())];
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
    }
    flags
}

/// Where the package `wasi-libc` has its libraries.
const LIBC_FOLDER: &str = "usr/lib/wasm32-wasi";

/// What of Debian's is there.
struct Parts {
    /// Packages that have to be installed.
    missing: Vec<String>,
    lld: Option<String>,
    libc: bool,
}

impl Parts {
    fn look(libc: &Path) -> Self {
        let lld = newest_lld();
        let wanted = RUST.iter().map(|name| (*name).to_owned()).chain(lld.clone());
        Self { missing: wanted.filter(|name| !debian::is_installed(name)).collect(), lld, libc: libc.join(LIBC_FOLDER).is_dir() }
    }

    fn are_complete(&self) -> bool {
        self.missing.is_empty() && self.wasm_ld().is_some() && self.libc
    }

    fn wasm_ld(&self) -> Option<PathBuf> {
        find_program(&self.lld.as_ref()?.replace("lld", "wasm-ld"))
    }

    /// Brings the package lists up to date, where that is possible, and looks again: without them not even the newest lld is known.
    fn refresh(&mut self, libc: &Path) -> Outcome {
        if debian::can_install() {
            run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
            *self = Self::look(libc);
        }
        if self.lld.is_none() {
            return Err("Debian's package lists have no lld".to_owned());
        }
        Ok(())
    }

    fn fetch(&mut self, libc: &Path) -> Outcome {
        if !self.missing.is_empty() {
            if !debian::can_install() {
                return Err(format!("root and apt-get are needed to install {}", self.missing.join(" ")));
            }
            debian::install(&self.missing.iter().map(String::as_str).collect::<Vec<_>>())?;
            self.missing.clear();
        }
        if !self.libc {
            unpack_libc(libc)?;
            self.libc = true;
        }
        Ok(())
    }
}

/// Fetches `wasi-libc` and unpacks it here. It is not installed: Debian's depends on a compiler of its own. Done in a fresh folder beside,
/// so that no package of an earlier attempt is taken for this one and the final name means a whole library.
fn unpack_libc(libc: &Path) -> Outcome {
    let fresh = libc.with_extension("fresh");
    let shown = |error: std::io::Error| format!("{}: {error}", fresh.display());
    for old in [&fresh, &libc.to_path_buf()] {
        if old.exists() {
            fs::remove_dir_all(old).map_err(|error| format!("{}: {error}", old.display()))?;
        }
    }
    fs::create_dir_all(&fresh).map_err(shown)?;
    run(Command::new("apt-get").current_dir(&fresh).args(["download", "--quiet=2", "wasi-libc"]))?;
    let package = fs::read_dir(&fresh)
        .map_err(shown)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or("apt-get downloaded no package wasi-libc")?;
    run(Command::new("dpkg").arg("-x").arg(&package).arg(&fresh))?;
    if !fresh.join(LIBC_FOLDER).is_dir() {
        return Err(format!("{} has no {LIBC_FOLDER}", package.display()));
    }
    fs::rename(&fresh, libc).map_err(shown)
}

/// Whether the toolchain that runs us has the target.
pub fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    ask(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]))
        .is_some_and(|folder| Path::new(&folder).is_dir())
}

/// The linker that turns a core module into a component; every toolchain of rustup carries it.
fn component_linker() -> Option<PathBuf> {
    let sysroot = ask(Command::new("rustc").args(["--print", "sysroot"]))?;
    let host = ask(Command::new("rustc").arg("-vV"))?.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned))?;
    let linker = Path::new(&sysroot).join("lib/rustlib").join(host).join("bin/wasm-component-ld");
    linker.is_file().then_some(linker)
}

/// The newest numbered package of lld, installed or to be had: the plain one is too old for current Rust.
fn newest_lld() -> Option<String> {
    let names = ask(Command::new("apt-cache").args(["pkgnames", "lld-"]))?;
    let newest = names.lines().filter_map(|name| name.strip_prefix("lld-")?.parse::<u32>().ok()).max()?;
    Some(format!("lld-{newest}"))
}

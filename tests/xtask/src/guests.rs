//! The plugins: their compilation target, their build, and the folders in which the host and the tests look for them.
//!
//! The guests have a target directory of their own, so that cargo's lock and its fingerprints never mix with the host's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::debian;
use crate::steps::{Outcome, ask, cargo, find_program, run, step};

const TARGET: &str = "wasm32-wasip2";

/// The plugins that are embedded in the binary as `builtin:NAME`.
const BUNDLED: &[&str] = &["storage-fs", "auth-htpasswd", "policy-rules", "webhook-http"];

/// The workspaces that hold guests; a folder that has no workspace manifest is a member of another.
const WORKSPACES: &[&str] = &["plugins", "examples", "tests/guests"];

/// Where the host's build looks for the bundled plugins.
pub fn bundled_folder(root: &Path) -> PathBuf {
    root.join("target/plugins")
}

/// Where the tests look for all other guests: examples and hostile programs.
pub fn others_folder(root: &Path) -> PathBuf {
    root.join("target/guests-out")
}

/// The guests' own target directory.
pub fn target_folder(root: &Path) -> PathBuf {
    root.join("target/guests")
}

/// The manifests of all guest workspaces.
pub fn workspaces(root: &Path) -> Vec<PathBuf> {
    WORKSPACES
        .iter()
        .map(|folder| root.join(folder).join("Cargo.toml"))
        .filter(|manifest| fs::read_to_string(manifest).is_ok_and(|text| text.contains("[workspace]")))
        .collect()
}

/// Builds every guest and lays the components where they are looked for.
pub fn build(root: &Path) -> Outcome {
    let compiler = step("find a compiler for the plugins' target", || Compiler::ensure(root))?;
    step("build the plugins", || {
        for manifest in workspaces(root) {
            run(compiler.command(root).arg("--manifest-path").arg(manifest).arg("--target-dir").arg(target_folder(root)))?;
        }
        collect(root)
    })
}

/// Copies the components, and touches no file whose content is right already: a changed time would rebuild the host.
fn collect(root: &Path) -> Outcome {
    let built = target_folder(root).join(TARGET).join("release");
    let listing = fs::read_dir(&built).map_err(|error| format!("{}: {error}", built.display()))?;
    let (bundled, others) = (bundled_folder(root), others_folder(root));
    for folder in [&bundled, &others] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut seen = Vec::new();
    for entry in listing.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "wasm") {
            continue;
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-");
        let folder = if BUNDLED.contains(&stem.as_str()) { &bundled } else { &others };
        copy_if_changed(&path, &folder.join(format!("{stem}.wasm")))?;
        seen.push(stem);
    }
    match BUNDLED.iter().find(|name| !seen.iter().any(|stem| stem == *name)) {
        None => Ok(()),
        Some(name) => {
            Err(format!("the plugin `{name}` was not built: is it a member of plugins/Cargo.toml with crate-type cdylib?"))
        }
    }
}

fn copy_if_changed(from: &Path, to: &Path) -> Outcome {
    let fresh = fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
    if fs::read(to).is_ok_and(|present| present == fresh) {
        return Ok(());
    }
    fs::write(to, fresh).map_err(|error| format!("{}: {error}", to.display()))
}

/// How the guests are compiled on this machine.
enum Compiler {
    /// The toolchain that runs us has the target.
    Native,
    /// Debian's compiler builds the standard library itself, against the C library unpacked in this folder.
    Debian { libc: PathBuf, linker: PathBuf, wasm_ld: PathBuf },
}

impl Compiler {
    /// What this machine has, or what can be fetched for it.
    fn ensure(root: &Path) -> Outcome<Self> {
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
            format!("no compiler for {TARGET} ({why}; {message}). Install the target with `rustup target add {TARGET}`, or as root on Debian: apt-get install rustc-web cargo-web rust-web-src lld wasi-libc")
        })
    }

    /// Debian's Rust, which has the sources of the standard library but not this target.
    fn from_debian(root: &Path) -> Outcome<Self> {
        if !debian::can_install() {
            return Err("Debian's packages need root and apt-get".to_owned());
        }
        let linker = component_linker().ok_or("the toolchain has no wasm-component-ld")?;
        run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
        let lld = newest_lld().ok_or("Debian has no package of lld")?;
        debian::install(&["rustc-web", "cargo-web", "rust-web-src", &lld])?;
        let wasm_ld = find_program(&lld.replace("lld", "wasm-ld")).ok_or("Debian's lld brought no wasm-ld")?;
        let libc = root.join("target/wasi-libc");
        fs::create_dir_all(&libc).map_err(|error| format!("{}: {error}", libc.display()))?;
        run(Command::new("apt-get").current_dir(&libc).args(["download", "--quiet=2", "wasi-libc"]))?;
        let package = fs::read_dir(&libc)
            .map_err(|error| format!("{}: {error}", libc.display()))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .ok_or("apt-get downloaded no package wasi-libc")?;
        run(Command::new("dpkg").arg("-x").arg(package).arg(&libc))?;
        Ok(Self::Debian { libc, linker, wasm_ld })
    }

    fn command(&self, root: &Path) -> Command {
        match self {
            Self::Native => {
                let mut command = cargo(root);
                command.args(["build", "--release", "--target", TARGET]);
                command
            }
            Self::Debian { libc, linker, wasm_ld } => {
                let mut command = Command::new("/usr/bin/cargo");
                let path = std::env::var("PATH").unwrap_or_default();
                let flags = format!(
                    "-C linker={} -C linker-flavor=wasm-ld -C link-self-contained=no -L native={} -C link-arg=--wasm-ld-path={}",
                    linker.display(),
                    libc.join("usr/lib/wasm32-wasi").display(),
                    wasm_ld.display()
                );
                command
                    .current_dir(root)
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("RUSTC")
                    .env("PATH", format!("/usr/bin:{path}"))
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", flags)
                    .args(["build", "--release", "-Z", "build-std=std,panic_abort", "--target", TARGET]);
                command
            }
        }
    }
}

fn has_target() -> bool {
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

/// The newest numbered package of lld: the plain one is too old for current Rust.
fn newest_lld() -> Option<String> {
    let names = ask(Command::new("apt-cache").args(["pkgnames", "lld-"]))?;
    let newest = names.lines().filter_map(|name| name.strip_prefix("lld-")?.parse::<u32>().ok()).max()?;
    Some(format!("lld-{newest}"))
}

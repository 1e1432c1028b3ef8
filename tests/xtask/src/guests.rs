//! The plugins: their compilation target, their build, and the folders in which the host and the tests look for them.
//!
//! The guests have a target directory of their own, so that cargo's lock and its fingerprints never mix with the host's.

use std::fs;
use std::path::{Path, PathBuf};

use crate::compiler::{Compiler, TARGET};
use crate::steps::{Outcome, run, step};

/// The plugins that are embedded in the binary as `builtin:NAME`.
const BUNDLED: &[&str] = &[
    "storage-fs",
    "storage-s3",
    "storage-azure",
    "storage-encrypt",
    "storage-tier",
    "storage-memory",
    "auth-accounts",
    "auth-htpasswd",
    "auth-oidc",
    "auth-mtls",
    "auth-http",
    "policy-rules",
    "policy-immutable-tags",
    "policy-content",
    "webhook-http",
];

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
            run(compiler
                .command(root, "build")
                .arg("--manifest-path")
                .arg(manifest)
                .arg("--target-dir")
                .arg(target_folder(root)))?;
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

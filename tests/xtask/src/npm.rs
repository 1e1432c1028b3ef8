//! npm's packages that the end-to-end tests run, of versions that are written here, in a folder of their own below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{Outcome, run, step};

/// The package and its version. Later ones of `azurite` need a later Node.js than Debian's.
const PACKAGES: &[(&str, &str)] = &[("oidc-provider", "9.13.3"), ("azurite", "3.35.0")];

/// Where the tests look for `node_modules`.
pub fn folder(root: &Path) -> PathBuf {
    root.join("target/node")
}

/// Installs the packages that are missing, or there in another version; does nothing, and says nothing, where all are right.
pub fn ensure(root: &Path) -> Outcome {
    let folder = folder(root);
    let missing: Vec<String> = PACKAGES
        .iter()
        .filter(|(name, version)| !is_installed(&folder, name, version))
        .map(|(name, version)| format!("{name}@{version}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    step(&format!("install npm packages: {}", missing.join(" ")), || {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        run(Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", "--prefix"])
            .arg(&folder)
            .args(&missing))
    })
}

fn is_installed(folder: &Path, name: &str, version: &str) -> bool {
    let manifest = fs::read_to_string(folder.join("node_modules").join(name).join("package.json")).unwrap_or_default();
    manifest.lines().any(|line| line.trim().trim_end_matches(',') == format!("\"version\": \"{version}\""))
}

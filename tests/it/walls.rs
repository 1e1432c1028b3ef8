//! The law of the walls: who may depend on whom, and how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use bulkhead_tests::{places, programs};
use serde_json::Value;

/// Our crates, and those of ours that each may depend on.
const OURS: &[(&str, &[&str])] = &[
    ("bulkhead-oci", &[]),
    ("bulkhead-core", &["bulkhead-oci"]),
    ("bulkhead-storage", &["bulkhead-oci", "bulkhead-core"]),
    ("bulkhead-catalog", &["bulkhead-oci", "bulkhead-core"]),
    ("bulkhead-plugin-bindings", &[]),
    ("bulkhead-plugin", &["bulkhead-oci", "bulkhead-core", "bulkhead-plugin-bindings"]),
    ("bulkhead-http", &["bulkhead-oci", "bulkhead-core"]),
];

/// Libraries that only these crates may name.
const KEPT: &[(&str, &[&str])] = &[
    ("axum", &["bulkhead-http"]),
    ("hyper", &["bulkhead-http"]),
    ("hyper-util", &["bulkhead-http"]),
    ("wasmtime", &["bulkhead-plugin", "bulkhead-plugin-bindings"]),
    ("wasmtime-wasi", &["bulkhead-plugin", "bulkhead-plugin-bindings"]),
    ("reqwest", &["bulkhead-plugin", "bulkhead"]),
    ("rustls", &["bulkhead-plugin", "bulkhead-http", "bulkhead"]),
    ("cap-std", &["bulkhead-plugin"]),
    ("sqlx", &["bulkhead-catalog"]),
    ("toml", &["bulkhead"]),
    ("clap", &["bulkhead"]),
];

/// The longest a source file may be.
const LINES: usize = 600;

/// The crates of the host's workspace with all that each depends on when it is built, tests apart.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = places::repository().join("Cargo.toml");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let ended =
        programs::run(cargo.args(["metadata", "--no-deps", "--offline", "--format-version=1", "--manifest-path"]).arg(manifest));
    let metadata: Value = serde_json::from_str(&ended.expect_success().stdout).unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().unwrap();
            (name(package), all.iter().filter(|dependency| dependency["kind"].is_null()).map(name).collect())
        })
        .collect()
}

#[test]
fn every_crate_of_the_host_depends_only_on_those_that_the_law_names() {
    let dependencies = dependencies();
    for (name, allowed) in OURS {
        let used = dependencies.get(*name).unwrap_or_else(|| panic!("the crate {name} is missing"));
        for ours in used.iter().filter(|used| *used == "bulkhead" || used.starts_with("bulkhead-")) {
            assert!(allowed.contains(&ours.as_str()), "{name} must not depend on {ours}");
        }
    }
    let known: BTreeSet<&str> = OURS.iter().map(|(name, _)| *name).chain(["bulkhead", "bulkhead-tests", "xtask"]).collect();
    for name in dependencies.keys() {
        assert!(known.contains(name.as_str()), "{name} is a crate that the law does not name");
    }
}

#[test]
fn each_library_of_the_outside_world_stays_in_its_room() {
    let dependencies = dependencies();
    for (library, rooms) in KEPT {
        let named = rooms.iter().any(|room| dependencies.get(*room).is_some_and(|used| used.contains(*library)));
        assert!(named, "no room of {library} depends on it any more: the law names what is not there");
    }
    for (name, used) in dependencies {
        for (library, rooms) in KEPT {
            assert!(!used.contains(*library) || rooms.contains(&name.as_str()), "{name} must not depend on {library}");
        }
    }
}

#[test]
fn the_tests_and_the_setup_know_nothing_of_the_inside_of_the_server() {
    let dependencies = dependencies();
    let empty = BTreeSet::new();
    assert!(dependencies.get("xtask").unwrap_or(&empty).is_empty(), "xtask is built on cold machines, with nothing");
    assert!(!dependencies["bulkhead-tests"].contains("bulkhead"), "the end-to-end tests see the binary alone");
}

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let root = places::repository();
    for folder in ["host", "plugin-sdk", "plugins", "examples", "tests"] {
        check_lengths(&root.join(folder));
    }
}

fn check_lengths(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            check_lengths(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= LINES, "{} has {lines} lines", path.display());
        }
    }
}

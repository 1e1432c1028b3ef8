//! Embeds the bundled plugins: writes a table of their components for `src/bundled.rs`.
//!
//! They are looked for in `target/plugins`, or in the folder that the environment variable `BULKHEAD_PLUGINS` names. Nothing is built
//! here: `cargo xtask build` does it, since guests have another target and a target directory of their own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::exit;

const BUNDLED: &[&str] = &[
    "auth-accounts",
    "auth-htpasswd",
    "auth-http",
    "auth-mtls",
    "auth-oidc",
    "policy-content",
    "policy-immutable-tags",
    "policy-rules",
    "storage-fs",
    "storage-s3",
    "storage-azure",
    "storage-encrypt",
    "storage-tier",
    "storage-memory",
    "webhook-http",
];

fn main() {
    println!("cargo::rerun-if-env-changed=BULKHEAD_PLUGINS");
    println!("cargo::rerun-if-changed=build.rs");
    let folder = std::env::var_os("BULKHEAD_PLUGINS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins"), PathBuf::from);
    let mut table =
        "/// Name and component of each bundled plugin, sorted by name.\npub static BUNDLED: &[(&str, &[u8])] = &[\n".to_owned();
    for name in BUNDLED {
        let path = folder.join(format!("{name}.wasm"));
        println!("cargo::rerun-if-changed={}", path.display());
        let Ok(path) = path.canonicalize() else {
            println!(
                "cargo::error={} is missing: run `cargo xtask build`, which builds the bundled plugins first",
                path.display()
            );
            exit(1);
        };
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", path.display().to_string()).expect("a string takes all text");
    }
    table.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("bundled.rs");
    // A table with the same text is left alone, so that nothing is compiled again for it.
    if std::fs::read_to_string(&out).ok().as_deref() != Some(table.as_str())
        && let Err(error) = std::fs::write(&out, table)
    {
        println!("cargo::error={}: {error}", out.display());
        exit(1);
    }
}

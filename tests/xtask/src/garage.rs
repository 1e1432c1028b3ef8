//! Garage, the object store that the tests of `storage-s3` run on. It takes a quarter to half an hour to build, so that is done where it was
//! asked for, and once: into `BULKHEAD_CACHE`, if that is set, or else below `target`.

use std::path::{Path, PathBuf};

use crate::steps::{Outcome, cargo, run, step};

const VERSION: &str = "2.5.0";

/// Its program, if it is there: `BULKHEAD_GARAGE`, or what [`build`] has built.
pub fn find(root: &Path) -> Option<PathBuf> {
    let given = std::env::var_os("BULKHEAD_GARAGE").map(PathBuf::from);
    given.into_iter().chain([folder(root).join("bin/garage")]).find(|program| program.is_file())
}

/// Builds it where it is not there.
pub fn ensure(root: &Path) -> Outcome {
    if find(root).is_some() {
        return Ok(());
    }
    step(&format!("build Garage {VERSION}, which takes long"), || {
        run(cargo(root).args(["install", "garage", "--locked", "--version", VERSION, "--root"]).arg(folder(root)))
    })
}

fn folder(root: &Path) -> PathBuf {
    std::env::var_os("BULKHEAD_CACHE").map_or_else(|| root.join("target"), PathBuf::from).join("garage")
}

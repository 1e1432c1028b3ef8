//! skopeo, and the OCI layouts that it copies from and to.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::image::Blob;
use crate::programs::{self, Ended};
use crate::users::User;

/// Runs `skopeo` with these arguments.
#[must_use]
pub fn run(arguments: &[&str]) -> Ended {
    programs::run(Command::new("skopeo").arg("--insecure-policy").args(arguments))
}

/// `name:password`, as skopeo's options for credentials have it.
#[must_use]
pub fn credentials(user: User) -> String {
    format!("{}:{}", user.name, user.password)
}

/// Writes an OCI layout whose one entry is `top`; `blobs` are all that it leads to.
///
/// # Panics
/// Where the folder cannot be written.
pub fn write_layout(folder: &Path, top: &Blob, tag: &str, blobs: &[&Blob]) {
    let blob_folder = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blob_folder).expect("the test's folder can be written");
    for blob in blobs.iter().chain([&top]) {
        let name = blob.digest.strip_prefix("sha256:").expect("blobs are named by SHA-256");
        std::fs::write(blob_folder.join(name), &blob.bytes).expect("the test's folder can be written");
    }
    let mut descriptor = top.descriptor();
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    let index = json!({ "schemaVersion": 2, "manifests": [descriptor] });
    std::fs::write(folder.join("index.json"), index.to_string()).expect("the test's folder can be written");
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("the test's folder can be written");
}

/// The one entry of a layout, and its bytes.
///
/// # Panics
/// Where the layout is none.
#[must_use]
pub fn read_layout(folder: &Path) -> (Value, Vec<u8>) {
    let index = std::fs::read(folder.join("index.json")).expect("the layout has an index");
    let index: Value = serde_json::from_slice(&index).expect("the index is JSON");
    let entry = index["manifests"][0].clone();
    let name = entry["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:")).expect("the entry has a digest");
    let bytes = std::fs::read(folder.join("blobs/sha256").join(name)).expect("the layout has what its index names");
    (entry, bytes)
}

/// A gzipped tar archive with one file of this text, as a layer is, and the digest of the archive itself.
#[must_use]
pub fn layer(media_type: &str, text: &str) -> (Blob, String) {
    let folder = crate::places::TempDir::new();
    std::fs::write(folder.path().join("file"), text).expect("the test's folder can be written");
    let archive = folder.path().join("layer.tar");
    programs::run(Command::new("tar").arg("-C").arg(folder.path()).arg("-cf").arg(&archive).arg("file")).expect_success();
    let plain = std::fs::read(&archive).expect("tar has written the archive");
    let mut gzip =
        Command::new("gzip").args(["-n", "-c"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip is installed");
    // One small file: it fits the pipe.
    gzip.stdin.take().expect("stdin is a pipe").write_all(&plain).expect("gzip reads its input");
    let zipped = gzip.wait_with_output().expect("gzip ends").stdout;
    (Blob::new(media_type, zipped), crate::digest::sha256(&plain))
}

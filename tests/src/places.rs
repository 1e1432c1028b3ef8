//! Folders, ports and files of the outside world that tests use.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::programs;

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in a folder of the repository").to_path_buf()
}

/// The server's binary: `BULKHEAD_BIN`, or where a release build puts it.
#[must_use]
pub fn binary() -> PathBuf {
    let path = std::env::var_os("BULKHEAD_BIN").map_or_else(|| repository().join("target/release/bulkhead"), PathBuf::from);
    assert!(path.is_file(), "{} is not there: build it with `cargo xtask build`", path.display());
    path
}

/// The component of a guest that is not bundled, by its crate's name: `BULKHEAD_GUESTS`, or where `cargo xtask build` puts it.
#[must_use]
pub fn guest(name: &str) -> PathBuf {
    let folder = std::env::var_os("BULKHEAD_GUESTS").map_or_else(|| repository().join("target/guests-out"), PathBuf::from);
    let path = folder.join(format!("{name}.wasm"));
    assert!(path.is_file(), "{} is not there: build it with `cargo xtask build`", path.display());
    path
}

/// The component of any plugin, bundled (`BULKHEAD_PLUGINS`, or where `cargo xtask build` puts them) or not.
#[must_use]
pub fn component(name: &str) -> PathBuf {
    let folder = std::env::var_os("BULKHEAD_PLUGINS").map_or_else(|| repository().join("target/plugins"), PathBuf::from);
    let bundled = folder.join(format!("{name}.wasm"));
    if bundled.is_file() { bundled } else { guest(name) }
}

/// Where the packages of npm lie that tests run: `BULKHEAD_NODE`, or where `cargo xtask test` puts them.
///
/// # Panics
/// Where this package is not there.
#[must_use]
pub fn node_folder(package: &str) -> PathBuf {
    let folder = std::env::var_os("BULKHEAD_NODE").map_or_else(|| repository().join("target/node"), PathBuf::from);
    let installed = folder.join("node_modules").join(package).is_dir();
    assert!(installed, "npm's {package} is not in {}: `cargo xtask test` installs it", folder.display());
    folder
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A new folder that is removed when the value is dropped; kept where the test panics, and then named on the error output.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes it below the system's folder for temporary files.
    #[must_use]
    pub fn new() -> Self {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("bulkhead-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for temporary files can be written");
        Self(path)
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for TempDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.0.display());
        } else {
            // What a container engine still holds is left to the system.
            std::fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// A port of 127.0.0.1 that nobody uses, below those that the kernel hands to outgoing connections, so that none of these takes
/// it before the server does. Each call of a process gives another.
#[must_use]
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    loop {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let start = std::process::id().wrapping_mul(61);
        let port = u16::try_from(FIRST + start.wrapping_add(number) % COUNT).expect("the range lies below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A tar archive with a static busybox and a file of this text, written to the folder: what an image is made of.
///
/// # Panics
/// Where busybox is not installed, or the folder cannot be written.
#[must_use]
pub fn busybox_archive(folder: &Path, text: &str) -> PathBuf {
    let root = folder.join("root");
    std::fs::create_dir_all(root.join("bin")).expect("the test's folder can be written");
    let busybox =
        ["/bin/busybox", "/usr/bin/busybox"].iter().find(|path| Path::new(path).is_file()).expect("busybox is installed");
    std::fs::copy(busybox, root.join("bin/sh")).expect("busybox can be copied");
    std::fs::write(root.join("about"), text).expect("the test's folder can be written");
    let archive = folder.join("root.tar");
    programs::run(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".")).expect_success();
    archive
}

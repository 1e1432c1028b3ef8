//! A real containerd, one for each test process, and its client `ctr`, each in a namespace of its own.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::daemon::Daemon;
use crate::places::TempDir;
use crate::programs::{self, Ended};
use crate::tree::Tree;
use crate::users::User;

/// Everything in one folder; content of one namespace is none of another's, so that a pull has to fetch it; and nothing that needs
/// more than a plain file system.
const SETTINGS: &str = r#"version = 2
root = "@DIR@/root"
state = "@DIR@/state"
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.restart", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.overlayfs", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "@DIR@/socket"
[ttrpc]
address = "@DIR@/ttrpc"
[plugins."io.containerd.internal.v1.opt"]
path = "@DIR@/opt"
[plugins."io.containerd.metadata.v1.bolt"]
content_sharing_policy = "isolated"
"#;

fn daemon() -> &'static Daemon {
    static DAEMON: OnceLock<Daemon> = OnceLock::new();
    DAEMON.get_or_init(|| Daemon::start("containerd", containerd, answers))
}

fn containerd(folder: &Path) -> Vec<String> {
    let file = folder.join("config.toml");
    let settings = SETTINGS.replace("@DIR@", &folder.display().to_string());
    std::fs::write(&file, settings).expect("the daemon's folder can be written");
    vec!["containerd".to_owned(), "--config".to_owned(), file.display().to_string()]
}

fn answers(folder: &Path) -> bool {
    programs::run(&mut ctr(folder, &["version"])).status.success()
}

fn ctr(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("ctr");
    command.arg("--address").arg(folder.join("socket")).args(arguments).env_remove("CONTAINERD_NAMESPACE");
    command
}

/// `ctr` with content and images of its own.
pub struct Ctr {
    daemon: &'static Daemon,
    namespace: String,
}

impl Ctr {
    /// With nothing in it. Starts the daemon if it is the first.
    #[must_use]
    pub fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        Self { daemon: daemon(), namespace: format!("test-{}", COUNTER.fetch_add(1, Ordering::Relaxed)) }
    }

    /// What makes any `ctr` in its environment this one.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let address = self.daemon.folder().join("socket").display().to_string();
        let settings = [("ADDRESS", address), ("NAMESPACE", self.namespace.clone()), ("SNAPSHOTTER", "native".to_owned())];
        settings.map(|(name, value)| (format!("CONTAINERD_{name}"), value)).to_vec()
    }

    /// Runs `ctr` with these arguments.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let namespaced: Vec<&str> = ["--namespace", &self.namespace].into_iter().chain(arguments.iter().copied()).collect();
        programs::run(&mut ctr(self.daemon.folder(), &namespaced))
    }

    /// Takes up a tree as `NAME:1`.
    ///
    /// # Panics
    /// Where it is not taken up.
    pub fn import(&self, name: &str, tree: &Tree) {
        let folder = TempDir::new();
        let archive = folder.path().join("layout.tar");
        write_archive(tree, &archive);
        let archive = archive.display().to_string();
        self.run(&["images", "import", "--all-platforms", "--no-unpack", "--base-name", name, &archive]).expect_success();
    }

    /// Pushes an image under its own name.
    #[must_use]
    pub fn push(&self, user: User, name: &str) -> Ended {
        self.run(&["images", "push", "--plain-http", "--user", &credentials(user), name])
    }

    /// Fetches an image with all its platforms, and unpacks nothing.
    #[must_use]
    pub fn fetch(&self, user: User, name: &str) -> Ended {
        self.run(&["content", "fetch", "--all-platforms", "--plain-http", "--user", &credentials(user), name])
    }

    /// Writes an image to a folder, as an OCI layout.
    ///
    /// # Panics
    /// Where something of it is missing.
    pub fn export(&self, name: &str, folder: &Path) {
        let archive = folder.join("export.tar");
        self.run(&["images", "export", "--all-platforms", &archive.display().to_string(), name]).expect_success();
        programs::run(Command::new("tar").arg("-C").arg(folder).arg("-xf").arg(&archive)).expect_success();
    }
}

impl Default for Ctr {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes a tree as an archive of an OCI layout, tagged `1`.
///
/// # Panics
/// Where it cannot be written.
pub fn write_archive(tree: &Tree, archive: &Path) {
    let folder = TempDir::new();
    tree.write_layout(folder.path(), "1");
    programs::run(Command::new("tar").arg("-C").arg(folder.path()).arg("-cf").arg(archive).arg(".")).expect_success();
}

/// `name:password`, as `--user` has it.
#[must_use]
pub fn credentials(user: User) -> String {
    format!("{}:{}", user.name, user.password)
}

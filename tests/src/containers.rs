//! podman, buildah and skopeo, shut into a folder of a test's own.
//!
//! They share configuration, storage and a cache of what they have seen at which registry, all below `/etc`, `/run` and `/var/lib`.
//! Each runs in a mount namespace where these are the test's: so nothing is left behind, no test sees another, and nothing that
//! an earlier run left decides what is sent.

use std::path::Path;
use std::process::Command;

use crate::places::{self, TempDir};
use crate::programs::{self, Ended};
use crate::samples::Platform;
use crate::users::User;

/// Puts the test's folders in the place of the system's, then runs the rest of its arguments.
const SHUT_IN: &str = r#"
folder=$1
shift
mount --no-mtab --bind "$folder/etc" /etc/containers &&
mount --no-mtab --bind "$folder/lib" /var/lib &&
mount --no-mtab --bind "$folder/tmp" /var/tmp &&
mount --no-mtab --bind "$folder/run" /run &&
exec "$@"
"#;

/// The files of `/etc/containers`: plain HTTP on loopback, no signatures, storage without mounts, no use of the system's services.
const SETTINGS: &[(&str, &str)] = &[
    ("registries.conf", "[[registry]]\nlocation = \"127.0.0.1\"\ninsecure = true\n"),
    ("policy.json", r#"{ "default": [ { "type": "insecureAcceptAnything" } ] }"#),
    (
        "storage.conf",
        "[storage]\ndriver = \"vfs\"\nrunroot = \"/run/containers/storage\"\ngraphroot = \"/var/lib/containers/storage\"\n",
    ),
    ("containers.conf", "[engine]\nevents_logger = \"none\"\nlock_type = \"file\"\ncgroup_manager = \"cgroupfs\"\n"),
];

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Runs containers; here it only carries images.
    Podman,
    /// Builds images.
    Buildah,
    /// Copies images, and keeps none.
    Skopeo,
}

impl Tool {
    const fn program(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Buildah => "buildah",
            Self::Skopeo => "skopeo",
        }
    }
}

/// One of the programs, with logins and images of its own.
pub struct Containers {
    tool: Tool,
    folder: TempDir,
}

impl Containers {
    /// Logged in nowhere, and without an image.
    ///
    /// # Panics
    /// Where the folder cannot be written.
    #[must_use]
    pub fn new(tool: Tool) -> Self {
        let folder = TempDir::new();
        for name in ["etc", "lib", "run", "home", "tmp", "build"] {
            std::fs::create_dir(folder.path().join(name)).expect("the test's folder can be written");
        }
        for (name, text) in SETTINGS {
            std::fs::write(folder.path().join("etc").join(name), text).expect("the test's folder can be written");
        }
        Self { tool, folder }
    }

    /// Runs the program with these arguments.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        programs::run(&mut self.command(arguments))
    }

    /// Logs in with the password on standard input.
    #[must_use]
    pub fn login(&self, host: &str, user: User) -> Ended {
        let mut command = self.command(&["login", "--username", user.name, "--password-stdin", host]);
        programs::run_with_input(&mut command, user.password.as_bytes())
    }

    /// Builds an image for a platform: a file system with busybox and a file of this text. `target` is where it goes, as `--tag NAME`
    /// or `--manifest NAME`. Returns the image's ID, as `sha256:` and the hash.
    ///
    /// # Panics
    /// Where it cannot be built.
    pub fn build(&self, target: [&str; 2], platform: Platform, text: &str) -> String {
        let folder = self.folder.path().join("build");
        let archive = places::busybox_archive(&folder, text);
        let name = archive.file_name().expect("an archive has a name").display();
        let steps = format!("FROM scratch\nADD {name} /\nCMD [\"/bin/sh\"]\n");
        std::fs::write(folder.join("Containerfile"), steps).expect("the test's folder can be written");
        let [option, name] = target;
        let context = folder.display().to_string();
        let ended = self.run(&["build", "--quiet", "--platform", platform.name(), option, name, &context]).expect_success();
        last_id(&ended)
    }

    /// Pulls the image of a platform; returns its ID.
    ///
    /// # Panics
    /// Where it is not pulled.
    pub fn pull(&self, name: &str, platform: Platform) -> String {
        last_id(&self.run(&["pull", "--quiet", "--platform", platform.name(), name]).expect_success())
    }

    /// Forgets all images.
    ///
    /// # Panics
    /// Where one is left.
    pub fn forget_all(&self) {
        self.run(&["rmi", "--all", "--force"]).expect_success();
        assert_eq!(self.run(&["images", "--all", "--quiet"]).expect_success().stdout, "", "all images are gone");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let path = |name: &str| self.folder.path().join(name);
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", SHUT_IN, "sh"]).arg(self.folder.path());
        command.arg(self.tool.program()).args(arguments);
        let search = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", search).env("HOME", path("home")).env("TMPDIR", path("tmp"));
        command.current_dir(self.folder.path());
        command
    }
}

/// `docker://HOST/NAME`.
#[must_use]
pub fn remote(host: &str, name: &str) -> String {
    format!("docker://{host}/{name}")
}

/// `oci:FOLDER:TAG`, an OCI layout.
#[must_use]
pub fn layout(folder: &Path, tag: &str) -> String {
    format!("oci:{}:{tag}", folder.display())
}

/// `dir:FOLDER`.
#[must_use]
pub fn dir(folder: &Path) -> String {
    format!("dir:{}", folder.display())
}

/// The ID that a program prints last.
fn last_id(ended: &Ended) -> String {
    let id = ended.stdout.split_whitespace().last().unwrap_or_else(|| panic!("no ID in {ended:?}"));
    format!("sha256:{}", id.trim_start_matches("sha256:"))
}

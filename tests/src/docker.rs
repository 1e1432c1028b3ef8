//! A real Docker daemon, one for each test process, and Docker clients, each with a login of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::daemon::Daemon;
use crate::places::{self, TempDir};
use crate::programs::{self, Ended};
use crate::users::User;

fn daemon() -> &'static Daemon {
    static DAEMON: OnceLock<Daemon> = OnceLock::new();
    DAEMON.get_or_init(|| Daemon::start("docker", dockerd, answers))
}

fn dockerd(folder: &Path) -> Vec<String> {
    let mut command = ["dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none"].map(str::to_owned).to_vec();
    for (option, file) in [("data-root", "data"), ("exec-root", "exec"), ("pidfile", "docker.pid")] {
        command.push(format!("--{option}={}", folder.join(file).display()));
    }
    command.push(format!("--host={}", socket(folder)));
    command
}

fn answers(folder: &Path) -> bool {
    programs::run(Command::new("docker").args(["--host", &socket(folder), "version"])).status.success()
}

fn socket(folder: &Path) -> String {
    format!("unix://{}/docker.sock", folder.display())
}

/// A Docker client with a configuration folder of its own.
pub struct Docker {
    daemon: &'static Daemon,
    config: TempDir,
}

impl Docker {
    /// A client that is logged in nowhere. Starts the daemon if it is the first.
    #[must_use]
    pub fn new() -> Self {
        Self { daemon: daemon(), config: TempDir::new() }
    }

    /// Runs `docker` with these arguments.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        programs::run(&mut self.command(arguments))
    }

    /// Runs `docker login` with the password on standard input.
    #[must_use]
    pub fn login(&self, host: &str, user: User) -> Ended {
        self.login_as(host, user.name, user.password)
    }

    /// The same for any name and password.
    #[must_use]
    pub fn login_as(&self, host: &str, name: &str, password: &str) -> Ended {
        let mut command = self.command(&["login", "--username", name, "--password-stdin", host]);
        programs::run_with_input(&mut command, password.as_bytes())
    }

    /// Imports a file system with busybox and a file of this text as an image; returns its ID.
    pub fn import(&self, name: &str, text: &str) -> String {
        let folder = TempDir::new();
        let archive = places::busybox_archive(folder.path(), text);
        let ended = self.run(&["import", &archive.display().to_string(), name]).expect_success();
        ended.stdout.trim().to_owned()
    }

    /// The ID of a local image, or none where there is none of this name.
    #[must_use]
    pub fn image_id(&self, name: &str) -> Option<String> {
        let ended = self.run(&["image", "inspect", "--format", "{{.Id}}", name]);
        ended.status.success().then(|| ended.stdout.trim().to_owned())
    }

    /// Forgets a local image, if there is one of this name, and panics where it is still there.
    pub fn forget(&self, name: &str) {
        let _ = self.run(&["rmi", name]);
        assert_eq!(self.image_id(name), None, "{name} is still there");
    }

    /// Where this client keeps its logins.
    #[must_use]
    pub fn auth_file(&self) -> PathBuf {
        self.config.path().join("config.json")
    }

    /// What makes any `docker` in its environment this client.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let config = self.config.path().display().to_string();
        vec![("DOCKER_HOST".to_owned(), socket(self.daemon.folder())), ("DOCKER_CONFIG".to_owned(), config)]
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).envs(self.environment()).env_remove("DOCKER_CONTEXT");
        command
    }
}

impl Default for Docker {
    fn default() -> Self {
        Self::new()
    }
}

//! A real Docker daemon, one for each test process, and Docker clients, each with a login of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::places::TempDir;
use crate::programs::{self, Ended};
use crate::users::User;

/// How long the daemon may take to start.
const START: Duration = Duration::from_secs(90);

/// Runs the daemon until standard input closes: when the test process ends, however it does.
const KEEPER: &str = r#"
folder=$1
dockerd --iptables=false --ip6tables=false --bridge=none --data-root "$folder/data" --exec-root "$folder/exec" \
    --host "unix://$folder/docker.sock" --pidfile "$folder/docker.pid" >"$folder/log" 2>&1 &
daemon=$!
read -r ignored
kill -TERM "$daemon"
wait "$daemon"
rm -rf "$folder"
"#;

struct Daemon {
    folder: PathBuf,
    // Held open for as long as this process lives.
    _keeper: (Child, ChildStdin),
}

fn daemon() -> &'static Daemon {
    static DAEMON: OnceLock<Daemon> = OnceLock::new();
    DAEMON.get_or_init(|| {
        // A short path: that of a socket has at most 107 bytes.
        let folder = PathBuf::from(format!("/tmp/bulkhead-docker-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files can be written");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let stdin = keeper.stdin.take().expect("stdin is a pipe");
        let daemon = Daemon { folder, _keeper: (keeper, stdin) };
        daemon.wait_until_it_answers();
        daemon
    })
}

impl Daemon {
    fn socket(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.display())
    }

    fn wait_until_it_answers(&self) {
        let started = Instant::now();
        while !programs::run(Command::new("docker").args(["--host", &self.socket(), "version"])).status.success() {
            if started.elapsed() > START {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("dockerd does not answer:\n{log}");
            }
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }
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
        let archive = busybox_archive(folder.path(), text);
        let ended = self.run(&["import", &archive.display().to_string(), name]).expect_success();
        ended.stdout.trim().to_owned()
    }

    /// The ID of a local image, or none where there is none of this name.
    #[must_use]
    pub fn image_id(&self, name: &str) -> Option<String> {
        let ended = self.run(&["image", "inspect", "--format", "{{.Id}}", name]);
        ended.status.success().then(|| ended.stdout.trim().to_owned())
    }

    /// Where this client keeps its logins.
    #[must_use]
    pub fn auth_file(&self) -> PathBuf {
        self.config.path().join("config.json")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_HOST", self.daemon.socket()).env("DOCKER_CONFIG", self.config.path());
        command.env_remove("DOCKER_CONTEXT");
        command
    }
}

impl Default for Docker {
    fn default() -> Self {
        Self::new()
    }
}

/// A tar archive with a static busybox and one file.
fn busybox_archive(folder: &Path, text: &str) -> PathBuf {
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

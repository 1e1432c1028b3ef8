//! Daemons that a test process starts once and shares among its tests: Docker's and containerd.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take to start.
const START: Duration = Duration::from_secs(90);

/// Runs the daemon until standard input closes: when the test process ends, however it does.
const KEEPER: &str = r#"
folder=$1
shift
"$@" >"$folder/log" 2>&1 &
daemon=$!
read -r ignored
kill -TERM "$daemon"
wait "$daemon"
rm -rf "$folder"
"#;

/// A daemon that runs until the test process ends, in a folder that is removed then.
pub(crate) struct Daemon {
    folder: PathBuf,
    // Held open for as long as this process lives.
    _keeper: (Child, ChildStdin),
}

impl Daemon {
    /// Starts what `command` makes of the folder, and waits until `answers` says that it answers.
    ///
    /// # Panics
    /// Where it does not within the deadline; its log is in the message.
    pub(crate) fn start(name: &str, command: impl FnOnce(&Path) -> Vec<String>, answers: impl Fn(&Path) -> bool) -> Self {
        // A short path: that of a socket has at most 107 bytes.
        let folder = PathBuf::from(format!("/tmp/bulkhead-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files can be written");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .args(command(&folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let stdin = keeper.stdin.take().expect("stdin is a pipe");
        let daemon = Self { folder, _keeper: (keeper, stdin) };
        let started = Instant::now();
        while !answers(&daemon.folder) {
            if started.elapsed() > START {
                let log = std::fs::read_to_string(daemon.folder.join("log")).unwrap_or_default();
                panic!("{name} does not answer:\n{log}");
            }
            std::thread::park_timeout(Duration::from_millis(200));
        }
        daemon
    }

    /// Where it keeps all that it has.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

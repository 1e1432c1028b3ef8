//! What the real object stores of the tests have in common: how a client reaches them, and how they are started and stopped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a store may take to start.
const START: Duration = Duration::from_secs(60);

/// Runs the store until standard input closes: when it is stopped, or the test process ends, however it does. It dies at once, as in a
/// crash.
const KEEPER: &str = r#"
"$@" &
store=$!
read -r ignored
kill -KILL "$store"
wait "$store"
"#;

/// All that a client has to know.
#[derive(Clone, Debug)]
pub struct Access {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// As the store knows it.
    pub region: String,
    /// A bucket that is there, and empty at first.
    pub bucket: String,
    /// Whose rights are to read and to write in it.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
}

/// A store under way.
pub(crate) struct Running {
    keeper: Child,
    /// Closed when the store is to end.
    stdin: Option<ChildStdin>,
    log: PathBuf,
}

impl Running {
    /// Starts it, with its output added to `log` in the folder.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub(crate) fn start(folder: &Path, program: &Path, arguments: &[String]) -> Self {
        let log = folder.join("log");
        let output = File::options().create(true).append(true).open(&log).expect("the store's folder can be written");
        let errors = output.try_clone().expect("a file's handle can be cloned");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .expect("a shell can be started");
        let stdin = keeper.stdin.take();
        Self { keeper, stdin, log }
    }

    /// Waits until `answers` says that it does.
    ///
    /// # Panics
    /// Where it does not within the deadline; its log is in the message.
    pub(crate) fn wait_until(&self, what: &str, mut answers: impl FnMut() -> bool) {
        let started = Instant::now();
        while !answers() {
            if started.elapsed() > START {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                panic!("{what}: not within {START:?}\n{log}");
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stdin.take());
        self.keeper.wait().ok();
    }
}

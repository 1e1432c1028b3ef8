//! Outside programs, run to their end within a deadline.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long any outside program may take; far more than any needs, so that only a hang reaches it.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ended {
    /// Both outputs, one after the other.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Panics with all that the program said unless it succeeded.
    pub fn expect_success(self) -> Self {
        assert!(self.status.success(), "it failed with {}:\n{}", self.status, self.text());
        self
    }

    /// Panics with all that the program said if it succeeded.
    pub fn expect_failure(self) -> Self {
        assert!(!self.status.success(), "it succeeded, but should have failed:\n{}", self.text());
        self
    }
}

/// Runs the program to its end, without input.
///
/// # Panics
/// Where it cannot be started, or is still running at the deadline (it is then killed).
#[must_use]
pub fn run(command: &mut Command) -> Ended {
    run_with_input(command, b"")
}

/// Runs the program to its end with this input, which must fit a pipe's buffer (64 KiB).
///
/// # Panics
/// As [`run`].
#[must_use]
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Ended {
    use std::io::Write as _;
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{shown} cannot be started: {error}"));
    // A program that reads no input may have closed it already.
    child.stdin.take().expect("stdin is a pipe").write_all(input).ok();
    let (sender, receiver) = mpsc::channel();
    let stdout = collect(child.stdout.take().expect("stdout is a pipe"), 0, sender.clone());
    let stderr = collect(child.stderr.take().expect("stderr is a pipe"), 1, sender);
    let mut texts = [String::new(), String::new()];
    for _ in 0..2 {
        match receiver.recv_timeout(DEADLINE) {
            Ok((index, text)) => texts[index] = text,
            Err(_) => {
                child.kill().ok();
                child.wait().ok();
                panic!("{shown} was still running after {DEADLINE:?}");
            }
        }
    }
    stdout.join().expect("the reader of stdout does not panic");
    stderr.join().expect("the reader of stderr does not panic");
    let status = child.wait().expect("a child can be waited for");
    let [stdout, stderr] = texts;
    Ended { status, stdout, stderr }
}

fn collect(
    mut pipe: impl Read + Send + 'static,
    index: usize,
    sender: mpsc::Sender<(usize, String)>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).ok();
        sender.send((index, String::from_utf8_lossy(&bytes).into_owned())).ok();
    })
}

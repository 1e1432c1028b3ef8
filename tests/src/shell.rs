//! The commands of a document, run as a reader would: one block after the other, in one shell, in one folder.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;

use crate::places;
use crate::programs;

/// Ends the output of a block.
const MARK: &str = "=== end of the block ===";

/// The blocks of a language in a document, in their order.
#[must_use]
pub fn blocks(document: &str, language: &str) -> Vec<String> {
    let begin = format!("\n```{language}\n");
    document.split(&begin).skip(1).filter_map(|rest| rest.split("\n```").next()).map(str::to_owned).collect()
}

/// A shell, in which the first command that fails ends the test. `bulkhead` is the binary under test.
pub struct Shell {
    child: Child,
    stdin: ChildStdin,
    lines: mpsc::Receiver<String>,
}

impl Shell {
    /// Starts it in this folder.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        let programs = folder.join(".programs");
        std::fs::create_dir_all(&programs).expect("the test's folder can be written");
        std::os::unix::fs::symlink(places::binary(), programs.join("bulkhead")).expect("the test's folder can be written");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = Command::new("sh")
            .args(["-eu"])
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", programs.display()))
            // Where skopeo and podman keep logins.
            .env("REGISTRY_AUTH_FILE", folder.join(".auth.json"))
            .env_remove("DOCKER_CONTEXT")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        writeln!(stdin, "exec 2>&1").expect("a shell takes commands");
        let output = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, stdin, lines }
    }

    /// Sets variables of the environment for all that follows.
    pub fn set(&mut self, variables: &[(String, String)]) {
        for (name, value) in variables {
            assert!(!value.contains('\''), "{name} has a quote");
            let _ = self.run(&format!("export {name}='{value}'"));
        }
    }

    /// Runs commands, and returns what they said on both outputs, with an empty line at the end.
    ///
    /// # Panics
    /// Where one of them fails, or none of them ends within the deadline.
    pub fn run(&mut self, block: &str) -> String {
        // Without the shell's own input, which a command might read.
        writeln!(self.stdin, "{{\n{block}\n}} </dev/null\nprintf '\n%s\n' '{MARK}'")
            .expect("the shell lives, or says why it does not");
        let mut said = String::new();
        loop {
            match self.lines.recv_timeout(programs::DEADLINE) {
                Ok(line) if line == MARK => return said,
                Ok(line) => said.push_str(&format!("{line}\n")),
                Err(error) => panic!("{error} in these commands:\n{block}\nThey said:\n{said}"),
            }
        }
    }

    /// What a variable of the shell holds.
    #[must_use]
    pub fn value(&mut self, name: &str) -> String {
        self.run(&format!("printf '%s\\n' \"${name}\"")).trim_end().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

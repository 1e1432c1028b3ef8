//! The people of the tests, and the password file that knows them.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::programs;

/// May do everything.
pub const ALICE: User = User { name: "alice", password: "correct horse battery" };
/// May pull below `team/`.
pub const RITA: User = User { name: "rita", password: "staple-7" };
/// Is known, and may do nothing.
pub const SAM: User = User { name: "sam", password: "nothing:at all" };

/// A name and its password.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The login.
    pub name: &'static str,
    /// In clear.
    pub password: &'static str,
}

/// Writes the password file with all users, as `htpasswd -B` makes it.
pub fn write_htpasswd(path: &Path) {
    static LINES: OnceLock<String> = OnceLock::new();
    let text = LINES.get_or_init(|| [ALICE, RITA, SAM].iter().map(htpasswd_line).collect());
    std::fs::write(path, text).expect("the test's folder can be written");
}

fn htpasswd_line(user: &User) -> String {
    let ended = programs::run(Command::new("htpasswd").args(["-nbB", "-C", "5", user.name, user.password])).expect_success();
    format!("{}\n", ended.stdout.trim())
}

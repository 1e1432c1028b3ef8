//! The operator of a test's server: the command line, over the socket in the server's data directory.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::places;
use crate::programs::{self, Ended};
use crate::server::Server;

/// Runs `bulkhead` on a server's data directory.
#[derive(Clone, Debug)]
pub struct Operator {
    data: PathBuf,
}

impl Operator {
    /// Of this server.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        Self { data: server.folder().join("data") }
    }

    /// Runs `bulkhead ARGUMENTS --data DIR`.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        programs::run(Command::new(places::binary()).args(arguments).arg("--data").arg(&self.data))
    }

    /// The same with `--output json`, which has to succeed.
    ///
    /// # Panics
    /// Where it does not, or says something else than JSON.
    #[must_use]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--output", "json"]).collect();
        let said = self.run(&arguments).expect_success().stdout;
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{arguments:?} says no JSON ({error}): {said}"))
    }

    /// Makes a service principal of this role; returns its name and its password.
    ///
    /// # Panics
    /// Where it is not made.
    #[must_use]
    pub fn principal(&self, role: &str) -> Account {
        Account::read(&self.json(&["principal", "create", "--role", role]))
    }
}

/// Reads the administrator's first password from what a first start prints.
///
/// # Panics
/// Where none is printed.
#[must_use]
pub fn first_password(server: &Server) -> String {
    let printed = server.log().text();
    let words = printed.split("docker login -u admin -p ").nth(1).and_then(|rest| rest.split_whitespace().next());
    words.unwrap_or_else(|| panic!("no login in:\n{printed}")).to_owned()
}

/// An account as it was made: the only time that its password is told.
#[derive(Clone, Debug)]
pub struct Account {
    /// The login.
    pub name: String,
    /// In clear.
    pub secret: String,
}

impl Account {
    /// Reads an answer that has both.
    ///
    /// # Panics
    /// Where it has not.
    #[must_use]
    pub fn read(answer: &Value) -> Self {
        let text = |key: &str| answer[key].as_str().unwrap_or_else(|| panic!("no {key} in {answer}")).to_owned();
        Self { name: text("name"), secret: text("secret") }
    }
}

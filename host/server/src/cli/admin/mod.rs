//! What the commands that talk to a server have in common: which server, as whom, and how its answers are printed.
//!
//! A server is reached through the socket in its data directory, where whoever can open it is the operator, or by its URL with a user's name and
//! password. Nothing here knows what a command means, and nothing here keeps a password.

mod account;
mod arguments;
mod client;
mod error;
mod holder;
mod text;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{BufRead, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use bulkhead_core::ports::ids::RegistryName;
use bulkhead_plugin::Origin;
use clap::Args;
use serde_json::Value;

pub use account::{Account, AccountPath, NewSecret};
pub use arguments::{Expiry, ROLES, SlotArgs, StatusArgs, deleted, parse_name, put_text, withdrawn};
pub use client::{Client, Login};
pub use error::{AdminError, Elsewhere};
pub use holder::Holder;
pub use text::{Detail, Table};

use super::{Output, runtime};
use crate::bundled;
use crate::config::{self, Overrides};
use crate::socket;

/// Where a password comes from that no other place has.
const PASSWORD: &str = "BULKHEAD_PASSWORD";
/// The most bytes of a password: what a server takes.
const MAX_PASSWORD: u64 = 8 * 1024;

/// What is printed below the help of every command that talks to a server.
pub const CONNECTING: &str = "\
The command talks to the server that runs on the data directory, through its socket
{data}/admin.sock: ./data unless --data or --config names another one. With --server it
talks to a registry anywhere, as a user who may administer it, whose password is in
BULKHEAD_PASSWORD or comes with --password-stdin. SSL_CERT_FILE names the authorities
that are trusted where those of the system are not.
";

/// A registry of a server.
#[derive(Args)]
pub struct Target {
    /// The registry's name in the configuration.
    #[arg(long, value_name = "NAME", default_value = config::DEFAULT_REGISTRY)]
    registry: RegistryName,

    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    print: Print,
}

/// How data is printed.
#[derive(Args)]
pub struct Print {
    /// How to print the result: for people, or as JSON.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// The server on a data directory, or one by its URL.
#[derive(Args)]
struct ServerArgs {
    #[command(flatten)]
    local: LocalServer,

    #[command(flatten)]
    remote: Remote,
}

/// The server on a data directory.
#[derive(Args)]
pub struct LocalServer {
    /// The configuration file of the server, which says where its data directory is.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The data directory of the server, in place of what the configuration says.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// A server by its URL.
#[derive(Args)]
struct Remote {
    /// The registry's URL, such as https://registry.example.com, in place of a socket.
    #[arg(long, value_name = "URL", requires = "user", conflicts_with_all = ["config", "data"])]
    server: Option<Origin>,

    /// The user to talk to it as.
    #[arg(long, value_name = "NAME", requires = "server")]
    user: Option<String>,

    /// Read the user's password from the first line of the standard input.
    #[arg(long, requires = "user")]
    password_stdin: bool,
}

impl ServerArgs {
    fn connect(&self) -> Result<Client, AdminError> {
        let Remote { server, user, password_stdin } = &self.remote;
        match (server, user) {
            (Some(server), Some(user)) => {
                Client::remote(server, Some(Login { user: user.clone(), password: password(*password_stdin)? }))
            }
            _ => self.local.connect(Elsewhere::Possible),
        }
    }
}

impl LocalServer {
    /// Finds the server, through the socket in its data directory.
    ///
    /// # Errors
    /// [`AdminError`], with what else can be done.
    pub fn connect(&self, elsewhere: Elsewhere) -> Result<Client, AdminError> {
        let overrides = Overrides { data: self.data.clone(), listen: None };
        let data = config::load(self.config.as_deref(), &overrides, &bundled::names())?.data;
        Client::local(&socket::path(&data), &data, elsewhere)
    }
}

impl Target {
    /// Asks the server on behalf of a command, prints what `print` makes of the answer, and says how to end.
    pub fn run<A>(self, ask: A) -> ExitCode
    where
        A: AsyncFnOnce(&Client, &Registry) -> Result<Answer, AdminError>,
    {
        let Self { registry, server, print } = self;
        run(print.output, async || {
            let client = server.connect()?;
            let registry = Registry(registry);
            registry.asked(&client, ask(&client, &registry).await).await
        })
    }
}

/// A registry's name, which its paths begin with.
pub struct Registry(pub RegistryName);

impl Registry {
    /// `/api/v1/registries/NAME/REST`.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/registries/{}/{rest}", self.0)
    }

    /// What names it in a command: nothing, where it is the one that commands mean by themselves.
    pub fn argument(&self) -> String {
        if self.0.as_str() == config::DEFAULT_REGISTRY { String::new() } else { format!(" --registry {}", self.0) }
    }

    /// The outcome of a question about it. Tells a registry that is not there from one that has not what was asked for.
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn asked(&self, client: &Client, outcome: Result<Answer, AdminError>) -> Result<Answer, AdminError> {
        match outcome {
            Err(AdminError::Missing(detail)) => Err(self.missing(client, detail).await),
            outcome => outcome,
        }
    }

    async fn missing(&self, client: &Client, detail: String) -> AdminError {
        match (client.get(&self.path("principals?n=0")).await, client.only()) {
            (Err(AdminError::Missing(_)), Some(server)) => AdminError::Impossible(format!(
                "the registry at {server} is not called {}: say with --registry how the configuration there calls it",
                self.0
            )),
            // The operator is told which there are.
            (Err(AdminError::Missing(which)), None) => {
                AdminError::Impossible(format!("{which}; say one of them with --registry"))
            }
            _ => AdminError::Missing(detail),
        }
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// What a command has to say when it is done.
pub struct Answer {
    /// For `--output json`.
    pub json: Value,
    /// For people: whole lines.
    pub text: String,
}

/// Runs a command that asks a server, prints its answer, and says how to end.
pub fn run(output: Output, ask: impl AsyncFnOnce() -> Result<Answer, AdminError>) -> ExitCode {
    let outcome = runtime().map_err(AdminError::from).and_then(|runtime| {
        let outcome = runtime.block_on(ask());
        runtime.shutdown_background();
        outcome
    });
    let printed = outcome.and_then(|answer| {
        for warning in answer.json["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            eprintln!("bulkhead: warning: {warning}");
        }
        let text = match output {
            Output::Text => answer.text,
            Output::Json => format!("{}\n", answer.json),
        };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(AdminError::Output)
    });
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

/// The password of a user.
///
/// # Errors
/// [`AdminError::NoPassword`] and its kind.
pub fn password(stdin: bool) -> Result<String, AdminError> {
    if !stdin {
        return std::env::var(PASSWORD).ok().filter(|password| !password.is_empty()).ok_or(AdminError::NoPassword);
    }
    first_line(std::io::stdin().lock())
}

/// The first line, without its end.
fn first_line(input: impl BufRead) -> Result<String, AdminError> {
    let mut line = String::new();
    input.take(MAX_PASSWORD + 1).read_line(&mut line).map_err(AdminError::Password)?;
    let line = line.trim_end_matches(['\r', '\n']);
    match line.len() as u64 {
        0 => Err(AdminError::NoPassword),
        length if length > MAX_PASSWORD => {
            let reason = format!("it is longer than {MAX_PASSWORD} bytes");
            Err(AdminError::Password(std::io::Error::new(std::io::ErrorKind::InvalidData, reason)))
        }
        _ => Ok(line.to_owned()),
    }
}

//! `bulkhead keys`: the keys that sign a server's tokens.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;

use super::EXIT_CODES;
use super::admin::{Answer, Elsewhere, LocalServer, Print, run};

const EXAMPLES: &str = "\
Examples:
  bulkhead keys rotate
  bulkhead keys rotate --data /srv/registry

A running server replaces its key by itself when it is older than `key-rotation` in
[server], 30 days unless set. The command talks to it through the socket
{data}/admin.sock: ./data unless --data or --config names another one.
";

/// Look after the keys that sign a server's tokens.
#[derive(Subcommand)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub enum Keys {
    /// Have a new key sign from now on. What the earlier ones signed stays valid for as long as it would have been.
    #[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
    Rotate(Rotate),
}

#[derive(Args)]
pub struct Rotate {
    #[command(flatten)]
    server: LocalServer,

    #[command(flatten)]
    print: Print,
}

impl Keys {
    /// Does what it says.
    pub fn run(self) -> ExitCode {
        let Self::Rotate(Rotate { server, print }) = self;
        run(print.output, async || {
            let client = server.connect(Elsewhere::Never)?;
            let json = client.call(Method::POST, "/api/v1/keys/rotate", None).await?;
            let (Some(kid), Some(keys)) = (json["kid"].as_str(), json["keys"].as_u64()) else {
                return Err(client.strange("no `kid` or no `keys`"));
            };
            Ok(Answer { text: format!("tokens are signed with the new key {kid}; {keys} keys are valid\n"), json })
        })
    }
}

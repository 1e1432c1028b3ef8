//! A real OpenID Connect provider: the npm package `oidc-provider`, which `oidc-provider.mjs` sets up and turns as a test asks.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::http::Client;
use crate::places;

/// The audience of the tokens that [`Issuer::token`] gets.
pub const AUDIENCE: &str = "registry.example.com";

/// A running provider; ends with the value.
pub struct Issuer {
    child: Child,
    origin: String,
}

impl Issuer {
    /// Starts one whose clients have these claims in their tokens, by the clients' names, which are the subjects.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(clients: &Value) -> Self {
        Self::start_behind(clients, 0)
    }

    /// The same with a clock that is so many seconds behind.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start_behind(clients: &Value, seconds: u32) -> Self {
        let script = places::repository().join("tests/src/oidc-provider.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .arg(places::node_folder("oidc-provider"))
            .args([clients.to_string(), seconds.to_string()])
            // It ends when this closes, however the test ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let mut line = String::new();
        let output = child.stdout.take().expect("stdout is a pipe");
        BufReader::new(output).read_line(&mut line).expect("the provider's output can be read");
        let origin = line.trim_end().to_owned();
        assert!(origin.starts_with("http://"), "the provider does not start: it says {line:?}, and more on its error output");
        Self { child, origin }
    }

    /// `http://127.0.0.1:PORT`, which is the issuer's name, too.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// A new token of this client for the registry.
    #[must_use]
    pub fn token(&self, client: &str) -> String {
        self.token_for(client, &format!("https://{AUDIENCE}/"))
    }

    /// A new token of this client for a resource: a URL whose host is the audience, with `alg` and `ttl` (seconds) in its query.
    ///
    /// # Panics
    /// Where none is given.
    #[must_use]
    pub fn token_for(&self, client: &str, resource: &str) -> String {
        let request = self.client().request("GET", "/test/token").query("client", client).query("resource", resource);
        let answer = request.send().expect(200).json();
        answer["token"].as_str().expect("the answer has a token").to_owned()
    }

    /// Has new keys sign from now on. The earlier ones stay published.
    pub fn rotate(&self) {
        self.client().post("/test/rotate").expect(200);
    }

    /// How often its keys have been fetched.
    #[must_use]
    pub fn keys_fetched(&self) -> u64 {
        self.client().get("/test/asked").expect(200).json()["/jwks"].as_u64().unwrap_or(0)
    }

    fn client(&self) -> Client {
        let address = self.origin.trim_start_matches("http://").parse().expect("an origin has an address");
        Client::new(address)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

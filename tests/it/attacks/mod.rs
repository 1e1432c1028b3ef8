//! Attacks on who may do what. Each of them fails, and each test also shows that nothing was stored, told or sent by it: what was there is
//! there to the byte, no file has come or grown, and no webhook has heard of anything.

mod authenticators;
mod forge;
mod issuers;
mod lists;
mod locks;
mod logins;
mod mounts;
mod names;
mod policies;
mod redirects;
mod revocation;
mod tenants;
mod tokens;
mod uploads;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::Image;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::{ALICE, RITA, SAM};
use serde_json::Value;

use crate::spec::Witness;

/// Alice may do everything; Rita and Sam pull and push below `team/`, and may ask for lists; everybody pulls below `public/`.
const RULES: &str = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice"], repositories = ["**"], actions = ["*"] },
  { who = ["user:rita", "user:sam"], repositories = ["team/**"], actions = ["pull", "push"] },
  { who = ["user:rita", "user:sam"], repositories = ["**"], actions = ["list"] },
  { who = ["anonymous"], repositories = ["public/**"], actions = ["pull"] },
]"#;

/// The accounts that the server keeps; nothing that they say is reused.
const ACCOUNTS: &str = r#"component = "builtin:auth-accounts"
config.reuse-seconds = 0
grants.accounts = true"#;

/// The user whose password is a refresh token.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

fn config() -> Config {
    Config::standard().plugin("rules", RULES)
}

/// The same, and an attacker who is neither stopped nor slowed down: what holds has to hold without that.
fn patient() -> Config {
    config().server("failed-logins", "{ per-account = 10_000, per-source = 1_000_000, answer-after = \"0s\" }")
}

/// The same with accounts of the server's own before Alice and the others.
fn with_accounts() -> Config {
    patient().plugin("accounts", ACCOUNTS).registry("auth", "[\"accounts\", \"staff\", \"rules\"]")
}

/// A server with `team/app:1` and `secret/app:1`, and a witness of what is done to it.
struct World {
    server: Server,
    witness: Witness,
    /// In `team/app`.
    team: Image,
    /// In `secret/app`, which Alice alone may read.
    secret: Image,
    before: BTreeMap<PathBuf, u64>,
}

impl World {
    fn new() -> Self {
        Self::with(patient())
    }

    fn with(config: Config) -> Self {
        let (witness, server) = Witness::of(config);
        let (team, secret) = (Image::oci(1, &[1000]), Image::oci(2, &[1000]));
        registry::push_image(&server.client_of(ALICE), "team/app", "1", &team);
        registry::push_image(&server.client_of(ALICE), "secret/app", "1", &secret);
        let before = stored(&server);
        Self { server, witness, team, secret, before }
    }

    /// The same data behind another configuration.
    fn restart_with(&mut self, config: Config) {
        self.server.write_config(&self.witness.told_by(config));
        self.server.restart();
    }

    fn alice(&self) -> Client {
        self.server.client_of(ALICE)
    }

    fn rita(&self) -> Client {
        self.server.client_of(RITA)
    }

    fn sam(&self) -> Client {
        self.server.client_of(SAM)
    }

    /// Nothing has been stored, changed or told since the world began. It ends here, as the witness needs a change to be sure.
    fn assert_untouched(self) {
        assert_eq!(stored(&self.server), self.before, "something was stored");
        self.assert_unchanged();
    }

    /// The same, where something was stored that should be: no manifest and no tag has come or gone.
    fn assert_unchanged(self) {
        let alice = self.alice();
        assert_eq!(registry::repositories(&alice), ["secret/app", "team/app"]);
        for (repository, image) in [("team/app", &self.team), ("secret/app", &self.secret)] {
            assert_eq!(registry::tags(&alice, repository), ["1"], "{repository}");
            registry::assert_whole(&alice, repository, "1", image);
        }
        self.witness.assert_told(&alice, &["push team/app:1", "push secret/app:1"]);
    }

    /// Refused, and without a byte of what lies in `secret/app`.
    fn assert_nothing_of_the_secret(&self, what: &str, answer: &Response) {
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}\n{}", answer.text());
        self.assert_not_told(what, answer);
    }

    /// Whatever the answer, it has not a byte of what lies in `secret/app`.
    fn assert_not_told(&self, what: &str, answer: &Response) {
        let told = |bytes: &[u8]| answer.body.windows(bytes.len()).any(|window| window == bytes);
        assert!(!told(&self.secret.manifest.bytes), "{what}: the manifest was sent");
        for blob in self.secret.blobs() {
            assert!(!told(&blob.bytes), "{what}: a blob was sent");
            assert!(!answer.text().contains(&blob.digest), "{what}: {}", answer.text());
        }
    }
}

/// Every file that the storage holds, with its length.
fn stored(server: &Server) -> BTreeMap<PathBuf, u64> {
    let mut files = BTreeMap::new();
    files_below(&server.folder().join("data/blobs"), &mut files);
    files
}

fn files_below(folder: &Path, files: &mut BTreeMap<PathBuf, u64>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => files_below(&path, files),
            Ok(metadata) => {
                files.insert(path, metadata.len());
            }
            // It has just been taken away.
            Err(_) => {}
        }
    }
}

/// Asks for an access token for this scope by a refresh token.
fn refresh(client: &Client, refresh_token: &str, scope: &str) -> Response {
    registry::refresh(client, refresh_token, &[scope])
}

/// A refresh token for whoever this client is.
fn refresh_token(client: &Client) -> String {
    let answer = client.request("GET", "/oauth2/token").query("offline_token", "true").send().expect(200).json();
    answer["refresh_token"].as_str().unwrap_or_else(|| panic!("no refresh token in {answer}")).to_owned()
}

/// An access token for these scopes.
fn access_token(client: &Client, scopes: &[&str]) -> String {
    let answer = registry::ask_for_token(client, scopes).expect(200).json();
    answer["token"].as_str().unwrap_or_else(|| panic!("no token in {answer}")).to_owned()
}

/// What an answer to a token request grants, as the client is told.
fn granted(answer: &Value) -> &str {
    answer["scope"].as_str().unwrap_or_else(|| panic!("no scope in {answer}"))
}

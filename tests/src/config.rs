//! Configuration files of test servers, put together from parts that a test replaces.
//!
//! `@DIR@` in a value becomes the server's folder, `@ADDRESS@` its address.

use std::collections::BTreeMap;
use std::path::Path;

/// A plugin's body in the file: what stands below `[plugins.NAME]`.
pub const DISK: &str = r#"component = "builtin:storage-fs"
config = { root = "/blobs" }
grants.directories = { "/blobs" = { path = "@DIR@/data/blobs", access = "read-write" } }"#;

/// The users of [`crate::users`].
pub const STAFF: &str = r#"component = "builtin:auth-htpasswd"
grants.files = { "/users" = "@DIR@/users.htpasswd" }"#;

/// Alice may do everything, Rita pulls below `team/`, everybody pulls below `public/`.
pub const RULES: &str = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice"], repositories = ["**"], actions = ["*"] },
  { who = ["user:rita"], repositories = ["team/**"], actions = ["pull"] },
  { who = ["anonymous"], repositories = ["public/**"], actions = ["pull"] },
]"#;

/// The accounts that the server keeps; nothing that they say is taken again without a check.
pub const ACCOUNTS: &str = r#"component = "builtin:auth-accounts"
config.reuse-seconds = 0
grants.accounts = true"#;

/// Everybody may do everything, without credentials.
pub const OPEN_RULES: &str = r#"component = "builtin:policy-rules"
config.rules = [ { who = ["*"], repositories = ["**"], actions = ["*"] } ]"#;

/// A configuration file that is not written yet. It has one registry, `default`.
#[derive(Clone, Debug)]
pub struct Config {
    server: Vec<String>,
    plugins: BTreeMap<String, String>,
    registry: BTreeMap<String, String>,
    webhooks: Vec<String>,
    /// The host name of a second registry, `other`, with the same plugins.
    other: Option<String>,
}

impl Config {
    /// `storage-fs`, `auth-htpasswd` and `policy-rules`.
    #[must_use]
    pub fn standard() -> Self {
        let (server, webhooks) = (Vec::new(), Vec::new());
        Self { server, plugins: BTreeMap::new(), registry: BTreeMap::new(), webhooks, other: None }
            .plugin("disk", DISK)
            .plugin("staff", STAFF)
            .plugin("rules", RULES)
            .registry("storage", "\"disk\"")
            .registry("auth", "[\"staff\", \"rules\"]")
    }

    /// `storage-fs`, and everything is allowed to everybody.
    #[must_use]
    pub fn open() -> Self {
        Self::standard().without_plugin("staff").plugin("rules", OPEN_RULES).registry("auth", "[\"rules\"]")
    }

    /// `storage-fs` and `auth-accounts`; who fails to log in is neither slowed down nor stopped.
    #[must_use]
    pub fn accounts() -> Self {
        Self::standard()
            .without_plugin("staff")
            .without_plugin("rules")
            .plugin("accounts", ACCOUNTS)
            .registry("auth", "[\"accounts\"]")
            .server("failed-logins", r#"{ per-account = 10_000, per-source = 1_000_000, answer-after = "0s" }"#)
    }

    /// Sets a key of `[server]`, the value as TOML.
    #[must_use]
    pub fn server(mut self, key: &str, value: &str) -> Self {
        self.server.push(format!("{key} = {value}"));
        self
    }

    /// Adds a plugin, or replaces the one of this name.
    #[must_use]
    pub fn plugin(mut self, name: &str, body: &str) -> Self {
        self.plugins.insert(name.to_owned(), body.to_owned());
        self
    }

    /// A plugin whose component is a file, with further lines of its table.
    #[must_use]
    pub fn guest(self, name: &str, component: &Path, lines: &str) -> Self {
        self.plugin(name, &format!("component = \"{}\"\n{lines}", component.display()))
    }

    /// Leaves a plugin out.
    #[must_use]
    pub fn without_plugin(mut self, name: &str) -> Self {
        self.plugins.remove(name);
        self
    }

    /// Sets a key of the registry, the value as TOML.
    #[must_use]
    pub fn registry(mut self, key: &str, value: &str) -> Self {
        self.registry.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a webhook: what stands below `[[registries.default.webhooks]]`.
    #[must_use]
    pub fn webhook(mut self, body: &str) -> Self {
        self.webhooks.push(body.to_owned());
        self
    }

    /// Adds the bundled webhook for this receiver's URL, with the grant of its origin.
    #[must_use]
    pub fn webhook_http(self, origin: &str) -> Self {
        self.webhook_of(origin, &["push", "delete"])
    }

    /// The same for these actions.
    #[must_use]
    pub fn webhook_of(self, origin: &str, actions: &[&str]) -> Self {
        self.plugin("hook", &format!("component = \"builtin:webhook-http\"\ngrants.http = [\"{origin}\"]")).webhook(&format!(
            "name = \"test\"\nplugin = \"hook\"\nactions = {actions:?}\nscope = \"**\"\nconfig = {{ url = \"{origin}/hook\" }}"
        ))
    }

    /// Adds a second registry that answers this host name, set up as the first one but without its webhooks.
    #[must_use]
    pub fn other_registry(mut self, host: &str) -> Self {
        self.other = Some(host.to_owned());
        self
    }

    /// The file's text.
    #[must_use]
    pub fn render(&self, folder: &Path, address: &str) -> String {
        let mut text = "[server]\nlisten = \"@ADDRESS@\"\ndata = \"@DIR@/data\"\n".to_owned();
        for line in &self.server {
            text.push_str(&format!("{line}\n"));
        }
        text.push_str("\n[catalog]\nurl = \"sqlite\"\n");
        for (name, body) in &self.plugins {
            text.push_str(&format!("\n[plugins.{name}]\n{body}\n"));
        }
        let keys = |text: &mut String| {
            for (key, value) in &self.registry {
                text.push_str(&format!("{key} = {value}\n"));
            }
        };
        text.push_str("\n[registries.default]\n");
        keys(&mut text);
        if let Some(host) = &self.other {
            text.push_str(&format!("\n[registries.other]\nhosts = [\"{host}\"]\n"));
            keys(&mut text);
        }
        for body in &self.webhooks {
            text.push_str(&format!("\n[[registries.default.webhooks]]\n{body}\n"));
        }
        text.replace("@DIR@", &folder.display().to_string()).replace("@ADDRESS@", address)
    }
}

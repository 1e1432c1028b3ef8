//! The plugin's `config` table, and what it is checked for. Errors name the setting.

use bulkhead_plugin_sdk::prelude::*;

/// The whole table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Asked who a caller is.
    pub url: String,
    /// Asked what a caller may do.
    #[serde(default)]
    pub authorize_url: Option<String>,
    /// Which credentials are sent to the service.
    #[serde(default = "default_credentials")]
    pub credentials: Vec<Kind>,
    /// The name of the secret that tells the service who asks.
    #[serde(default)]
    pub secret: Option<String>,
    /// The header that bears it.
    #[serde(default = "default_header")]
    pub secret_header: String,
    /// For how long an answer may be reused that does not say so itself.
    #[serde(default = "default_reuse")]
    pub reuse_seconds: u32,
}

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A user's name and password.
    Basic,
    /// A token of somebody else than this registry.
    Bearer,
    /// A client certificate.
    Certificate,
}

/// A password or a token is sent to a service only if its operator asked for that kind.
fn default_credentials() -> Vec<Kind> {
    vec![Kind::Basic]
}

fn default_header() -> String {
    "authorization".to_owned()
}

fn default_reuse() -> u32 {
    30
}

impl Kind {
    /// What a credential is.
    pub fn of(credential: &Credential) -> Self {
        match credential {
            Credential::Basic(_) => Self::Basic,
            Credential::Bearer(_) => Self::Bearer,
            Credential::Certificate(_) => Self::Certificate,
        }
    }
}

impl Settings {
    /// The error names what is wrong.
    pub fn check(&self) -> Result<()> {
        let urls = [("url", Some(&self.url)), ("authorize-url", self.authorize_url.as_ref())];
        for (key, url) in urls.into_iter().filter_map(|(key, url)| url.map(|url| (key, url))) {
            if http::origin(url).is_none() {
                return Err(Error::invalid(format!(
                    "{key}: `{}` must be like `https://auth.example.com/login`",
                    url.escape_debug()
                )));
            }
        }
        if !http::is_header_name(&self.secret_header) || self.secret_header.eq_ignore_ascii_case("content-type") {
            return Err(Error::invalid(format!(
                "secret-header: `{}` is no name of a header for it",
                self.secret_header.escape_debug()
            )));
        }
        Ok(())
    }
}

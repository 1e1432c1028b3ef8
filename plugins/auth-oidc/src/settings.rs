//! The plugin's `config` table, and what it is checked for. Errors name the setting with its path.

use bulkhead_plugin_sdk::prelude::*;

use crate::claims;
use crate::condition::Language;
use crate::fetch::Source;
use crate::issuer::Issuer;
use crate::keyring::Keyring;
use crate::rule::{Rule, RuleSettings};

const DAY: u32 = 24 * 3_600;

/// The whole table.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    issuers: Vec<IssuerSettings>,
    #[serde(default)]
    rules: Vec<RuleSettings>,
    /// Whether a token is taken as a password, too.
    #[serde(default = "yes")]
    pub basic: bool,
    /// How long the host may reuse an acceptance.
    #[serde(default = "default_reuse")]
    pub reuse_seconds: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct IssuerSettings {
    issuer: String,
    audiences: Vec<String>,
    #[serde(default)]
    discovery: Option<String>,
    #[serde(default)]
    jwks_uri: Option<String>,
    #[serde(default = "default_subject")]
    subject: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    groups: Option<String>,
    #[serde(default)]
    keep_claims: Vec<String>,
    #[serde(default = "default_leeway")]
    leeway_seconds: u32,
    #[serde(default)]
    max_token_age_seconds: Option<u32>,
    #[serde(default = "default_keys_age")]
    keys_max_age_seconds: u32,
}

fn yes() -> bool {
    true
}

fn default_reuse() -> u32 {
    60
}

fn default_subject() -> String {
    "sub".to_owned()
}

fn default_leeway() -> u32 {
    60
}

fn default_keys_age() -> u32 {
    3_600
}

/// Settings that make sense.
pub struct Checked {
    /// At least one; each of another name.
    pub issuers: Vec<Issuer>,
    /// In the order in which they are tried.
    pub rules: Vec<Rule>,
}

impl Settings {
    /// Checks all of it, and compiles the rules.
    pub fn check(&self, language: &Language) -> Result<Checked> {
        let names: Vec<&str> = self.issuers.iter().map(|issuer| issuer.issuer.as_str()).collect();
        if names.is_empty() {
            return Err(Error::invalid("issuers: empty, so that no token is ever accepted"));
        }
        self.check_prefixes()?;
        let rules = (0..).zip(&self.rules).map(|(index, rule)| Rule::new(index, rule, &names, language));
        let rules: Vec<Rule> = rules.collect::<Result<_>>()?;
        let mut issuers = Vec::with_capacity(names.len());
        for (index, settings) in self.issuers.iter().enumerate() {
            if names[..index].contains(&settings.issuer.as_str()) {
                return Err(Error::invalid(format!("issuers[{index}].issuer: `{}` is there already", settings.issuer)));
            }
            issuers.push(settings.check(index, &rules)?);
        }
        Ok(Checked { issuers, rules })
    }

    /// No subject of one issuer may be read as one of another.
    fn check_prefixes(&self) -> Result<()> {
        let others = |index: usize| self.issuers.iter().enumerate().filter(move |(other, _)| *other != index).map(|(_, one)| one);
        for (index, issuer) in self.issuers.iter().enumerate() {
            if others(index).any(|other| other.prefix.starts_with(&issuer.prefix)) {
                return Err(Error::invalid(format!(
                    "issuers[{index}].prefix: where there are several issuers each needs a prefix of its own that no other one begins with, such as `gitlab:`, so that nobody is taken for somebody of another issuer"
                )));
            }
        }
        Ok(())
    }
}

impl IssuerSettings {
    fn check(&self, index: usize, rules: &[Rule]) -> Result<Issuer> {
        let fault = |key: &str, text: &str| Err(Error::invalid(format!("issuers[{index}].{key}: {text}")));
        if self.issuer.is_empty() || self.issuer.len() > 512 {
            return fault("issuer", "1 to 512 bytes, as tokens have it as `iss`");
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return fault("audiences", "empty: say for whom tokens have to be, so that one for another service is not taken");
        }
        if self.prefix.len() > 50 || self.prefix.chars().any(char::is_control) {
            return fault("prefix", "at most 50 bytes");
        }
        if self.leeway_seconds > 600 {
            return fault("leeway-seconds", "at most 600");
        }
        if self.max_token_age_seconds == Some(0) {
            return fault("max-token-age-seconds", "above 0: else no token is ever accepted");
        }
        if !(60..=DAY).contains(&self.keys_max_age_seconds) {
            return fault("keys-max-age-seconds", "60 to 86400");
        }
        let named = [Some(&self.subject), self.groups.as_ref()].into_iter().flatten().chain(&self.keep_claims);
        if named.into_iter().any(|name| !is_claim(name)) {
            return fault(
                "keep-claims",
                "a claim's name has 1 to 200 bytes and does not end with `:json`; so for `subject` and `groups`",
            );
        }
        let source = self.source().map_err(|(key, text)| Error::invalid(format!("issuers[{index}].{key}: {text}")))?;
        let of_rules = rules.iter().filter(|rule| rule.issuer() == self.issuer).flat_map(Rule::claims);
        let kept = of_rules.chain(&self.keep_claims).cloned().chain(["iss".to_owned()]).collect();
        Ok(Issuer {
            name: self.issuer.clone(),
            audiences: self.audiences.clone(),
            subject: self.subject.clone(),
            prefix: self.prefix.clone(),
            groups: self.groups.clone(),
            kept,
            leeway: u64::from(self.leeway_seconds) * 1000,
            max_token_age: self.max_token_age_seconds.map(|seconds| u64::from(seconds) * 1000),
            keyring: Keyring::new(&self.issuer, source, self.keys_max_age_seconds),
        })
    }

    /// The error has the setting, and what is wrong with it.
    fn source(&self) -> Result<Source, (&'static str, String)> {
        let url = |key: &'static str, url: &str| match http::origin(url) {
            Some(_) => Ok(url.to_owned()),
            None => Err((key, format!("`{}` is no URL of https or http", url.escape_debug()))),
        };
        match (&self.discovery, &self.jwks_uri) {
            (Some(_), Some(_)) => Err(("jwks-uri", "nothing is discovered where it is given: leave `discovery` out".to_owned())),
            (None, Some(keys)) => Ok(Source::KeySet(url("jwks-uri", keys)?)),
            (Some(document), None) => Ok(Source::Discovery(url("discovery", document)?)),
            (None, None) => {
                let issuer = url("issuer", &self.issuer)
                    .map_err(|(key, text)| (key, format!("{text}: say where its keys are by `jwks-uri`")))?;
                Ok(Source::Discovery(format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))))
            }
        }
    }
}

/// Whether a claim of this name can be kept.
pub fn is_claim(name: &str) -> bool {
    !name.is_empty() && name.len() <= 200 && !name.ends_with(claims::JSON) && !name.chars().any(char::is_control)
}

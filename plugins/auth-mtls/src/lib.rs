//! Bundled authenticator: client certificates, by a list of rules of which the first that matches says who the caller is.
//!
//! Settings: `reuse-seconds`, how long the host may reuse an acceptance (300); `rules`, each with
//!
//! - `subject`: a pattern of the subject, `names`: patterns of alternative names, `fingerprints`: digests. All that are given have to match,
//!   and at least one is; of `names` and `fingerprints` any of the list. In a `uri:` pattern `*` stays between two slashes;
//! - `user`: what the caller is called, with `{cn}` and the like in it (`{cn}` unless said otherwise), but nothing of which the rule's own patterns
//!   say nothing;
//! - `groups`: which groups it is in.
//!
//! The host has verified the certificate against the server's authorities before, and that the client has its key. A certificate that no rule
//! is about is left to the next plugin of the chain, as is every other credential. An identity ends with its certificate.

mod alternative;
mod name;
mod rule;
mod template;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::prelude::*;

use rule::{Rule, RuleSettings};

struct Certificates {
    rules: Vec<Rule>,
    reuse_seconds: u32,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    rules: Vec<RuleSettings>,
    #[serde(default = "default_reuse")]
    reuse_seconds: u32,
}

fn default_reuse() -> u32 {
    300
}

impl Plugin for Certificates {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        if settings.rules.is_empty() {
            return Err(Error::invalid("rules: empty, so that no certificate is ever accepted"));
        }
        let rules = settings.rules.into_iter().enumerate().map(|(index, rule)| Rule::new(index, rule));
        Ok(Self { rules: rules.collect::<Result<_>>()?, reuse_seconds: settings.reuse_seconds })
    }
}

impl Authenticator for Certificates {
    fn authenticate(&mut self, _: &RequestContext, credential: &Credential) -> Result<Authentication> {
        let Credential::Certificate(certificate) = credential else { return Ok(Authentication::Abstained) };
        if certificate.expires <= clock::now() {
            return Ok(Authentication::reject("the certificate has ended"));
        }
        let first = (1..).zip(&self.rules).find(|(_, rule)| rule.matches(certificate));
        let Some((number, rule)) = first else { return Ok(Authentication::Abstained) };
        Ok(match rule.identity(certificate) {
            Ok(identity) => Authentication::accept_for(identity, self.reuse_seconds),
            Err(reason) => Authentication::reject(format!("rule {number}: {reason}")),
        })
    }
}

export!(Certificates: Authenticator);

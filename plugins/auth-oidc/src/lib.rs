//! Bundled authenticator and authorizer: tokens of OpenID Connect issuers (Entra ID, GitHub Actions, GitLab CI, Kubernetes, Keycloak, ...).
//!
//! Settings: `issuers`, who signs tokens, and for whom; `rules`, conditions over a token's claims and what follows from them; `basic`, whether
//! a token is also taken as a password, whatever the user's name (`true`); `reuse-seconds`, how long the host may reuse an acceptance (60).
//!
//! A token whose `iss` is a configured issuer is accepted or rejected, every other credential is left to the next plugin of the chain. Before
//! anything of a token is believed, its signature is checked with a key that the issuer publishes (never one that the token brings along), and
//! its audience and times. What its claims give is decided by the rules, and only for callers whom this plugin accepted.

mod claims;
mod condition;
mod fetch;
mod issuer;
mod jwk;
mod keyring;
mod rule;
mod settings;
mod token;

#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::prelude::*;

use condition::Language;
use issuer::{Fault, Issuer};
use rule::Rule;
use settings::Settings;
use token::Token;

/// Seconds for which the host may reuse what the rules say: nothing but the caller's claims and the access goes into it.
const REUSE_OF_A_VERDICT: u32 = 300;

struct Oidc {
    language: Language,
    issuers: Vec<Issuer>,
    rules: Vec<Rule>,
    basic: bool,
    reuse_seconds: u32,
}

impl Plugin for Oidc {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let language = Language::new()?;
        let checked = settings.check(&language)?;
        keyring::warn_without_state();
        let Settings { basic, reuse_seconds, .. } = settings;
        Ok(Self { language, issuers: checked.issuers, rules: checked.rules, basic, reuse_seconds })
    }
}

impl Authenticator for Oidc {
    fn authenticate(&mut self, _: &RequestContext, credential: &Credential) -> Result<Authentication> {
        let text = match credential {
            Credential::Bearer(token) => token,
            Credential::Basic(basic) if self.basic => &basic.secret,
            _ => return Ok(Authentication::Abstained),
        };
        let Some(token) = Token::read(text) else { return Ok(Authentication::Abstained) };
        let Some(issuer) = self.issuers.iter_mut().find(|issuer| token.issuer() == Some(issuer.name())) else {
            return Ok(Authentication::Abstained);
        };
        let name = issuer.name().to_owned();
        match issuer.accept(&token, clock::now()) {
            Ok(mut identity) => {
                let facts = self.language.facts(&claims::restore(&identity.claims));
                let given = self.rules.iter().filter(|rule| rule.issuer() == name && rule.holds(&facts)).flat_map(Rule::groups);
                let new: Vec<String> = given.filter(|group| !identity.groups.contains(group)).cloned().collect();
                identity.groups.extend(new);
                identity.groups.sort_unstable();
                identity.groups.dedup();
                match claims::fits(&identity) {
                    Ok(()) => Ok(Authentication::accept_for(identity, self.reuse_seconds)),
                    Err(reason) => Ok(Authentication::reject(reason)),
                }
            }
            Err(Fault::Rejected(reason)) => Ok(Authentication::reject(format!("a token of {name}: {reason}"))),
            Err(Fault::Failed(error)) => Err(error),
        }
    }
}

impl Authorizer for Oidc {
    fn authorize(&mut self, context: &RequestContext, who: Option<&Caller>, access: &Access) -> Result<Verdict> {
        let mut verdicts = self.authorize_all(context, who, std::slice::from_ref(access))?;
        verdicts.pop().or_internal("no verdict")
    }

    fn authorize_all(&mut self, context: &RequestContext, who: Option<&Caller>, accesses: &[Access]) -> Result<Vec<Verdict>> {
        let Some(who) = who.filter(|who| who.is_own(context)) else { return Ok(vec![Verdict::Abstain; accesses.len()]) };
        let known = claims::restore(&who.claims);
        let issuer = known.get("iss").and_then(serde_json::Value::as_str).unwrap_or_default();
        let facts = self.language.facts(&known);
        let judge = |access: &Access| {
            let gives = |rule: &Rule| rule.issuer() == issuer && rule.covers(access) && rule.holds(&facts);
            match (1..).zip(&self.rules).find(|(_, rule)| gives(rule)) {
                Some((number, _)) => Verdict::allow_because(format!("rule {number}")),
                None => Verdict::Abstain,
            }
        };
        Ok(accesses.iter().map(judge).collect())
    }

    fn reuse(&self) -> u32 {
        REUSE_OF_A_VERDICT
    }
}

export!(Oidc: Authenticator, Authorizer);

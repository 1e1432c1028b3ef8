//! Bundled authorizer: a list of rules, of which the first that matches decides.
//!
//! Settings: `rules`, each with
//!
//! - `who`: `anonymous`, `authenticated`, `*`, `user:NAME` or `group:NAME`, any of them;
//! - `repositories`: patterns, any of them. `*` and `?` stay within one level, `**` spans levels: `public/**` is everything below `public`,
//!   `**` everything. What concerns the registry as a whole is matched by `**` alone;
//! - `actions`: `pull` (with reading metadata), `push`, `delete`, `list` (the catalog of repositories), `read-metadata`, `write-metadata`,
//!   `administer`, or `*`;
//! - `effect`: `allow` unless said to be `deny`.
//!
//! If no rule matches, the next plugin of the chain is asked; if nobody decides, the host denies.

mod rule;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::prelude::*;

use rule::{Effect, Rule, RuleSettings};

struct Rules {
    rules: Vec<Rule>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    rules: Vec<RuleSettings>,
}

impl Plugin for Rules {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let compiled = settings.rules.into_iter().enumerate().map(|(index, rule)| Rule::new(index, rule));
        Ok(Self { rules: compiled.collect::<Result<_>>()? })
    }
}

impl Authorizer for Rules {
    fn authorize(&mut self, _: &RequestContext, who: Option<&Identity>, access: &Access) -> Result<Verdict> {
        let first = (1..).zip(&self.rules).find(|(_, rule)| rule.matches(who, access));
        Ok(match first {
            None => Verdict::Abstain,
            Some((_, Rule { effect: Effect::Allow, .. })) => Verdict::Allow,
            Some((number, Rule { effect: Effect::Deny, .. })) => Verdict::deny(format!("rule {number} denies it")),
        })
    }
}

export!(Rules: Authorizer);

//! Bundled authorizer: a list of rules, of which the first that matches decides.
//!
//! Settings: `rules`, each with
//!
//! - `who`: `anonymous`, `authenticated`, `*`, `user:NAME` or `group:NAME`, any of them;
//! - `repositories`: patterns, any of them. `*` and `?` stay within one level, `**` spans levels: `public/**` is everything below `public`,
//!   `**` everything. What concerns the registry as a whole is matched by `**` alone;
//! - `actions`: `pull` (with reading metadata), `push`, `delete`, `list` (the catalog of repositories), `read-metadata`, `write-metadata`,
//!   `administer`, or `*`;
//! - `by`: the plugins that vouch for the caller, any of them; unless it is given, whichever;
//! - `effect`: `allow` unless said to be `deny`.
//!
//! `reuse-seconds`: how long the host may reuse a verdict (300). Nothing but the caller and the access goes into one.
//!
//! If no rule matches, the next plugin of the chain is asked; if nobody decides, the host denies.

mod rule;
#[cfg(test)]
mod tests;

use bulkhead_plugin_sdk::prelude::*;

use rule::{Effect, Rule, RuleSettings};

struct Rules {
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

impl Plugin for Rules {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self> {
        let compiled = settings.rules.into_iter().enumerate().map(|(index, rule)| Rule::new(index, rule));
        Ok(Self { rules: compiled.collect::<Result<_>>()?, reuse_seconds: settings.reuse_seconds })
    }
}

impl Authorizer for Rules {
    fn authorize(&mut self, _: &RequestContext, who: Option<&Caller>, access: &Access) -> Result<Verdict> {
        let first = (1..).zip(&self.rules).find(|(_, rule)| rule.matches(who, access));
        Ok(match first {
            None => Verdict::Abstain,
            Some((number, Rule { effect: Effect::Allow, .. })) => Verdict::allow_because(format!("rule {number}")),
            Some((number, Rule { effect: Effect::Deny, .. })) => Verdict::deny(format!("rule {number} denies it")),
        })
    }

    fn reuse(&self) -> u32 {
        self.reuse_seconds
    }
}

export!(Rules: Authorizer);

//! What each authorizer said of a caller and an access, for as long as it lets it be reused. Abstentions too; failures never.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::ports::auth::{Access, Verdict};
use crate::ports::clock::Timestamp;
use crate::ports::context::Identity;
use crate::ports::ids::RegistryName;
use crate::ports::plugin::PluginLabel;

/// The most verdicts that a gate remembers.
const REMEMBERED: usize = 10_000;

/// The remembered verdicts of one gate.
pub(super) struct Verdicts(Cache<[u8; 32], Arc<Known>>);

struct Known {
    verdict: Verdict,
    until: Timestamp,
}

/// A caller as authorizers know it: SHA-256 of everything that they are told of it, and when it ends.
pub(super) struct CallerMark {
    mark: [u8; 32],
    expires: Option<Timestamp>,
}

impl CallerMark {
    pub fn of(registry: &RegistryName, who: Option<&Identity>) -> Self {
        let mut hasher = Sha256::new();
        text(&mut hasher, registry.as_str());
        if let Some(Identity { plugin, subject, groups, claims, expires }) = who {
            text(&mut hasher, plugin);
            text(&mut hasher, subject);
            number(&mut hasher, groups.len() as u64);
            groups.iter().for_each(|group| text(&mut hasher, group));
            number(&mut hasher, claims.len() as u64);
            for (name, value) in claims {
                text(&mut hasher, name);
                text(&mut hasher, value);
            }
            number(&mut hasher, expires.map_or(u64::MAX, |expires| expires.0));
        }
        Self { mark: hasher.finalize().into(), expires: who.and_then(|who| who.expires) }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    fn with(&self, plugin: &PluginLabel, access: &Access) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.mark);
        text(&mut hasher, &plugin.name);
        text(&mut hasher, &plugin.digest);
        hasher.update([access.action as u8]);
        if let Some(repository) = &access.repository {
            text(&mut hasher, repository.as_str());
        }
        hasher.finalize().into()
    }
}

impl Default for Verdicts {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Verdicts {
    /// What this plugin said, if it still holds.
    pub fn recall(&self, plugin: &PluginLabel, caller: &CallerMark, access: &Access, now: Timestamp) -> Option<Verdict> {
        self.look(plugin, caller, access, now, Verdict::clone)
    }

    /// Whether it is remembered that this access is allowed: by the first of these plugins that did not abstain.
    pub fn allow<'a>(
        &self,
        plugins: impl Iterator<Item = &'a PluginLabel>,
        caller: &CallerMark,
        access: &Access,
        now: Timestamp,
    ) -> bool {
        for plugin in plugins {
            // No copy of the reason is made: this is asked at every request.
            let said = |verdict: &Verdict| match verdict {
                Verdict::Allow(_) => Some(true),
                Verdict::Deny(_) => Some(false),
                Verdict::Abstain => None,
            };
            match self.look(plugin, caller, access, now, said) {
                Some(Some(allowed)) => return allowed,
                Some(None) => {}
                None => return false,
            }
        }
        false
    }

    /// Remembers a verdict for `reuse` seconds, but not beyond the caller's end.
    pub fn keep(
        &self,
        plugin: &PluginLabel,
        caller: &CallerMark,
        access: &Access,
        verdict: &Verdict,
        (now, reuse): (Timestamp, u32),
    ) {
        let until = now.after(Duration::from_secs(u64::from(reuse)));
        let until = caller.expires.map_or(until, |expires| expires.min(until));
        if now < until {
            self.0.insert(caller.with(plugin, access), Arc::new(Known { verdict: verdict.clone(), until }));
        }
    }

    fn look<T>(
        &self,
        plugin: &PluginLabel,
        caller: &CallerMark,
        access: &Access,
        now: Timestamp,
        read: impl FnOnce(&Verdict) -> T,
    ) -> Option<T> {
        let known = self.0.get(&caller.with(plugin, access))?;
        (now < known.until).then(|| read(&known.verdict))
    }
}

fn text(hasher: &mut Sha256, text: &str) {
    number(hasher, text.len() as u64);
    hasher.update(text.as_bytes());
}

fn number(hasher: &mut Sha256, number: u64) {
    hasher.update(number.to_le_bytes());
}

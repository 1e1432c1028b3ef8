//! One rule: what follows for a token of one issuer whose claims fulfil a condition.

use bulkhead_plugin_sdk::actions::ActionName;
use bulkhead_plugin_sdk::glob::Repositories;
use bulkhead_plugin_sdk::prelude::*;

use crate::condition::{Condition, Facts, Language};

/// A rule as it stands in the settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    when: String,
    #[serde(default)]
    issuer: Option<String>,
    #[serde(default)]
    repositories: Option<Repositories>,
    #[serde(default)]
    actions: Vec<ActionName>,
    #[serde(default)]
    groups: Vec<String>,
}

/// A rule that was found to make sense.
pub struct Rule {
    issuer: String,
    condition: Condition,
    /// None: it gives groups alone.
    repositories: Option<Repositories>,
    actions: Vec<ActionName>,
    groups: Vec<String>,
}

impl Rule {
    /// `index` counts from 0, as the host shows paths into the settings. `issuers` are the names of all.
    pub fn new(index: usize, settings: &RuleSettings, issuers: &[&str], language: &Language) -> Result<Self> {
        let fault = |key: &str, text: String| Error::invalid(format!("rules[{index}].{key}: {text}"));
        let issuer = match (&settings.issuer, issuers) {
            (Some(name), _) if issuers.contains(&name.as_str()) => name.clone(),
            (Some(name), _) => return Err(fault("issuer", format!("`{name}` is none of the issuers"))),
            (None, [one]) => (*one).to_owned(),
            (None, _) => {
                let why = "missing: where there are several issuers, say whose claims are meant, since another issuer may have its own say in them";
                return Err(fault("issuer", why.to_owned()));
            }
        };
        match (&settings.repositories, settings.actions.is_empty()) {
            (Some(_), true) => {
                return Err(fault("actions", "missing or empty: say what may be done in `repositories`".to_owned()));
            }
            (None, false) => return Err(fault("repositories", "missing: say where the `actions` may be done".to_owned())),
            (None, true) if settings.groups.is_empty() => {
                return Err(fault("when", "nothing follows: give the rule `repositories` and `actions`, or `groups`".to_owned()));
            }
            _ => {}
        }
        let is_group = |group: &&String| group.is_empty() || group.len() > 200 || group.chars().any(char::is_control);
        if let Some(group) = settings.groups.iter().find(is_group) {
            return Err(fault("groups", format!("`{}` is no name of 1 to 200 bytes", group.escape_debug())));
        }
        let condition = language.compile(&settings.when).map_err(|text| fault("when", text))?;
        let (repositories, actions, groups) = (settings.repositories.clone(), settings.actions.clone(), settings.groups.clone());
        Ok(Self { issuer, condition, repositories, actions, groups })
    }

    /// Whose claims it is about.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The claims that it needs.
    pub fn claims(&self) -> impl Iterator<Item = &String> {
        self.condition.claims()
    }

    /// What a caller is given as a group.
    pub fn groups(&self) -> impl Iterator<Item = &String> {
        self.groups.iter()
    }

    /// Whether it is about that access.
    pub fn covers(&self, access: &Access) -> bool {
        self.actions.iter().any(|action| action.covers(access.action))
            && self.repositories.as_ref().is_some_and(|repositories| repositories.covers(access.repository.as_deref()))
    }

    /// Whether these claims fulfil its condition.
    pub fn holds(&self, facts: &Facts) -> bool {
        self.condition.holds(facts)
    }
}

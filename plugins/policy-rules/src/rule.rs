//! One rule: from the settings, checked, to a question that is quickly answered.

use bulkhead_plugin_sdk::actions::ActionName;
use bulkhead_plugin_sdk::glob::RepositoryGlob;
use bulkhead_plugin_sdk::prelude::*;

/// A rule as it stands in the settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    who: Vec<String>,
    repositories: Vec<String>,
    actions: Vec<ActionName>,
    #[serde(default)]
    by: Option<Vec<String>>,
    #[serde(default)]
    effect: Effect,
}

/// What a rule does to what it matches.
#[derive(serde::Deserialize, Default, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Allowed.
    #[default]
    Allow,
    /// Denied, whatever rules and plugins follow.
    Deny,
}

#[derive(Debug)]
enum Who {
    Anonymous,
    Authenticated,
    Anyone,
    User(String),
    Group(String),
}

impl Who {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("user", name)) if !name.is_empty() => return Ok(Self::User(name.to_owned())),
            Some(("group", name)) if !name.is_empty() => return Ok(Self::Group(name.to_owned())),
            _ => {}
        }
        match text {
            "anonymous" => Ok(Self::Anonymous),
            "authenticated" => Ok(Self::Authenticated),
            "*" => Ok(Self::Anyone),
            name if !name.is_empty() && !name.contains(':') => Err(format!(
                "`{name}` is nobody: write `user:{name}` or `group:{name}`, or one of `anonymous`, `authenticated`, `*`"
            )),
            other => Err(format!("`{other}` is nobody: write `anonymous`, `authenticated`, `*`, `user:NAME` or `group:NAME`")),
        }
    }

    fn is(&self, who: Option<&Caller>) -> bool {
        match (self, who) {
            (Self::Anyone, _) | (Self::Anonymous, None) | (Self::Authenticated, Some(_)) => true,
            (Self::User(name), Some(who)) => who.subject == *name,
            (Self::Group(name), Some(who)) => who.groups.contains(name),
            _ => false,
        }
    }
}

/// A rule that was found to make sense.
pub struct Rule {
    who: Vec<Who>,
    repositories: Vec<RepositoryGlob>,
    actions: Vec<ActionName>,
    /// None: whoever vouches.
    by: Option<Vec<String>>,
    /// What it does.
    pub effect: Effect,
}

impl Rule {
    /// `index` counts from 0, as the host shows paths into the settings. A rule that could never match is a mistake, thus an error.
    pub fn new(index: usize, settings: RuleSettings) -> Result<Self> {
        let RuleSettings { who, repositories, actions, by, effect } = settings;
        let empty = [
            ("who", who.is_empty()),
            ("repositories", repositories.is_empty()),
            ("actions", actions.is_empty()),
            ("by", by.as_ref().is_some_and(Vec::is_empty)),
        ];
        if let Some((key, _)) = empty.iter().find(|(_, empty)| *empty) {
            return Err(Error::invalid(format!(
                "rules[{index}].{key}: empty, so that this rule (number {}) never matches",
                index + 1
            )));
        }
        let who = each(index, "who", &who, Who::parse)?;
        if by.is_some() && who.iter().all(|one| matches!(one, Who::Anonymous)) {
            return Err(Error::invalid(format!(
                "rules[{index}].by: nobody vouches for an anonymous caller, so that this rule (number {}) never matches",
                index + 1
            )));
        }
        Ok(Self { who, repositories: each(index, "repositories", &repositories, RepositoryGlob::parse)?, actions, by, effect })
    }

    /// Whether this rule is about that access.
    pub fn matches(&self, who: Option<&Caller>, access: &Access) -> bool {
        self.actions.iter().any(|action| action.covers(access.action))
            && self.is_vouched(who)
            && self.who.iter().any(|one| one.is(who))
            && self.repositories.iter().any(|glob| glob.covers(access.repository.as_deref()))
    }

    fn is_vouched(&self, who: Option<&Caller>) -> bool {
        match &self.by {
            None => true,
            Some(plugins) => who.is_some_and(|who| plugins.contains(&who.vouched_by)),
        }
    }
}

fn each<T>(index: usize, key: &str, texts: &[String], parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>> {
    let parsed = texts.iter().enumerate().map(|(place, text)| {
        parse(text)
            .map_err(|fault| Error::invalid(format!("rules[{index}].{key}[{place}]: {fault} (in rule number {})", index + 1)))
    });
    parsed.collect()
}

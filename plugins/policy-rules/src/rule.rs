//! One rule: from the settings, checked, to a question that is quickly answered.

use bulkhead_plugin_sdk::authorizer::Action;
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

#[derive(serde::Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum ActionName {
    Pull,
    Push,
    Delete,
    List,
    ReadMetadata,
    WriteMetadata,
    Administer,
    #[serde(rename = "*")]
    Any,
}

impl ActionName {
    fn covers(self, action: Action) -> bool {
        match self {
            Self::Any => true,
            // Whoever may have the content may know its size and date.
            Self::Pull => matches!(action, Action::Pull | Action::ReadMetadata),
            Self::Push => action == Action::Push,
            Self::Delete => action == Action::Delete,
            Self::List => action == Action::ListRepositories,
            Self::ReadMetadata => action == Action::ReadMetadata,
            Self::WriteMetadata => action == Action::WriteMetadata,
            Self::Administer => action == Action::Administer,
        }
    }
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

    fn is(&self, who: Option<&Identity>) -> bool {
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
    /// What it does.
    pub effect: Effect,
}

impl Rule {
    /// `index` counts from 0, as the host shows paths into the settings. A rule that could never match is a mistake, thus an error.
    pub fn new(index: usize, settings: RuleSettings) -> Result<Self> {
        let RuleSettings { who, repositories, actions, effect } = settings;
        let empty = [("who", who.is_empty()), ("repositories", repositories.is_empty()), ("actions", actions.is_empty())];
        if let Some((key, _)) = empty.iter().find(|(_, empty)| *empty) {
            return Err(Error::invalid(format!(
                "rules[{index}].{key}: empty, so that this rule (number {}) never matches",
                index + 1
            )));
        }
        Ok(Self {
            who: each(index, "who", &who, Who::parse)?,
            repositories: each(index, "repositories", &repositories, RepositoryGlob::parse)?,
            actions,
            effect,
        })
    }

    /// Whether this rule is about that access.
    pub fn matches(&self, who: Option<&Identity>, access: &Access) -> bool {
        let repository = access.repository.as_deref();
        self.actions.iter().any(|action| action.covers(access.action))
            && self.who.iter().any(|one| one.is(who))
            && self.repositories.iter().any(|glob| match repository {
                Some(name) => glob.matches(name),
                None => glob.is_everything(),
            })
    }
}

fn each<T>(index: usize, key: &str, texts: &[String], parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>> {
    let parsed = texts.iter().enumerate().map(|(place, text)| {
        parse(text)
            .map_err(|fault| Error::invalid(format!("rules[{index}].{key}[{place}]: {fault} (in rule number {})", index + 1)))
    });
    parsed.collect()
}

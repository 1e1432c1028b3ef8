//! Actions as the bundled policies name them in their rules. They read and check themselves as settings.

use serde::Deserialize;

use crate::authorizer::Action;

/// One name in a rule's list of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionName {
    /// Pull, and read metadata: whoever may have the content may know its size and date.
    Pull,
    /// Push.
    Push,
    /// Delete.
    Delete,
    /// List the repositories of the registry.
    List,
    /// Read facts about content.
    ReadMetadata,
    /// Change them.
    WriteMetadata,
    /// Change the registry itself.
    Administer,
    /// All of them.
    #[serde(rename = "*")]
    Any,
}

impl ActionName {
    /// Whether a rule that names this is about that action.
    pub fn covers(self, action: Action) -> bool {
        match self {
            Self::Any => true,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_covers_its_action_and_pull_covers_reading_metadata_too() {
        let all = [
            Action::Pull,
            Action::Push,
            Action::Delete,
            Action::ReadMetadata,
            Action::WriteMetadata,
            Action::ListRepositories,
            Action::Administer,
        ];
        let covered = |text: &str| -> Vec<Action> {
            let name: ActionName = serde_json::from_value(text.into()).unwrap();
            all.into_iter().filter(|action| name.covers(*action)).collect()
        };
        assert_eq!(covered("pull"), [Action::Pull, Action::ReadMetadata]);
        assert_eq!(covered("*"), all);
        assert_eq!(covered("list"), [Action::ListRepositories]);
        for (text, action) in [
            ("push", Action::Push),
            ("delete", Action::Delete),
            ("read-metadata", Action::ReadMetadata),
            ("write-metadata", Action::WriteMetadata),
            ("administer", Action::Administer),
        ] {
            assert_eq!(covered(text), [action]);
        }
    }
}

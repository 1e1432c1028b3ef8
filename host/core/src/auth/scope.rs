//! The scopes of a token request (Docker token specification): `repository:NAME:pull,push`, `registry:catalog:*`,
//! `registry:administration:*`.

use bulkhead_oci::RepositoryName;

use crate::ports::auth::{Access, AccessAction};

/// One scope that a client asks for. What makes no sense is left out of the token, never an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeRequest {
    /// `repository` or `registry`; a class in brackets is left out.
    pub kind: String,
    /// The name as sent.
    pub name: String,
    /// The actions as sent.
    pub actions: Vec<String>,
}

impl ScopeRequest {
    /// Reads scopes divided by spaces.
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split_ascii_whitespace().filter_map(Self::parse).collect()
    }

    /// A name may hold a colon (a port), so the kind ends at the first and the actions begin at the last.
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let kind = kind.split('(').next().unwrap_or_default();
        let actions = actions.split(',').filter(|action| !action.is_empty()).map(str::to_owned).collect();
        Some(Self { kind: kind.to_owned(), name: name.to_owned(), actions })
    }

    /// What it asks for, as accesses.
    pub fn accesses(&self) -> Vec<Access> {
        match self.kind.as_str() {
            "repository" => match self.name.parse::<RepositoryName>() {
                Ok(name) => self.repository_accesses(&name),
                Err(_) => Vec::new(),
            },
            "registry" if self.name == "catalog" && self.actions.iter().any(|action| action == "*") => {
                vec![Access { action: AccessAction::ListRepositories, repository: None }]
            }
            "registry" if self.name == "administration" && self.actions.iter().any(|action| action == "*") => {
                vec![Access { action: AccessAction::Administer, repository: None }]
            }
            _ => Vec::new(),
        }
    }

    fn repository_accesses(&self, name: &RepositoryName) -> Vec<Access> {
        let mut accesses: Vec<Access> = Vec::new();
        for action in self.actions.iter().flat_map(|action| actions_of(action)) {
            if !accesses.iter().any(|access| access.action == *action) {
                accesses.push(Access { action: *action, repository: Some(name.clone()) });
            }
        }
        accesses
    }
}

fn actions_of(text: &str) -> &'static [AccessAction] {
    use AccessAction::{Delete, Pull, Push, ReadMetadata, WriteMetadata};
    match text {
        "pull" => &[Pull],
        "push" => &[Push],
        "delete" => &[Delete],
        "metadata_read" => &[ReadMetadata],
        "metadata_write" => &[WriteMetadata],
        "*" => &[Pull, Push, Delete, ReadMetadata, WriteMetadata],
        _ => &[],
    }
}

/// The name of an action in a token.
pub(super) const fn action_name(action: AccessAction) -> &'static str {
    match action {
        AccessAction::Pull => "pull",
        AccessAction::Push => "push",
        AccessAction::Delete => "delete",
        AccessAction::ReadMetadata => "metadata_read",
        AccessAction::WriteMetadata => "metadata_write",
        AccessAction::ListRepositories | AccessAction::Administer => "*",
    }
}

/// The kind and name of the resource that an access is about, as in a token.
pub(super) fn resource_of(access: &Access) -> (&'static str, String) {
    match (&access.repository, access.action) {
        (Some(name), _) => ("repository", name.to_string()),
        (None, AccessAction::Administer) => ("registry", "administration".to_owned()),
        (None, _) => ("registry", "catalog".to_owned()),
    }
}

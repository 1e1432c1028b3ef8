//! The accounts that the host keeps for the registry that is served. `denied` unless the operator granted them.

use super::host;
use crate::Result;

pub use crate::bindings::imports::bulkhead::plugin::accounts::{Account, Checked, Kind, Right, Role, Scope, Verification};

/// Whether this is a secret of that account. The host does the hashing, and it takes as long for a name that nobody has.
pub fn verify(name: &str, secret: &str) -> Result<Verification> {
    host::accounts::verify(name, secret)
}

/// The account as it is now. None: there is none, it is disabled, or it has the secret no more that `proof` marks.
pub fn find(name: &str, proof: Option<&str>) -> Result<Option<Account>> {
    host::accounts::find(name, proof)
}

impl Kind {
    /// As the administration interface writes it: `admin`, `service-principal`, `token`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ServicePrincipal => "service-principal",
            Self::Token => "token",
        }
    }
}

impl Role {
    /// As the administration interface writes it, such as `AcrPull`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcrPull => "AcrPull",
            Self::AcrPush => "AcrPush",
            Self::AcrDelete => "AcrDelete",
            Self::Reader => "Reader",
            Self::Contributor => "Contributor",
            Self::Owner => "Owner",
        }
    }
}

impl Scope {
    /// Whether it is about this repository: it is named, or lies below the `PREFIX` of `PREFIX/*`.
    pub fn covers(&self, repository: &str) -> bool {
        match self.repositories.strip_suffix("/*") {
            Some(prefix) => repository.strip_prefix(prefix).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/')),
            None => repository == self.repositories,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_a_name_or_all_below_a_prefix_and_nothing_beside_it() {
        let scope = |repositories: &str| Scope { repositories: repositories.to_owned(), rights: Vec::new() };
        assert!(scope("team/app").covers("team/app"));
        assert!(scope("team/*").covers("team/app") && scope("team/*").covers("team/a/b"));
        for other in ["team", "team/", "teams/app", "team2", "a/team/app", ""] {
            assert!(!scope("team/*").covers(other), "{other}");
        }
        for other in ["team/app/x", "team/ap", "team/app2", "x/team/app"] {
            assert!(!scope("team/app").covers(other), "{other}");
        }
    }
}

//! What stands behind `/api/v1/`, as a closed list.

use axum::http::Method;
use bulkhead_core::ports::accounts::{AccountKind, AccountName, ScopeMapName, Slot};
use bulkhead_core::ports::catalog::Attributed;
use bulkhead_core::ports::ids::RegistryName;
use bulkhead_oci::RepositoryName;

use crate::acr;
use crate::parse::{Operation, ParseError, Query, length, reading};

/// The longest list of accounts that is answered at once. The core gives one more, which says that there is more.
const MAX_ACCOUNTS: u32 = 500;
/// The longest list of scope maps, of which each may be long.
const MAX_SCOPE_MAPS: u32 = 50;
/// What is answered to a client that names no length, if it may be.
const USUAL_LIST: u32 = 100;

/// What is asked of the administration.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ApiCall {
    /// Something of one registry.
    Registry {
        /// Which, as the path has it.
        registry: RegistryName,
        /// What.
        operation: ApiOperation,
    },
    /// New keys for the tokens of all registries.
    RotateKeys,
}

/// How much of a list is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Strictly after this name.
    pub after: Option<AccountName>,
    /// 0: nothing.
    pub limit: u32,
}

/// What is asked of the administration of one registry. Accounts of a list are service principals or tokens; the administrator is alone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ApiOperation {
    ReadAdmin,
    ChangeAdmin,
    ListAccounts(AccountKind, Listing),
    CreatePrincipal,
    CreateToken,
    ReadAccount(AccountKind, AccountName),
    ChangePrincipal(AccountName),
    ChangeToken(AccountName),
    RemoveAccount(AccountKind, AccountName),
    RenewSecret(AccountKind, AccountName, Slot),
    WithdrawSecret(AccountKind, AccountName, Slot),
    ListScopeMaps(Listing),
    ReadScopeMap(ScopeMapName),
    PutScopeMap(ScopeMapName),
    RemoveScopeMap(ScopeMapName),
    Explain,
    ReadAttributes { repository: RepositoryName, of: Attributed },
    ChangeAttributes { repository: RepositoryName, of: Attributed },
}

impl ApiOperation {
    /// Whether it is said in a body. One that could be said without a word has one too: a page of another site cannot make a browser send
    /// JSON.
    pub(super) const fn has_body(&self) -> bool {
        match self {
            Self::ChangeAdmin
            | Self::CreatePrincipal
            | Self::CreateToken
            | Self::ChangePrincipal(_)
            | Self::ChangeToken(_)
            | Self::RenewSecret(..)
            | Self::PutScopeMap(_)
            | Self::Explain
            | Self::ChangeAttributes { .. } => true,
            Self::ReadAdmin
            | Self::ListAccounts(..)
            | Self::ReadAccount(..)
            | Self::RemoveAccount(..)
            | Self::WithdrawSecret(..)
            | Self::ListScopeMaps(_)
            | Self::ReadScopeMap(_)
            | Self::RemoveScopeMap(_)
            | Self::ReadAttributes { .. } => false,
        }
    }
}

/// Reads a request. `rest` is decoded, `query` is not.
///
/// # Errors
/// [`ParseError`].
pub(crate) fn parse(method: &Method, rest: &str, query: Option<&str>) -> Result<ApiCall, ParseError> {
    let parts: Vec<&str> = rest.split('/').collect();
    match parts.as_slice() {
        ["keys", "rotate"] => {
            post(method)?;
            Ok(ApiCall::RotateKeys)
        }
        ["registries", registry, parts @ ..] => {
            let registry = registry.parse().map_err(|_| ParseError::NoRoute)?;
            Ok(ApiCall::Registry { registry, operation: operation(method, parts, query)? })
        }
        _ => Err(ParseError::NoRoute),
    }
}

fn operation(method: &Method, parts: &[&str], query: Option<&str>) -> Result<ApiOperation, ParseError> {
    use AccountKind::{Admin, ServicePrincipal, Token};
    match parts {
        ["admin"] => match *method {
            Method::GET | Method::HEAD => Ok(ApiOperation::ReadAdmin),
            Method::PATCH => Ok(ApiOperation::ChangeAdmin),
            _ => Err(ParseError::Method { allow: "GET, HEAD, PATCH" }),
        },
        ["admin", "secrets", slot] => secret(method, Admin, AccountName::admin(), slot),
        ["principals"] => list_or(method, ApiOperation::CreatePrincipal, || {
            Ok(ApiOperation::ListAccounts(ServicePrincipal, listing(query, MAX_ACCOUNTS)?))
        }),
        ["tokens"] => {
            list_or(method, ApiOperation::CreateToken, || Ok(ApiOperation::ListAccounts(Token, listing(query, MAX_ACCOUNTS)?)))
        }
        ["principals", name] => account(method, ServicePrincipal, name.parse()?),
        ["tokens", name] => account(method, Token, name.parse()?),
        ["principals", name, "secrets", slot] => secret(method, ServicePrincipal, name.parse()?, slot),
        ["tokens", name, "secrets", slot] => secret(method, Token, name.parse()?, slot),
        ["scope-maps"] => {
            reading(method)?;
            Ok(ApiOperation::ListScopeMaps(listing(query, MAX_SCOPE_MAPS)?))
        }
        ["scope-maps", name] => scope_map(method, name.parse()?),
        ["explain"] => {
            post(method)?;
            Ok(ApiOperation::Explain)
        }
        ["repositories", rest @ ..] => attributes(method, &rest.join("/")),
        _ => Err(ParseError::NoRoute),
    }
}

fn post(method: &Method) -> Result<(), ParseError> {
    if *method == Method::POST { Ok(()) } else { Err(ParseError::Method { allow: "POST" }) }
}

fn list_or(
    method: &Method,
    create: ApiOperation,
    list: impl FnOnce() -> Result<ApiOperation, ParseError>,
) -> Result<ApiOperation, ParseError> {
    match *method {
        Method::GET | Method::HEAD => list(),
        Method::POST => Ok(create),
        _ => Err(ParseError::Method { allow: "GET, HEAD, POST" }),
    }
}

fn account(method: &Method, kind: AccountKind, name: AccountName) -> Result<ApiOperation, ParseError> {
    match *method {
        Method::GET | Method::HEAD => Ok(ApiOperation::ReadAccount(kind, name)),
        Method::PATCH if kind == AccountKind::Token => Ok(ApiOperation::ChangeToken(name)),
        Method::PATCH => Ok(ApiOperation::ChangePrincipal(name)),
        Method::DELETE => Ok(ApiOperation::RemoveAccount(kind, name)),
        _ => Err(ParseError::Method { allow: "GET, HEAD, PATCH, DELETE" }),
    }
}

fn secret(method: &Method, kind: AccountKind, name: AccountName, slot: &str) -> Result<ApiOperation, ParseError> {
    let slot = match slot {
        "1" => Slot::First,
        "2" => Slot::Second,
        _ => return Err(ParseError::Slot),
    };
    match *method {
        Method::POST => Ok(ApiOperation::RenewSecret(kind, name, slot)),
        Method::DELETE => Ok(ApiOperation::WithdrawSecret(kind, name, slot)),
        _ => Err(ParseError::Method { allow: "POST, DELETE" }),
    }
}

fn scope_map(method: &Method, name: ScopeMapName) -> Result<ApiOperation, ParseError> {
    match *method {
        Method::GET | Method::HEAD => Ok(ApiOperation::ReadScopeMap(name)),
        Method::PUT => Ok(ApiOperation::PutScopeMap(name)),
        Method::DELETE => Ok(ApiOperation::RemoveScopeMap(name)),
        _ => Err(ParseError::Method { allow: "GET, HEAD, PUT, DELETE" }),
    }
}

/// Attributes, under the same paths as in Azure's interface. Nothing is deleted here.
fn attributes(method: &Method, rest: &str) -> Result<ApiOperation, ParseError> {
    const ALLOW: ParseError = ParseError::Method { allow: "GET, HEAD, PATCH" };
    match acr::parse(method, rest) {
        Ok(Operation::ReadAttributes { repository, of }) => Ok(ApiOperation::ReadAttributes { repository, of }),
        Ok(Operation::ChangeAttributes { repository, of }) => Ok(ApiOperation::ChangeAttributes { repository, of }),
        Ok(_) | Err(ParseError::Method { .. }) => Err(ALLOW),
        Err(error) => Err(error),
    }
}

fn listing(query: Option<&str>, most: u32) -> Result<Listing, ParseError> {
    let query = Query::parse(query)?;
    let after = query.one("after")?.filter(|text| !text.is_empty()).map(str::parse).transpose()?;
    Ok(Listing { after, limit: length(&query, most)?.unwrap_or(USUAL_LIST.min(most)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(method: &str, rest: &str) -> Result<ApiOperation, ParseError> {
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        match parse(&method.parse().unwrap(), &format!("registries/r/{path}"), query)? {
            ApiCall::Registry { registry, operation } => {
                assert_eq!(registry.as_str(), "r");
                Ok(operation)
            }
            ApiCall::RotateKeys => panic!("{rest}"),
        }
    }

    fn name(text: &str) -> AccountName {
        text.parse().unwrap()
    }

    #[test]
    fn each_route_is_an_operation() {
        use AccountKind::{Admin, ServicePrincipal, Token};
        let (repository, tag) = (|| "a/b".parse().unwrap(), || Attributed::Tag("v1".parse().unwrap()));
        let usual = || Listing { after: None, limit: USUAL_LIST };
        for (method, rest, operation) in [
            ("GET", "admin", ApiOperation::ReadAdmin),
            ("HEAD", "admin", ApiOperation::ReadAdmin),
            ("PATCH", "admin", ApiOperation::ChangeAdmin),
            ("POST", "admin/secrets/1", ApiOperation::RenewSecret(Admin, name("admin"), Slot::First)),
            ("DELETE", "admin/secrets/2", ApiOperation::WithdrawSecret(Admin, name("admin"), Slot::Second)),
            ("GET", "principals", ApiOperation::ListAccounts(ServicePrincipal, usual())),
            ("POST", "principals", ApiOperation::CreatePrincipal),
            ("GET", "principals/p", ApiOperation::ReadAccount(ServicePrincipal, name("p"))),
            ("PATCH", "principals/p", ApiOperation::ChangePrincipal(name("p"))),
            ("DELETE", "principals/p", ApiOperation::RemoveAccount(ServicePrincipal, name("p"))),
            ("POST", "principals/p/secrets/2", ApiOperation::RenewSecret(ServicePrincipal, name("p"), Slot::Second)),
            ("DELETE", "principals/p/secrets/1", ApiOperation::WithdrawSecret(ServicePrincipal, name("p"), Slot::First)),
            ("GET", "tokens", ApiOperation::ListAccounts(Token, usual())),
            ("POST", "tokens", ApiOperation::CreateToken),
            ("GET", "tokens/t", ApiOperation::ReadAccount(Token, name("t"))),
            ("PATCH", "tokens/t", ApiOperation::ChangeToken(name("t"))),
            ("DELETE", "tokens/t", ApiOperation::RemoveAccount(Token, name("t"))),
            ("POST", "tokens/t/secrets/1", ApiOperation::RenewSecret(Token, name("t"), Slot::First)),
            ("DELETE", "tokens/t/secrets/2", ApiOperation::WithdrawSecret(Token, name("t"), Slot::Second)),
            ("GET", "scope-maps", ApiOperation::ListScopeMaps(Listing { after: None, limit: MAX_SCOPE_MAPS })),
            ("GET", "scope-maps/m", ApiOperation::ReadScopeMap(name("m"))),
            ("PUT", "scope-maps/m", ApiOperation::PutScopeMap(name("m"))),
            ("DELETE", "scope-maps/m", ApiOperation::RemoveScopeMap(name("m"))),
            ("POST", "explain", ApiOperation::Explain),
            ("GET", "repositories/a/b", ApiOperation::ReadAttributes { repository: repository(), of: Attributed::Repository }),
            ("HEAD", "repositories/a/b/_tags/v1", ApiOperation::ReadAttributes { repository: repository(), of: tag() }),
            ("PATCH", "repositories/a/b/_tags/v1", ApiOperation::ChangeAttributes { repository: repository(), of: tag() }),
        ] {
            assert_eq!(parsed(method, rest), Ok(operation), "{method} {rest}");
        }
        assert_eq!(parse(&Method::POST, "keys/rotate", None), Ok(ApiCall::RotateKeys));
    }

    #[test]
    fn other_methods_are_told_the_right_ones() {
        for (rest, allow) in [
            ("admin", "GET, HEAD, PATCH"),
            ("admin/secrets/1", "POST, DELETE"),
            ("principals", "GET, HEAD, POST"),
            ("principals/p", "GET, HEAD, PATCH, DELETE"),
            ("tokens/t/secrets/1", "POST, DELETE"),
            ("scope-maps", "GET, HEAD"),
            ("scope-maps/m", "GET, HEAD, PUT, DELETE"),
            ("explain", "POST"),
            ("repositories/a", "GET, HEAD, PATCH"),
        ] {
            assert_eq!(parsed("OPTIONS", rest), Err(ParseError::Method { allow }), "{rest}");
        }
        assert_eq!(
            parsed("DELETE", "repositories/a"),
            Err(ParseError::Method { allow: "GET, HEAD, PATCH" }),
            "only /acr/v1 deletes"
        );
        assert_eq!(parse(&Method::GET, "keys/rotate", None), Err(ParseError::Method { allow: "POST" }));
    }

    #[test]
    fn what_is_not_there_is_no_route() {
        for rest in [
            "",
            "admin/",
            "other",
            "principals/p/secrets",
            "admin/secrets/1/x",
            "tokens/t/x/1",
            "repositories",
            "repositories/_x",
        ] {
            assert_eq!(parsed("GET", rest), Err(ParseError::NoRoute), "{rest}");
        }
        for rest in ["", "keys", "registries", "registries/r", "registries/R/admin", "registries//admin", "other"] {
            assert_eq!(parse(&Method::GET, rest, None), Err(ParseError::NoRoute), "{rest}");
        }
        assert_eq!(parsed("POST", "admin/secrets/3"), Err(ParseError::Slot));
        for rest in ["tokens/", "tokens/-x", "tokens/a b", "principals/ä", "scope-maps/.", "tokens?after=-"] {
            assert!(matches!(parsed("GET", rest), Err(ParseError::AccountName(_))), "{rest}");
        }
    }

    #[test]
    fn lists_have_a_beginning_and_a_bounded_length() {
        let listed = |query: &str| match parsed("GET", &format!("tokens?{query}")) {
            Ok(ApiOperation::ListAccounts(_, listing)) => listing,
            other => panic!("{other:?}"),
        };
        assert_eq!(listed("n=2&after=b"), Listing { after: Some(name("b")), limit: 2 });
        assert_eq!(listed("n=0"), Listing { after: None, limit: 0 });
        assert_eq!(listed("n=99999999999999999999&after="), Listing { after: None, limit: MAX_ACCOUNTS });
        assert_eq!(parsed("GET", "tokens?n=-1"), Err(ParseError::Paging));
        assert_eq!(parsed("GET", "tokens?after=a&after=b"), Err(ParseError::Repeated("after")));
    }
}

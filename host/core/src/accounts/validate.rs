//! What accounts and scope maps may be. Names and targets are parsed before they come here.

use std::collections::HashSet;

use super::ManageError;
use crate::ports::accounts::{
    ADMIN, AccountChange, AccountKind, AccountName, AccountRecord, MAX_SCOPES_OF_A_MAP, Right, Role, ScopeEntry, ScopeMapName,
};
use crate::ports::ids::RegistryName;

/// Of a display name and a description, in bytes.
const LONGEST_TEXT: usize = 256;

fn invalid<T>(why: impl Into<String>) -> Result<T, ManageError> {
    Err(ManageError::Invalid(why.into()))
}

/// A display name or a description.
pub(super) fn text(text: &str, what: &str) -> Result<(), ManageError> {
    if text.len() > LONGEST_TEXT {
        return invalid(format!("{what} has at most {LONGEST_TEXT} bytes"));
    }
    if text.chars().any(char::is_control) {
        return invalid(format!("{what} has no control characters"));
    }
    Ok(())
}

/// Each once, in order.
pub(super) fn roles(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// A token is told from the administrator and from service principals by its name. Also names that only look like the administrator's are
/// refused.
pub(super) fn token_name(name: &AccountName, registry: &RegistryName) -> Result<(), ManageError> {
    let text = name.as_str();
    if text.eq_ignore_ascii_case(ADMIN) || text.eq_ignore_ascii_case(registry.as_str()) {
        return invalid(format!("a token is not named `{text}`: that is the administrator's name"));
    }
    if is_uuid(text) {
        return invalid("a token's name is no UUID: those are service principals'");
    }
    Ok(())
}

fn is_uuid(text: &str) -> bool {
    let fits = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// A service principal has something by which it may do anything.
pub(super) fn rights_of_principal(roles: &[Role], scope_map: Option<&ScopeMapName>) -> Result<(), ManageError> {
    if roles.is_empty() && scope_map.is_none() {
        return invalid("a service principal has at least one role, or a scope map");
    }
    Ok(())
}

/// What may change of this account, with its roles in order.
pub(super) fn change(mut change: AccountChange, of: &AccountRecord) -> Result<AccountChange, ManageError> {
    if let Some(name) = &change.display_name {
        text(name, "a display name")?;
    }
    change.roles = change.roles.map(roles);
    match of.kind {
        AccountKind::Admin => {
            if change.display_name.is_some() || change.roles.is_some() || change.scope_map.is_some() {
                return invalid("the administrator is enabled and disabled, and has no other settings");
            }
        }
        AccountKind::ServicePrincipal => {
            let scope_map = change.scope_map.as_ref().map_or(of.scope_map.as_ref(), Option::as_ref);
            rights_of_principal(change.roles.as_ref().unwrap_or(&of.roles), scope_map)?;
        }
        AccountKind::Token => {
            if change.roles.as_ref().is_some_and(|roles| !roles.is_empty()) {
                return invalid("a token has no roles: its scope map says what it may do");
            }
            if change.scope_map == Some(None) {
                return invalid("a token has a scope map");
            }
        }
    }
    Ok(change)
}

/// The scopes of a map, with each one's rights once and in order.
pub(super) fn scopes(mut scopes: Vec<ScopeEntry>) -> Result<Vec<ScopeEntry>, ManageError> {
    if scopes.is_empty() || scopes.len() > MAX_SCOPES_OF_A_MAP {
        return invalid(format!("a scope map has 1 to {MAX_SCOPES_OF_A_MAP} scopes"));
    }
    let mut targets = HashSet::with_capacity(scopes.len());
    for scope in &mut scopes {
        if !targets.insert(scope.target.clone()) {
            return invalid(format!("`{}` is in the scope map twice", scope.target));
        }
        if scope.rights.is_empty() {
            return invalid(format!("the scope of `{}` has no rights", scope.target));
        }
        sort(&mut scope.rights);
    }
    Ok(scopes)
}

fn sort(rights: &mut Vec<Right>) {
    rights.sort_unstable();
    rights.dedup();
}

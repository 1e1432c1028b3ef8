//! What a client is told where a change of accounts was not made.

use axum::http::StatusCode;
use bulkhead_core::accounts::ManageError;
use bulkhead_core::ports::accounts::ScopeMapName;
use bulkhead_core::ports::ids::RegistryName;
use bulkhead_core::registry::Host;
use bulkhead_oci::ErrorCode;

use crate::error::ApiError;

impl From<ManageError> for ApiError {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Absent => {
                absent("there is no such account, secret or scope map in this registry: its lists show what there is")
            }
            ManageError::Exists => {
                conflict("there is an account of this name already: choose another name, or delete that one first")
            }
            ManageError::InUse => conflict("accounts use this scope map: give them another one first, or delete them"),
            ManageError::NoSuchScopeMap => unusable("there is no scope map of this name: create it first"),
            ManageError::Invalid(why) => unusable(why),
            // Too many secrets wait to be hashed.
            error @ ManageError::Hashing(_) => Self::unavailable(None, error.to_string()),
            ManageError::Catalog(error) => Self::internal(error.to_string()),
        }
    }
}

/// Something that is not there.
pub(super) fn absent(message: &'static str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, message)
}

/// The same of an account that was to have this scope map: where it is not there, it is named.
pub(super) fn with_map(error: ManageError, map: Option<&ScopeMapName>) -> ApiError {
    match (error, map) {
        (ManageError::NoSuchScopeMap, Some(map)) => unusable(format!("there is no scope map {map}: create it first")),
        (error, _) => error.into(),
    }
}

/// A registry that the operator names, and that is not there. Whoever is the operator may know which are.
pub(crate) fn unknown_registry(named: &RegistryName, host: &Host) -> ApiError {
    let there: Vec<&str> = host.registries().map(|registry| registry.name().as_str()).collect();
    let message = format!("this server has no registry {named}; there are: {}", there.join(", "));
    ApiError::new(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, message)
}

fn conflict(message: &'static str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Denied, message)
}

/// A body that can be read, and says what cannot be.
pub(super) fn unusable(message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::Unsupported, message)
}

//! What a client is told where a change of accounts was not made.

use axum::http::StatusCode;
use bulkhead_core::accounts::ManageError;
use bulkhead_oci::ErrorCode;

use crate::error::ApiError;

impl From<ManageError> for ApiError {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Absent => {
                absent("there is no such account, secret or scope map in this registry: the lists of /api/v1/ show what there is")
            }
            ManageError::Exists => {
                conflict("there is an account of this name already: choose another name, or delete that one first")
            }
            ManageError::InUse => {
                conflict("accounts use this scope map: give them another one first (PATCH of their scope-map), or delete them")
            }
            ManageError::NoSuchScopeMap => {
                unusable("there is no scope map of this name: create it first (PUT .../scope-maps/NAME)")
            }
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

fn conflict(message: &'static str) -> ApiError {
    ApiError::new(StatusCode::CONFLICT, ErrorCode::Denied, message)
}

/// A body that can be read, and says what cannot be.
pub(super) fn unusable(message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::Unsupported, message)
}

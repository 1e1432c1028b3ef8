//! The keys of the host's tokens. They are those of all registries, so only the operator rotates them.

use serde::Serialize;

use super::never_kept;
use crate::Response;
use crate::app::{App, RotatedKeys};
use crate::error::ApiError;
use crate::handler::json;

#[derive(Serialize)]
struct Rotated {
    kid: String,
    keys: usize,
}

/// POST: tokens are signed with a new key from now on. Those that were given before stay worth something.
///
/// # Errors
/// 500: the old key serves on.
pub(crate) async fn rotate(app: &App) -> Result<Response, ApiError> {
    let RotatedKeys { kid, keys } = app.extras.keys.rotate().await.map_err(ApiError::internal)?;
    Ok(never_kept(json(&Rotated { kid, keys })))
}

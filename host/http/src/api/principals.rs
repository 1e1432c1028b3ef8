//! Service principals: programs, with roles for the whole registry.

use bulkhead_core::accounts::NewPrincipal;
use bulkhead_core::ports::accounts::{AccountChange, AccountKind, AccountName, AccountStatus, Role};
use serde::{Deserialize, Deserializer};

use super::Desk;
use super::accounts::made;
use super::failure::{unusable, with_map};
use super::secrets::life;
use super::view::AccountView;
use crate::Response;
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;
use crate::json_body::{self, Shape, USUAL};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CreateBody {
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    roles: Vec<Role>,
    scope_map: Option<String>,
    expires_in_days: Option<u32>,
}

impl Shape for CreateBody {
    const KEYS: &'static [&'static str] = &["display-name", "roles", "scope-map", "expires-in-days"];
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ChangeBody {
    display_name: Option<String>,
    status: Option<AccountStatus>,
    roles: Option<Vec<Role>>,
    #[serde(default, deserialize_with = "given")]
    scope_map: Option<Option<String>>,
}

impl Shape for ChangeBody {
    const KEYS: &'static [&'static str] = &["display-name", "status", "roles", "scope-map"];
}

/// POST of a new one. Its name is made here.
pub(super) async fn create(desk: Desk<'_>, body: ClientBody) -> Result<Response, ApiError> {
    let body: CreateBody = json_body::read(body, USUAL).await?;
    let map = body.scope_map.as_deref().map(map_name).transpose()?;
    let new = NewPrincipal {
        display_name: body.display_name,
        roles: body.roles,
        scope_map: map.clone(),
        expires: life(body.expires_in_days),
    };
    let (account, secret) =
        desk.manager.create_principal(&desk.actor(), new).await.map_err(|error| with_map(error, map.as_ref()))?;
    Ok(made(desk, "principals", &account, &secret))
}

/// PATCH of one.
pub(super) async fn change(desk: Desk<'_>, name: &AccountName, body: ClientBody) -> Result<Response, ApiError> {
    let body: ChangeBody = json_body::read(body, USUAL).await?;
    let scope_map = match body.scope_map {
        None => None,
        Some(None) => Some(None),
        Some(Some(name)) => Some(Some(map_name(&name)?)),
    };
    let map = scope_map.clone().flatten();
    let change = AccountChange { display_name: body.display_name, status: body.status, roles: body.roles, scope_map };
    let account = desk.manager.change(&desk.actor(), AccountKind::ServicePrincipal, name, change).await;
    let account = account.map_err(|error| with_map(error, map.as_ref()))?;
    Ok(json(&AccountView::of(&account)))
}

/// A scope map's name in a body.
///
/// # Errors
/// 422.
pub(super) fn map_name(text: &str) -> Result<AccountName, ApiError> {
    text.parse().map_err(|error| unusable(format!("scope-map cannot be this: {error}")))
}

/// A key that is there, be it with null: that takes away what there is.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

//! Tokens for single repositories: a name, a secret, and the scope map that says what it may.

use bulkhead_core::accounts::NewToken;
use bulkhead_core::ports::accounts::{AccountChange, AccountKind, AccountName, AccountStatus};
use serde::Deserialize;

use super::Desk;
use super::accounts::made;
use super::failure::{unusable, with_map};
use super::principals::map_name;
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
    name: String,
    scope_map: String,
    #[serde(default)]
    display_name: String,
    expires_in_days: Option<u32>,
}

impl Shape for CreateBody {
    const KEYS: &'static [&'static str] = &["name", "scope-map", "display-name", "expires-in-days"];
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ChangeBody {
    display_name: Option<String>,
    status: Option<AccountStatus>,
    scope_map: Option<String>,
}

impl Shape for ChangeBody {
    const KEYS: &'static [&'static str] = &["display-name", "status", "scope-map"];
}

/// POST of a new one.
pub(super) async fn create(desk: Desk<'_>, body: ClientBody) -> Result<Response, ApiError> {
    let body: CreateBody = json_body::read(body, USUAL).await?;
    let name: AccountName = body.name.parse().map_err(|error| unusable(format!("name cannot be this: {error}")))?;
    let map = map_name(&body.scope_map)?;
    let new = NewToken { name, scope_map: map.clone(), display_name: body.display_name, expires: life(body.expires_in_days) };
    let (account, secret) = desk.manager.create_token(&desk.actor(), new).await.map_err(|error| with_map(error, Some(&map)))?;
    Ok(made(desk, "tokens", &account, &secret))
}

/// PATCH of one. It always has a scope map.
pub(super) async fn change(desk: Desk<'_>, name: &AccountName, body: ClientBody) -> Result<Response, ApiError> {
    let body: ChangeBody = json_body::read(body, USUAL).await?;
    let map = body.scope_map.as_deref().map(map_name).transpose()?;
    let scope_map = map.clone().map(Some);
    let change = AccountChange { display_name: body.display_name, status: body.status, roles: None, scope_map };
    let account = desk.manager.change(&desk.actor(), AccountKind::Token, name, change).await;
    let account = account.map_err(|error| with_map(error, map.as_ref()))?;
    Ok(json(&AccountView::of(&account)))
}

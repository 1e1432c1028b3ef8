//! A registry's administrator. It is never created by name: enabling it for the first time makes it.

use bulkhead_core::ports::accounts::{AccountName, AccountRecord, AccountStatus};
use serde::{Deserialize, Serialize};

use super::Desk;
use super::failure::absent;
use super::view::{SecretView, secrets_of};
use crate::Response;
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;
use crate::json_body::{self, Shape, USUAL};

#[derive(Deserialize)]
struct ChangeBody {
    status: AccountStatus,
}

impl Shape for ChangeBody {
    const KEYS: &'static [&'static str] = &["status"];
}

#[derive(Serialize)]
struct AdminView<'a> {
    name: &'a AccountName,
    aliases: [&'a str; 1],
    status: AccountStatus,
    secrets: Vec<SecretView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// GET of the administrator.
pub(super) async fn read(desk: Desk<'_>) -> Result<Response, ApiError> {
    let account = desk.manager.admin(&desk.actor()).await?;
    let account = account
        .ok_or_else(|| absent("this registry never had an administrator: it is made when it is enabled for the first time"))?;
    Ok(shown(desk, &account, None, Vec::new()))
}

/// PATCH of its status.
pub(super) async fn change(desk: Desk<'_>, body: ClientBody) -> Result<Response, ApiError> {
    let body: ChangeBody = json_body::read(body, USUAL).await?;
    let (account, secret) = desk.manager.set_admin_status(&desk.actor(), body.status).await?;
    let warnings = if body.status == AccountStatus::Enabled { desk.warnings() } else { Vec::new() };
    Ok(shown(desk, &account, secret.as_ref().map(|shown| shown.secret.as_str()), warnings))
}

fn shown(desk: Desk<'_>, account: &AccountRecord, secret: Option<&str>, warnings: Vec<String>) -> Response {
    let aliases = [desk.visit.registry.name().as_str()];
    json(&AdminView { name: &account.name, aliases, status: account.status, secrets: secrets_of(account), secret, warnings })
}

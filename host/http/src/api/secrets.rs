//! The two secrets of an account. Each is made anew alone, so that one serves while the other is handed out.

use std::time::Duration;

use axum::http::StatusCode;
use bulkhead_core::accounts::{SecretLife, ShownSecret};
use bulkhead_core::ports::accounts::{AccountKind, AccountName, Slot};
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;
use crate::json_body::{self, Shape, USUAL};
use crate::v2::empty;
use crate::{Response, moment};

const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RenewBody {
    expires_in_days: Option<u32>,
}

impl Shape for RenewBody {
    const KEYS: &'static [&'static str] = &["expires-in-days"];
}

#[derive(Serialize)]
struct NewSecret<'a> {
    name: &'a AccountName,
    slot: u8,
    secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

/// POST: another secret from now on. The one that was there is worth nothing any more.
pub(super) async fn renew(
    desk: Desk<'_>,
    kind: AccountKind,
    name: &AccountName,
    slot: Slot,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let body: RenewBody = json_body::read(body, USUAL).await?;
    let life = life(body.expires_in_days);
    let ShownSecret { slot, secret, expires } = desk.manager.renew_secret(&desk.actor(), kind, name, slot, life).await?;
    let mut response = json(&NewSecret { name, slot: slot.number(), secret: &secret, expires: expires.map(moment::rfc3339) });
    // No `Location`: a secret is never read again.
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// DELETE: the secret lets nobody in any more.
pub(super) async fn withdraw(desk: Desk<'_>, kind: AccountKind, name: &AccountName, slot: Slot) -> Result<Response, ApiError> {
    desk.manager.withdraw_secret(&desk.actor(), kind, name, slot).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// How long a secret lives, if a client says so. Whether one may live so long is the core's matter.
pub(super) fn life(days: Option<u32>) -> SecretLife {
    days.map_or(SecretLife::Usual, |days| SecretLife::For(Duration::from_secs(u64::from(days) * SECONDS_OF_A_DAY)))
}

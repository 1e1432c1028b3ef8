//! What service principals and tokens have in common: they are listed, read and deleted.

use axum::http::StatusCode;
use bulkhead_core::accounts::ShownSecret;
use bulkhead_core::ports::accounts::{AccountKind, AccountName, AccountRecord};

use super::parse::Listing;
use super::view::{AccountView, cut};
use super::{Desk, created};
use crate::Response;
use crate::error::ApiError;
use crate::handler::json;
use crate::v2::empty;

/// GET of a list.
pub(super) async fn list(desk: Desk<'_>, kind: AccountKind, listing: &Listing) -> Result<Response, ApiError> {
    let accounts = desk.manager.accounts(&desk.actor(), kind, listing.after.as_ref(), listing.limit + 1).await?;
    Ok(json(&cut(&accounts, listing, |account| &account.name, AccountView::of)))
}

/// GET of one.
pub(super) async fn read(desk: Desk<'_>, kind: AccountKind, name: &AccountName) -> Result<Response, ApiError> {
    let account = desk.manager.account(&desk.actor(), kind, name).await?;
    Ok(json(&AccountView::of(&account)))
}

/// DELETE of one, with its secrets.
pub(super) async fn remove(desk: Desk<'_>, kind: AccountKind, name: &AccountName) -> Result<Response, ApiError> {
    desk.manager.remove(&desk.actor(), kind, name).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// The answer to a creation. `noun` is that of the path.
pub(super) fn made(desk: Desk<'_>, noun: &str, account: &AccountRecord, secret: &ShownSecret) -> Response {
    let path = format!("/api/v1/registries/{}/{noun}/{}", desk.visit.registry.name(), account.name);
    created(json(&AccountView::of(account).just_made(&secret.secret, desk.warnings())), path)
}

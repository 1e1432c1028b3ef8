//! The administration of registries, `/api/v1/`: accounts, their secrets, scope maps, locks, explanations, and the keys of tokens.
//!
//! Whoever comes here has been let in by the handler: an administrator of the registry, or the operator at the host's own socket. What is
//! asked of a registry is about that registry alone. Secrets stand in one answer each, never in a log. Bodies are JSON, bounded, and
//! refused if they have a key that nobody reads. Errors are `crate::error`'s; the handler writes them as problems (RFC 9457).

mod accounts;
mod admin;
mod explain;
mod failure;
mod keys;
mod notes;
mod parse;
mod principals;
mod scope_maps;
mod secrets;
mod tokens;
mod view;

use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bulkhead_core::accounts::{Actor, Manager};

use crate::acr::attributes;
use crate::app::{App, AppExtras};
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::v2::Visit;
use crate::{Response, headers, json_body};

pub(crate) use failure::unknown_registry;
pub(crate) use keys::rotate as rotate_keys;
pub(crate) use parse::{ApiCall, ApiOperation, parse};

/// An administrator at a registry.
#[derive(Clone, Copy)]
struct Desk<'a> {
    manager: &'a Manager,
    visit: &'a Visit,
    /// The plugins of the registry's chain that check its accounts.
    checked_by: &'a [String],
}

impl Desk<'_> {
    /// Who does it, and where: for the change itself, and for the audit log.
    fn actor(&self) -> Actor<'_> {
        let Visit { registry, context, caller } = self.visit;
        Actor { registry: (registry.id(), registry.name()), context: Some(context), who: caller.identity() }
    }

    /// What whoever makes an account should know: that nobody can log in with it.
    fn warnings(&self) -> Vec<String> {
        if !self.checked_by.is_empty() {
            return Vec::new();
        }
        let name = self.visit.registry.name();
        vec![format!(
            "no plugin in the chain of the registry {name} checks these accounts, so nobody can log in with them: name one in its `auth` that has `grants.accounts = true`, such as builtin:auth-accounts"
        )]
    }
}

/// Does what is asked.
///
/// # Errors
/// What the client is told instead: nothing was changed.
pub(crate) async fn perform(
    app: &App,
    visit: &Visit,
    operation: ApiOperation,
    headers: &HeaderMap,
    body: ClientBody,
) -> Result<Response, ApiError> {
    if operation.has_body() {
        json_body::expect_json(headers)?;
    }
    let AppExtras { manager, account_plugins, .. } = &app.extras;
    let desk = Desk { manager, visit, checked_by: account_plugins.of(visit.registry.name()) };
    let response = match operation {
        ApiOperation::ReadAdmin => admin::read(desk).await,
        ApiOperation::ChangeAdmin => admin::change(desk, body).await,
        ApiOperation::ListAccounts(kind, listing) => accounts::list(desk, kind, &listing).await,
        ApiOperation::CreatePrincipal => principals::create(desk, body).await,
        ApiOperation::CreateToken => tokens::create(desk, body).await,
        ApiOperation::ReadAccount(kind, name) => accounts::read(desk, kind, &name).await,
        ApiOperation::ChangePrincipal(name) => principals::change(desk, &name, body).await,
        ApiOperation::ChangeToken(name) => tokens::change(desk, &name, body).await,
        ApiOperation::RemoveAccount(kind, name) => accounts::remove(desk, kind, &name).await,
        ApiOperation::RenewSecret(kind, name, slot) => secrets::renew(desk, kind, &name, slot, body).await,
        ApiOperation::WithdrawSecret(kind, name, slot) => secrets::withdraw(desk, kind, &name, slot).await,
        ApiOperation::ListScopeMaps(listing) => scope_maps::list(desk, &listing).await,
        ApiOperation::ReadScopeMap(name) => scope_maps::read(desk, &name).await,
        ApiOperation::PutScopeMap(name) => scope_maps::put(desk, name, body).await,
        ApiOperation::RemoveScopeMap(name) => scope_maps::remove(desk, &name).await,
        ApiOperation::Explain => explain::explain(desk, body).await,
        ApiOperation::ReadAttributes { repository, of } => attributes::read(visit, &repository, &of).await,
        ApiOperation::ChangeAttributes { repository, of } => attributes::change(visit, &repository, &of, body).await,
    };
    response.map(never_kept)
}

/// An answer that no cache keeps: it may have a secret in it, and is old with the next change.
fn never_kept(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The same as something new, which lies at `path` from now on.
fn created(mut response: Response, path: String) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    headers::locate(response.headers_mut(), path);
    response
}

#[cfg(test)]
mod tests;

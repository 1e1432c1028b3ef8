//! Scope maps: which rights on which repositories, be they there or not.

use axum::http::StatusCode;
use bulkhead_core::accounts::ManageError;
use bulkhead_core::ports::accounts::{Right, ScopeEntry, ScopeMap, ScopeMapName};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::failure::unusable;
use super::parse::Listing;
use super::view::cut;
use super::{Desk, created};
use crate::Response;
use crate::body::ClientBody;
use crate::error::ApiError;
use crate::handler::json;
use crate::json_body::{self, Shape, of_json};
use crate::moment::rfc3339;
use crate::v2::empty;

/// The largest body: 500 scopes, with names of the longest kind.
const LARGEST: usize = 256 * 1024;

#[derive(Deserialize)]
struct PutBody {
    #[serde(default)]
    description: String,
    /// Read one by one, so that a key that is not known is named.
    scopes: Vec<Box<RawValue>>,
}

impl Shape for PutBody {
    const KEYS: &'static [&'static str] = &["description", "scopes"];
}

#[derive(Deserialize)]
struct ScopeBody {
    repositories: String,
    rights: Vec<Right>,
}

impl Shape for ScopeBody {
    const KEYS: &'static [&'static str] = &["repositories", "rights"];
}

#[derive(Serialize)]
struct MapView<'a> {
    name: &'a ScopeMapName,
    description: &'a str,
    scopes: Vec<ScopeView<'a>>,
    created: String,
}

#[derive(Serialize)]
struct ScopeView<'a> {
    repositories: String,
    rights: &'a [Right],
}

impl<'a> MapView<'a> {
    fn of(map: &'a ScopeMap) -> Self {
        let view = |scope: &'a ScopeEntry| ScopeView { repositories: scope.target.to_string(), rights: &scope.rights };
        let scopes = map.scopes.iter().map(view).collect();
        Self { name: &map.name, description: &map.description, scopes, created: rfc3339(map.created) }
    }
}

/// GET of a list.
pub(super) async fn list(desk: Desk<'_>, listing: &Listing) -> Result<Response, ApiError> {
    let maps = desk.manager.scope_maps(&desk.actor(), listing.after.as_ref(), listing.limit + 1).await?;
    Ok(json(&cut(&maps, listing, |map| &map.name, MapView::of)))
}

/// GET of one.
pub(super) async fn read(desk: Desk<'_>, name: &ScopeMapName) -> Result<Response, ApiError> {
    Ok(json(&MapView::of(&desk.manager.scope_map(&desk.actor(), name).await?)))
}

/// PUT: a new one, or another content of one that is there. Accounts that have it may what it says from now on.
pub(super) async fn put(desk: Desk<'_>, name: ScopeMapName, body: ClientBody) -> Result<Response, ApiError> {
    let body: PutBody = json_body::read(body, LARGEST).await?;
    let scopes = body.scopes.iter().map(|raw| scope(raw.get())).collect::<Result<Vec<_>, _>>()?;
    let before = match desk.manager.scope_map(&desk.actor(), &name).await {
        Ok(map) => Some(map),
        Err(ManageError::Absent) => None,
        Err(error) => return Err(error.into()),
    };
    let map = desk.manager.put_scope_map(&desk.actor(), name, body.description, scopes).await?;
    let response = json(&MapView::of(&map));
    match before {
        Some(_) => Ok(response),
        None => Ok(created(response, format!("/api/v1/registries/{}/scope-maps/{}", desk.visit.registry.name(), map.name))),
    }
}

/// DELETE of one that no account uses.
pub(super) async fn remove(desk: Desk<'_>, name: &ScopeMapName) -> Result<Response, ApiError> {
    desk.manager.remove_scope_map(&desk.actor(), name).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

fn scope(text: &str) -> Result<ScopeEntry, ApiError> {
    let ScopeBody { repositories, rights } = of_json(text.as_bytes())?;
    let target = repositories.parse().map_err(|error| unusable(format!("repositories cannot be this: {error}")))?;
    Ok(ScopeEntry { target, rights })
}

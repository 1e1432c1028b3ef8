//! Tags of a repository and repositories of a registry, a page at a time.

use axum::http::header::LINK;
use bulkhead_core::registry::Page;
use bulkhead_oci::RepositoryName;
use serde::Serialize;

use super::{Visit, link};
use crate::Response;
use crate::error::ApiError;
use crate::handler::json;
use crate::parse::Paging;

#[derive(Serialize)]
struct Tags<'a> {
    name: &'a str,
    tags: Vec<&'a str>,
}

#[derive(Serialize)]
struct Repositories<'a> {
    repositories: Vec<&'a str>,
}

/// GET of the tags.
pub(super) async fn tags(visit: &Visit, repository: &RepositoryName, page: Paging) -> Result<Response, ApiError> {
    let limit = page.limit;
    // Also where nothing is wanted, a repository that is not there is unknown.
    let mut listed = visit.registry.tags(repository, &Page { after: page.last, limit: limit.max(1) }).await?;
    if limit == 0 {
        listed.items.clear();
    }
    let tags: Vec<&str> = listed.items.iter().map(|tag| tag.as_str()).collect();
    let next = tags.last().filter(|_| listed.more).copied();
    let mut response = json(&Tags { name: repository.as_str(), tags: tags.clone() });
    point_on(&mut response, &format!("/v2/{repository}/tags/list"), next, limit);
    Ok(response)
}

/// GET of the catalog.
pub(super) async fn catalog(visit: &Visit, page: Paging) -> Result<Response, ApiError> {
    let limit = page.limit;
    let listed = visit.registry.repositories(&Page { after: page.last, limit }).await?;
    let repositories: Vec<&str> = listed.items.iter().map(RepositoryName::as_str).collect();
    let next = repositories.last().filter(|_| listed.more).copied();
    let mut response = json(&Repositories { repositories: repositories.clone() });
    point_on(&mut response, "/v2/_catalog", next, limit);
    Ok(response)
}

fn point_on(response: &mut Response, path: &str, last: Option<&str>, limit: u32) {
    if let Some(last) = last {
        response.headers_mut().insert(LINK, link::next(path, last, &[("n", &limit.to_string())]));
    }
}

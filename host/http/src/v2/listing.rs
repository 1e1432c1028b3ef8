//! Tags of a repository and repositories of a registry, a page at a time.

use axum::http::header::LINK;
use bulkhead_core::registry::{Listed, Page};
use bulkhead_oci::{RepositoryName, Tag};
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
    let found = visit.registry.tags(repository, &Page { after: page.last, limit: limit.max(1) }).await;
    let mut listed = visit.shown(repository, None, found).await?;
    if limit == 0 {
        (listed.items, listed.next) = (Vec::new(), None);
    }
    let tags = listed.items.iter().map(Tag::as_str).collect();
    let mut response = json(&Tags { name: repository.as_str(), tags });
    point_on(&mut response, &format!("/v2/{repository}/tags/list"), listed.next.as_deref(), limit);
    Ok(response)
}

/// GET of the catalog: what of it the caller may see.
pub(super) async fn catalog(visit: &Visit, page: Paging) -> Result<Response, ApiError> {
    let limit = page.limit;
    let listed = match limit {
        0 => Listed { items: Vec::new(), next: None },
        _ => visit.registry.repositories(visit.act(), &Page { after: page.last, limit }).await?,
    };
    let repositories = listed.items.iter().map(RepositoryName::as_str).collect();
    let mut response = json(&Repositories { repositories });
    point_on(&mut response, "/v2/_catalog", listed.next.as_deref(), limit);
    Ok(response)
}

fn point_on(response: &mut Response, path: &str, next: Option<&str>, limit: u32) {
    if let Some(next) = next {
        response.headers_mut().insert(LINK, link::next(path, next, &[("n", &limit.to_string())]));
    }
}

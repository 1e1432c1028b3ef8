//! What is known of a repository, a manifest or a tag, and what may be done to it: locks among it (`changeableAttributes`).
//!
//! The shapes are Azure Container Registry's, without what this host does not keep (`signed`, `imageSize` and what stands in an image's
//! config).

use bulkhead_core::ports::catalog::{Attributed, AttributedFacts, Attributes, AttributesChange, AttributesRecord};
use bulkhead_oci::{RepositoryName, Tag};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::body::ClientBody;
use crate::error::ApiError;
use crate::json_body::{self, Shape, USUAL};
use crate::v2::Visit;
use crate::{Response, handler, moment};

/// The body of a change. What is missing, or null, stays.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangeBody {
    delete_enabled: Option<bool>,
    write_enabled: Option<bool>,
    read_enabled: Option<bool>,
    list_enabled: Option<bool>,
}

impl Shape for ChangeBody {
    const KEYS: &'static [&'static str] = &["deleteEnabled", "writeEnabled", "readEnabled", "listEnabled"];
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changeable {
    delete_enabled: bool,
    write_enabled: bool,
    read_enabled: bool,
    list_enabled: bool,
}

impl From<Attributes> for Changeable {
    fn from(attributes: Attributes) -> Self {
        Self {
            delete_enabled: attributes.delete_enabled,
            write_enabled: attributes.write_enabled,
            read_enabled: attributes.read_enabled,
            list_enabled: attributes.list_enabled,
        }
    }
}

/// GET of attributes.
pub(crate) async fn read(visit: &Visit, repository: &RepositoryName, of: &Attributed) -> Result<Response, ApiError> {
    let record = visit.registry.attributes(repository, of).await?;
    Ok(handler::json(&shown(&visit.context.host, repository, of, &record)))
}

/// PATCH of attributes: locks are set and taken. Answers with how it is then.
pub(crate) async fn change(
    visit: &Visit,
    repository: &RepositoryName,
    of: &Attributed,
    body: ClientBody,
) -> Result<Response, ApiError> {
    let body: ChangeBody = json_body::read(body, USUAL).await?;
    let change = AttributesChange {
        delete_enabled: body.delete_enabled,
        write_enabled: body.write_enabled,
        read_enabled: body.read_enabled,
        list_enabled: body.list_enabled,
    };
    let record = visit.registry.change_attributes(visit.act(), repository, of, change).await?;
    Ok(handler::json(&shown(&visit.context.host, repository, of, &record)))
}

/// A repository's facts stand beside its name, those of a manifest or a tag in an object of their own.
fn shown(host: &str, repository: &RepositoryName, of: &Attributed, record: &AttributesRecord) -> Value {
    let mut facts = Map::new();
    facts.insert("createdTime".to_owned(), moment::precise(record.created).into());
    facts.insert("lastUpdateTime".to_owned(), moment::precise(record.updated).into());
    facts.insert("changeableAttributes".to_owned(), json!(Changeable::from(record.attributes)));
    match &record.facts {
        AttributedFacts::Repository { manifests, tags } => {
            facts.insert("manifestCount".to_owned(), (*manifests).into());
            facts.insert("tagCount".to_owned(), (*tags).into());
        }
        AttributedFacts::Manifest { media_type, tags, .. } => {
            facts.insert("mediaType".to_owned(), media_type.as_str().into());
            facts.insert("tags".to_owned(), tags.iter().map(Tag::as_str).collect());
        }
        AttributedFacts::Tag { digest } => {
            facts.insert("digest".to_owned(), digest.as_str().into());
        }
    }
    let named = match of {
        Attributed::Repository => None,
        Attributed::Manifest(digest) => Some(("manifest", "digest", digest.as_str())),
        Attributed::Tag(tag) => Some(("tag", "name", tag.as_str())),
    };
    let mut all = match named {
        None => facts,
        Some((noun, key, value)) => {
            facts.insert(key.to_owned(), value.into());
            Map::from_iter([(noun.to_owned(), facts.into())])
        }
    };
    all.insert("registry".to_owned(), host.into());
    all.insert("imageName".to_owned(), repository.as_str().into());
    all.into()
}

//! A request's method, path and query become one of a closed list of typed calls, or an error, before anything else is done with them.
//!
//! Repository names have several levels, so a path is read from its end: the name is whatever stands before the last noun that fits
//! (as in the specification, whose `<name>` is greedy). Paths are decoded once, and never to another structure. Nothing here
//! looks at headers, bodies or callers.

mod error;
mod path;
mod query;

use axum::http::Method;
use bulkhead_core::ports::catalog::Attributed;
use bulkhead_core::ports::ids::UploadId;
use bulkhead_core::registry::PushTarget;
use bulkhead_oci::{Algorithm, Digest, Reference, ReferenceError, RepositoryName, Tag};

use crate::api::ApiCall;
use crate::{acr, api};

pub(crate) use error::ParseError;
pub(crate) use query::Query;

/// The longest list that is answered at once, and what is answered to a client that names no length.
pub(crate) const MAX_PAGE: u32 = 10_000;
/// The most tags that one push of a manifest may set beside its digest.
pub(crate) const MAX_TAGS: usize = 100;

/// What is asked of this host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Is the process alive?
    Live,
    /// Does it take requests?
    Ready,
    /// The public keys of the registry's tokens.
    Keys,
    /// A token, asked for in the query.
    TokenByQuery,
    /// A token, asked for in a form.
    TokenByForm,
    /// A refresh token for the token of another issuer, asked for in a form.
    Exchange,
    /// Something of the registry, by `/v2/` or `/acr/v1/`.
    Registry(Operation),
    /// Administration, by `/api/v1/`.
    Api(ApiCall),
}

/// Whether a body is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Head,
    Get,
}

/// How much of a list is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    /// At most [`MAX_PAGE`]; 0: nothing.
    pub limit: u32,
    /// Only what comes after this.
    pub last: Option<String>,
}

/// Everything that a client can ask of a registry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Ping,
    Catalog {
        page: Paging,
    },
    Tags {
        repository: RepositoryName,
        page: Paging,
    },
    Referrers {
        repository: RepositoryName,
        subject: Digest,
        artifact_type: Option<String>,
        after: Option<Digest>,
    },
    ReadBlob {
        repository: RepositoryName,
        digest: Digest,
        reading: Reading,
    },
    DeleteBlob {
        repository: RepositoryName,
        digest: Digest,
    },
    BeginUpload {
        repository: RepositoryName,
        algorithm: Algorithm,
    },
    PutBlob {
        repository: RepositoryName,
        digest: Digest,
    },
    /// Without `from`: from wherever the caller may read it.
    MountBlob {
        repository: RepositoryName,
        digest: Digest,
        from: Option<RepositoryName>,
    },
    UploadStatus {
        repository: RepositoryName,
        upload: UploadId,
    },
    AppendUpload {
        repository: RepositoryName,
        upload: UploadId,
    },
    FinishUpload {
        repository: RepositoryName,
        upload: UploadId,
        digest: Digest,
    },
    CancelUpload {
        repository: RepositoryName,
        upload: UploadId,
    },
    ReadManifest {
        repository: RepositoryName,
        reference: Reference,
        reading: Reading,
    },
    PutManifest {
        repository: RepositoryName,
        target: PushTarget,
    },
    DeleteManifest {
        repository: RepositoryName,
        reference: Reference,
    },
    DeleteRepository {
        repository: RepositoryName,
    },
    /// The tag alone; what it points to stays.
    DeleteTag {
        repository: RepositoryName,
        tag: Tag,
    },
    ReadAttributes {
        repository: RepositoryName,
        of: Attributed,
    },
    ChangeAttributes {
        repository: RepositoryName,
        of: Attributed,
    },
}

/// Where `/api/v1/` begins.
pub(crate) const API: &str = "/api/v1/";

/// Reads a request. `path` and `query` are as they came, still encoded.
///
/// # Errors
/// [`ParseError`].
pub(crate) fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Call, ParseError> {
    if let Some(rest) = path.strip_prefix("/v2/") {
        return v2(method, rest, query).map(Call::Registry);
    }
    if let Some(rest) = path.strip_prefix("/acr/v1/") {
        return acr::parse(method, &path::decode(rest)?).map(Call::Registry);
    }
    if let Some(rest) = path.strip_prefix(API) {
        return api::parse(method, &path::decode(rest)?, query).map(Call::Api);
    }
    let call = match path {
        "/v2" => Call::Registry(Operation::Ping),
        "/healthz" => Call::Live,
        "/readyz" => Call::Ready,
        "/oauth2/keys" | "/.well-known/jwks.json" => Call::Keys,
        "/oauth2/exchange" => {
            return match *method {
                Method::POST => Ok(Call::Exchange),
                _ => Err(ParseError::Method { allow: "POST" }),
            };
        }
        "/oauth2/token" => {
            return match *method {
                Method::GET => Ok(Call::TokenByQuery),
                Method::POST => Ok(Call::TokenByForm),
                _ => Err(ParseError::Method { allow: "GET, POST" }),
            };
        }
        _ => return Err(ParseError::NoRoute),
    };
    reading(method)?;
    Ok(call)
}

/// Whether a body is wanted, where something can only be read.
///
/// # Errors
/// [`ParseError::Method`].
pub(crate) fn reading(method: &Method) -> Result<Reading, ParseError> {
    match *method {
        Method::GET => Ok(Reading::Get),
        Method::HEAD => Ok(Reading::Head),
        _ => Err(ParseError::Method { allow: "GET, HEAD" }),
    }
}

/// What stands behind `/v2/`.
fn v2(method: &Method, rest: &str, query: Option<&str>) -> Result<Operation, ParseError> {
    if rest.is_empty() {
        return reading(method).map(|_| Operation::Ping);
    }
    let rest = path::decode(rest)?;
    if rest == "_catalog" {
        reading(method)?;
        return Ok(Operation::Catalog { page: paging(&Query::parse(query)?)? });
    }
    let (head, last) = rest.rsplit_once('/').ok_or(ParseError::NoRoute)?;
    let (name, noun) = head.rsplit_once('/').unwrap_or(("", head));
    match (noun, last) {
        ("manifests", reference) => manifest(method, name, reference, query),
        ("blobs", "uploads") => upload(method, name, "", query),
        ("blobs", digest) => blob(method, name, digest),
        ("uploads", id) if name == "blobs" => upload(method, "", id, query),
        ("uploads", id) if name.ends_with("/blobs") => upload(method, &name[..name.len() - "/blobs".len()], id, query),
        ("tags", "list") => {
            reading(method)?;
            Ok(Operation::Tags { repository: name.parse()?, page: paging(&Query::parse(query)?)? })
        }
        ("referrers", digest) => referrers(method, name, digest, query),
        _ => Err(path::no_route(&rest)),
    }
}

fn manifest(method: &Method, name: &str, reference: &str, query: Option<&str>) -> Result<Operation, ParseError> {
    let repository: RepositoryName = name.parse()?;
    let reference: Result<Reference, ReferenceError> = reference.parse();
    let reference = match (reference, method) {
        (Ok(reference), _) => reference,
        (Err(ReferenceError::Digest(error)), _) => return Err(error.into()),
        (Err(ReferenceError::Tag(error)), &Method::PUT) => return Err(error.into()),
        // There is nothing under a tag that nobody can set.
        (Err(ReferenceError::Tag(_)), _) => return Err(ParseError::ImpossibleTag),
    };
    match *method {
        Method::GET => Ok(Operation::ReadManifest { repository, reference, reading: Reading::Get }),
        Method::HEAD => Ok(Operation::ReadManifest { repository, reference, reading: Reading::Head }),
        Method::PUT => Ok(Operation::PutManifest { repository, target: push_target(reference, &Query::parse(query)?)? }),
        Method::DELETE => Ok(Operation::DeleteManifest { repository, reference }),
        _ => Err(ParseError::Method { allow: "GET, HEAD, PUT, DELETE" }),
    }
}

/// A tag names its algorithm in the query, a digest itself; further tags can stand beside a digest alone.
fn push_target(reference: Reference, query: &Query<'_>) -> Result<PushTarget, ParseError> {
    match reference {
        Reference::Tag(_) if query.all("tag").next().is_some() => Err(ParseError::TagsBesideTag),
        Reference::Tag(tag) => Ok(PushTarget::Tag { tag, algorithm: algorithm(query)? }),
        Reference::Digest(digest) => {
            let mut tags: Vec<Tag> = Vec::new();
            for text in query.all("tag") {
                let tag = text.parse()?;
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
                if tags.len() > MAX_TAGS {
                    return Err(ParseError::TooManyTags);
                }
            }
            Ok(PushTarget::Digest { digest, tags })
        }
    }
}

/// `digest-algorithm`, SHA-256 where it is not said.
fn algorithm(query: &Query<'_>) -> Result<Algorithm, ParseError> {
    Ok(query.one("digest-algorithm")?.map_or(Ok(Algorithm::Sha256), str::parse)?)
}

fn blob(method: &Method, name: &str, digest: &str) -> Result<Operation, ParseError> {
    let repository: RepositoryName = name.parse()?;
    let digest: Digest = digest.parse()?;
    match *method {
        Method::GET => Ok(Operation::ReadBlob { repository, digest, reading: Reading::Get }),
        Method::HEAD => Ok(Operation::ReadBlob { repository, digest, reading: Reading::Head }),
        Method::DELETE => Ok(Operation::DeleteBlob { repository, digest }),
        _ => Err(ParseError::Method { allow: "GET, HEAD, DELETE" }),
    }
}

fn upload(method: &Method, name: &str, id: &str, query: Option<&str>) -> Result<Operation, ParseError> {
    let repository: RepositoryName = name.parse()?;
    if id.is_empty() {
        return match *method {
            Method::POST => begin_upload(repository, &Query::parse(query)?),
            _ => Err(ParseError::Method { allow: "POST" }),
        };
    }
    let upload: UploadId = id.parse().map_err(|_| ParseError::UploadId)?;
    match *method {
        Method::GET | Method::HEAD => Ok(Operation::UploadStatus { repository, upload }),
        Method::PATCH => Ok(Operation::AppendUpload { repository, upload }),
        Method::PUT => {
            let digest = Query::parse(query)?.one("digest")?.ok_or(ParseError::MissingDigest)?.parse()?;
            Ok(Operation::FinishUpload { repository, upload, digest })
        }
        Method::DELETE => Ok(Operation::CancelUpload { repository, upload }),
        _ => Err(ParseError::Method { allow: "GET, HEAD, PATCH, PUT, DELETE" }),
    }
}

fn begin_upload(repository: RepositoryName, query: &Query<'_>) -> Result<Operation, ParseError> {
    if let Some(mount) = query.one("mount")? {
        let digest: Digest = mount.parse()?;
        return Ok(match query.one("from")?.map(str::parse).transpose() {
            Ok(from) => Operation::MountBlob { repository, digest, from },
            // Nothing lies in a repository of a name that none can have: an upload begins, as for any other one that has it not.
            Err(_) => Operation::BeginUpload { repository, algorithm: digest.algorithm() },
        });
    }
    if let Some(digest) = query.one("digest")? {
        return Ok(Operation::PutBlob { repository, digest: digest.parse()? });
    }
    Ok(Operation::BeginUpload { repository, algorithm: algorithm(query)? })
}

fn referrers(method: &Method, name: &str, digest: &str, query: Option<&str>) -> Result<Operation, ParseError> {
    reading(method)?;
    let (repository, subject) = (name.parse()?, digest.parse()?);
    let query = Query::parse(query)?;
    // A media type has no space, so a space was a + that the client did not encode.
    let artifact_type = query.one("artifactType")?.filter(|text| !text.is_empty()).map(|text| text.replace(' ', "+"));
    let after = query.one("last")?.map(str::parse).transpose()?;
    Ok(Operation::Referrers { repository, subject, artifact_type, after })
}

fn paging(query: &Query<'_>) -> Result<Paging, ParseError> {
    let limit = length(query, MAX_PAGE)?.unwrap_or(MAX_PAGE);
    Ok(Paging { limit, last: query.one("last")?.filter(|text| !text.is_empty()).map(str::to_owned) })
}

/// How many entries of a list are wanted (`n`), at most `most`. None: the client does not say.
///
/// # Errors
/// [`ParseError::Paging`], [`ParseError::Repeated`].
pub(crate) fn length(query: &Query<'_>, most: u32) -> Result<Option<u32>, ParseError> {
    match query.one("n")? {
        None => Ok(None),
        Some(text) if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) => Err(ParseError::Paging),
        // More digits than a number has is still only too many.
        Some(text) => Ok(Some(text.parse::<u32>().map_or(most, |n| n.min(most)))),
    }
}

#[cfg(test)]
mod tests;

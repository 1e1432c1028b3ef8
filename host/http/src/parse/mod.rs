//! A request's method, path and query become one of a closed list of typed calls, or an error, before anything else is done with them.
//!
//! Repository names have several levels, so a path is read from its end: the name is whatever stands before the last noun that fits
//! (as in the specification, whose `<name>` is greedy). Paths are decoded once, and never to another structure. Nothing here
//! looks at headers, bodies or callers.

mod error;
mod path;
mod query;

use axum::http::Method;
use bulkhead_core::ports::ids::UploadId;
use bulkhead_oci::{Algorithm, Digest, Reference, ReferenceError, RepositoryName};

pub(crate) use error::ParseError;
pub(crate) use query::Query;

/// The longest list that is answered at once, and what is answered to a client that names no length.
pub(crate) const MAX_PAGE: u32 = 10_000;

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
    /// Something of the registry.
    V2(Operation),
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
    Catalog { page: Paging },
    Tags { repository: RepositoryName, page: Paging },
    Referrers { repository: RepositoryName, subject: Digest, artifact_type: Option<String>, after: Option<Digest> },
    ReadBlob { repository: RepositoryName, digest: Digest, reading: Reading },
    DeleteBlob { repository: RepositoryName, digest: Digest },
    BeginUpload { repository: RepositoryName, algorithm: Algorithm },
    PutBlob { repository: RepositoryName, digest: Digest },
    MountBlob { repository: RepositoryName, digest: Digest, from: RepositoryName },
    UploadStatus { repository: RepositoryName, upload: UploadId },
    AppendUpload { repository: RepositoryName, upload: UploadId },
    FinishUpload { repository: RepositoryName, upload: UploadId, digest: Digest },
    CancelUpload { repository: RepositoryName, upload: UploadId },
    ReadManifest { repository: RepositoryName, reference: Reference, reading: Reading },
    PutManifest { repository: RepositoryName, reference: Reference },
    DeleteManifest { repository: RepositoryName, reference: Reference },
}

/// Reads a request. `path` and `query` are as they came, still encoded.
///
/// # Errors
/// [`ParseError`].
pub(crate) fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Call, ParseError> {
    if let Some(rest) = path.strip_prefix("/v2/") {
        return v2(method, rest, query).map(Call::V2);
    }
    let call = match path {
        "/v2" => Call::V2(Operation::Ping),
        "/healthz" => Call::Live,
        "/readyz" => Call::Ready,
        "/oauth2/keys" => Call::Keys,
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

fn reading(method: &Method) -> Result<Reading, ParseError> {
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
        ("manifests", reference) => manifest(method, name, reference),
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

fn manifest(method: &Method, name: &str, reference: &str) -> Result<Operation, ParseError> {
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
        Method::PUT => Ok(Operation::PutManifest { repository, reference }),
        Method::DELETE => Ok(Operation::DeleteManifest { repository, reference }),
        _ => Err(ParseError::Method { allow: "GET, HEAD, PUT, DELETE" }),
    }
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

/// A mount without a source (the specification lets a registry look everywhere) begins an upload: looking everywhere would tell
/// a caller what lies in repositories that it may not read.
fn begin_upload(repository: RepositoryName, query: &Query<'_>) -> Result<Operation, ParseError> {
    let (mount, from) = (query.one("mount")?, query.one("from")?);
    let (digest, algorithm) = (query.one("digest")?, query.one("digest-algorithm")?);
    if let Some(mount) = mount {
        let digest: Digest = mount.parse()?;
        return match from {
            Some(from) => Ok(Operation::MountBlob { repository, digest, from: from.parse()? }),
            None => Ok(Operation::BeginUpload { repository, algorithm: digest.algorithm() }),
        };
    }
    if let Some(digest) = digest {
        return Ok(Operation::PutBlob { repository, digest: digest.parse()? });
    }
    let algorithm = algorithm.map_or(Ok(Algorithm::Sha256), str::parse)?;
    Ok(Operation::BeginUpload { repository, algorithm })
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
    let limit = match query.one("n")? {
        None => MAX_PAGE,
        Some(text) if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) => return Err(ParseError::Paging),
        // More digits than a number has is still only too many.
        Some(text) => text.parse::<u32>().map_or(MAX_PAGE, |n| n.min(MAX_PAGE)),
    };
    Ok(Paging { limit, last: query.one("last")?.filter(|text| !text.is_empty()).map(str::to_owned) })
}

#[cfg(test)]
mod tests;

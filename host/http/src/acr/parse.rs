//! What stands behind `/acr/v1/`.

use axum::http::Method;
use bulkhead_core::ports::catalog::Attributed;
use bulkhead_oci::{RepositoryName, Tag};

use crate::parse::{Operation, ParseError};

const TAKEN: &str = "GET, HEAD, PATCH, DELETE";
const TAKEN_OF_MANIFESTS: &str = "GET, HEAD, PATCH";

/// Reads a request. `rest` is decoded. A part that begins with `_` is no name: it is a noun of this interface, and may be one that is
/// not answered here.
///
/// # Errors
/// [`ParseError`].
pub(crate) fn parse(method: &Method, rest: &str) -> Result<Operation, ParseError> {
    if let Some((name, tag)) = rest.rsplit_once("/_tags/") {
        return of_tag(method, name.parse()?, tag);
    }
    if let Some((name, digest)) = rest.rsplit_once("/_manifests/") {
        return of_manifest(method, name.parse()?, digest);
    }
    if rest.is_empty() || rest.split('/').any(|part| part.starts_with('_')) {
        return Err(ParseError::NoRoute);
    }
    let (repository, of) = (rest.parse()?, Attributed::Repository);
    match *method {
        Method::GET | Method::HEAD => Ok(Operation::ReadAttributes { repository, of }),
        Method::PATCH => Ok(Operation::ChangeAttributes { repository, of }),
        Method::DELETE => Ok(Operation::DeleteRepository { repository }),
        _ => Err(ParseError::Method { allow: TAKEN }),
    }
}

fn of_tag(method: &Method, repository: RepositoryName, tag: &str) -> Result<Operation, ParseError> {
    // There is nothing under a tag that nobody can set.
    let tag: Tag = tag.parse().map_err(|_| ParseError::ImpossibleTag)?;
    match *method {
        Method::GET | Method::HEAD => Ok(Operation::ReadAttributes { repository, of: Attributed::Tag(tag) }),
        Method::PATCH => Ok(Operation::ChangeAttributes { repository, of: Attributed::Tag(tag) }),
        Method::DELETE => Ok(Operation::DeleteTag { repository, tag }),
        _ => Err(ParseError::Method { allow: TAKEN }),
    }
}

/// A manifest itself is deleted over `/v2/`.
fn of_manifest(method: &Method, repository: RepositoryName, digest: &str) -> Result<Operation, ParseError> {
    let of = Attributed::Manifest(digest.parse()?);
    match *method {
        Method::GET | Method::HEAD => Ok(Operation::ReadAttributes { repository, of }),
        Method::PATCH => Ok(Operation::ChangeAttributes { repository, of }),
        _ => Err(ParseError::Method { allow: TAKEN_OF_MANIFESTS }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(method: &str, rest: &str) -> Result<Operation, ParseError> {
        parse(&method.parse().unwrap(), rest)
    }

    fn digest() -> String {
        format!("sha256:{}", "a".repeat(64))
    }

    #[test]
    fn repositories_tags_and_manifests_have_attributes() {
        for (rest, of) in [
            ("a/b".to_owned(), Attributed::Repository),
            ("a/b/_tags/v1".to_owned(), Attributed::Tag("v1".parse().unwrap())),
            (format!("a/b/_manifests/{}", digest()), Attributed::Manifest(digest().parse().unwrap())),
        ] {
            let repository: RepositoryName = "a/b".parse().unwrap();
            let read = Operation::ReadAttributes { repository: repository.clone(), of: of.clone() };
            assert_eq!(parsed("GET", &rest), Ok(read), "{rest}");
            assert_eq!(parsed("PATCH", &rest), Ok(Operation::ChangeAttributes { repository, of }), "{rest}");
        }
    }

    #[test]
    fn repositories_and_tags_are_deleted_and_manifests_are_not() {
        let repository: RepositoryName = "a/b".parse().unwrap();
        assert_eq!(parsed("DELETE", "a/b"), Ok(Operation::DeleteRepository { repository: repository.clone() }));
        let tag = "v1".parse().unwrap();
        assert_eq!(parsed("DELETE", "a/b/_tags/v1"), Ok(Operation::DeleteTag { repository, tag }));
        let manifest = format!("a/b/_manifests/{}", digest());
        assert_eq!(parsed("DELETE", &manifest), Err(ParseError::Method { allow: TAKEN_OF_MANIFESTS }));
        assert_eq!(parsed("POST", "a/b"), Err(ParseError::Method { allow: TAKEN }));
        assert_eq!(parsed("PUT", "a/b/_tags/v1"), Err(ParseError::Method { allow: TAKEN }));
    }

    #[test]
    fn nouns_that_are_not_answered_are_no_repositories() {
        for rest in ["", "_catalog", "a/_tags", "a/_manifests", "a/b/_other/x"] {
            assert_eq!(parsed("GET", rest), Err(ParseError::NoRoute), "{rest}");
            assert_eq!(parsed("DELETE", rest), Err(ParseError::NoRoute), "{rest}");
        }
    }

    #[test]
    fn what_can_be_no_name_tag_or_digest_is_refused() {
        for rest in ["A", "a//b", "a/../b", "A/_tags/v1", "/_tags/v1"] {
            assert!(matches!(parsed("DELETE", rest), Err(ParseError::Name(_))), "{rest}");
        }
        for rest in ["a/_tags/", "a/_tags/x/y", "a/_tags/b/_manifests/c"] {
            assert_eq!(parsed("DELETE", rest), Err(ParseError::ImpossibleTag), "{rest}");
        }
        assert!(matches!(parsed("PATCH", "a/_manifests/v1"), Err(ParseError::Digest(_))));
    }
}

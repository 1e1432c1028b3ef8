use std::time::Duration;

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use bulkhead_core::auth::{AuthFailure, Refusal};
use bulkhead_core::ports::catalog::{Attribute, Lock, LockedBy};
use bulkhead_core::ports::store::BodyError;
use bulkhead_core::registry::{Locked, RegistryError};
use bulkhead_oci::{Digest, ManifestError};

use super::*;
use crate::auth::Challenge;
use crate::parse::{Operation, ParseError};
use crate::testing;

async fn told(error: impl Into<ApiError>) -> (u16, Value, axum::http::HeaderMap) {
    let response = error.into().into_response("0123456789abcdef");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, serde_json::from_slice(&testing::bytes(response.into_body()).await).unwrap(), headers)
}

async fn code(error: impl Into<ApiError>) -> (u16, String) {
    let (status, body, _) = told(error).await;
    (status, body["errors"][0]["code"].as_str().unwrap().to_owned())
}

fn digest(digit: char) -> Digest {
    format!("sha256:{}", digit.to_string().repeat(64)).parse().unwrap()
}

fn locked(attribute: Attribute) -> RegistryError {
    RegistryError::Locked(Locked::ByAttribute(Lock { on: LockedBy::Repository, attribute }))
}

#[tokio::test]
async fn each_error_of_a_registry_has_the_specifications_status_and_code() {
    for (error, status, expected) in [
        (RegistryError::BlobUnknown, 404, "BLOB_UNKNOWN"),
        (RegistryError::UploadUnknown, 404, "BLOB_UPLOAD_UNKNOWN"),
        (RegistryError::ManifestUnknown, 404, "MANIFEST_UNKNOWN"),
        (RegistryError::NameUnknown, 404, "NAME_UNKNOWN"),
        (RegistryError::DigestMismatch { expected: digest('a'), found: digest('b') }, 400, "DIGEST_INVALID"),
        (RegistryError::LengthMismatch { promised: 1, got: 2 }, 400, "SIZE_INVALID"),
        (RegistryError::OutOfOrder { offset: 3 }, 416, "BLOB_UPLOAD_INVALID"),
        (RegistryError::UploadBusy, 409, "BLOB_UPLOAD_INVALID"),
        (RegistryError::BodyEnded(BodyError::Stalled), 408, "BLOB_UPLOAD_INVALID"),
        (RegistryError::BodyEnded(BodyError::Broken(String::new())), 400, "BLOB_UPLOAD_INVALID"),
        (RegistryError::TooLarge { limit: 5 }, 413, "SIZE_INVALID"),
        (RegistryError::ManifestInvalid(ManifestError::Malformed(String::new())), 400, "MANIFEST_INVALID"),
        (RegistryError::MissingReferences(vec![digest('a')]), 400, "MANIFEST_BLOB_UNKNOWN"),
        (RegistryError::WrongSizes(vec![digest('a')]), 400, "MANIFEST_INVALID"),
        (RegistryError::NotAcceptable("a/b".parse().unwrap()), 406, "MANIFEST_UNKNOWN"),
        (RegistryError::ConditionFailed, 412, "DENIED"),
        (RegistryError::Refused { reason: "no".to_owned() }, 403, "DENIED"),
        (RegistryError::Contended, 409, "DENIED"),
        (RegistryError::DeletesOff, 405, "UNSUPPORTED"),
        (RegistryError::Locked(Locked::BySetting { tag: None }), 405, "UNSUPPORTED"),
        (locked(Attribute::Write), 405, "UNSUPPORTED"),
        (locked(Attribute::Read), 405, "UNSUPPORTED"),
        (RegistryError::NeededBy(digest('a')), 409, "DENIED"),
        (RegistryError::Unavailable { retry_after: None, reason: String::new() }, 503, "UNKNOWN"),
        (RegistryError::Internal(String::new()), 500, "UNKNOWN"),
    ] {
        let name = format!("{error:?}");
        assert_eq!(code(error).await, (status, expected.to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_fault_of_the_hosts_own_shows_the_request_and_nothing_else() {
    for error in [
        RegistryError::Internal("disk /secret/place is full".to_owned()),
        RegistryError::Unavailable { retry_after: Some(Duration::from_secs(7)), reason: "/secret/place is away".to_owned() },
    ] {
        let (_, body, _) = told(error).await;
        assert!(!body.to_string().contains("secret"), "{body}");
        assert!(body["errors"][0]["message"].as_str().unwrap().contains("0123456789abcdef"), "{body}");
    }
}

#[tokio::test]
async fn an_unavailable_plugin_says_when_to_come_back() {
    let wait = |retry_after| RegistryError::Unavailable { retry_after, reason: String::new() };
    assert_eq!(told(wait(Some(Duration::from_secs(7)))).await.2[RETRY_AFTER], "7");
    assert_eq!(told(wait(Some(Duration::from_millis(5)))).await.2[RETRY_AFTER], "1");
    assert_eq!(told(wait(None)).await.2[RETRY_AFTER], "1");
}

#[tokio::test]
async fn every_missing_reference_is_named() {
    let (_, body, _) = told(RegistryError::MissingReferences(vec![digest('a'), digest('b')])).await;
    assert_eq!(body["errors"].as_array().unwrap().len(), 2);
    assert_eq!(body["errors"][1]["detail"]["digest"], digest('b').as_str());
    let many = vec![digest('a'); 1000];
    let (_, body, _) = told(RegistryError::MissingReferences(many)).await;
    assert_eq!(body["errors"].as_array().unwrap().len(), MAX_ENTRIES);
}

#[tokio::test]
async fn requests_that_ask_for_too_much_at_once_and_for_two_things_are_told_apart() {
    assert_eq!(code(ParseError::TooManyTags).await, (414, "UNSUPPORTED".to_owned()));
    assert_eq!(code(ParseError::TooManyParameters).await, (414, "UNSUPPORTED".to_owned()));
    assert_eq!(code(ParseError::TagsBesideTag).await, (400, "UNSUPPORTED".to_owned()));
}

#[tokio::test]
async fn a_refused_deletion_names_the_methods_that_are_left() {
    let (_, _, headers) = told(ApiError::not_deleted(RegistryError::DeletesOff, "GET, HEAD")).await;
    assert_eq!(headers[ALLOW], "GET, HEAD");
    let (status, body, headers) = told(ApiError::not_deleted(RegistryError::NeededBy(digest('a')), "GET, HEAD")).await;
    assert_eq!((status, headers.contains_key(ALLOW)), (409, false));
    assert_eq!(body["errors"][0]["detail"]["digest"], digest('a').as_str());
}

#[tokio::test]
async fn what_is_locked_says_which_lock_and_which_methods_are_left() {
    let (_, body, headers) = told(locked(Attribute::Write)).await;
    let message = body["errors"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("The operation is disallowed") && message.contains("writeEnabled=false"), "{message}");
    assert_eq!(headers[ALLOW], "GET, HEAD");
    assert_eq!(told(locked(Attribute::Read)).await.2[ALLOW], "");
    assert_eq!(told(ApiError::not_deleted(locked(Attribute::Delete), "GET, HEAD, PUT")).await.2[ALLOW], "GET, HEAD, PUT");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let (status, _, headers) = told(ParseError::Method { allow: "GET, HEAD" }).await;
    assert_eq!((status, headers[ALLOW].to_str().unwrap()), (405, "GET, HEAD"));
}

#[tokio::test]
async fn each_way_of_not_being_let_in_has_its_own_answer() {
    let challenge = Challenge::of(&testing::context(), &Operation::Catalog { page: testing::everything() }, None);
    let failures = AuthFailure::TooManyFailures { retry_after: Duration::from_millis(6001) };
    assert_eq!(told(ApiError::no_token(failures)).await.2[RETRY_AFTER], "7");
    for (error, status, expected, challenged) in [
        (ApiError::refused(Refusal::Anonymous, &challenge), 401, "UNAUTHORIZED", true),
        (ApiError::refused(Refusal::InsufficientScope, &challenge), 401, "DENIED", true),
        (ApiError::refused(Refusal::Denied, &challenge), 403, "DENIED", false),
        (ApiError::not_identified(AuthFailure::Rejected, &challenge), 401, "UNAUTHORIZED", true),
        (ApiError::not_identified(AuthFailure::InvalidToken, &challenge), 401, "UNAUTHORIZED", true),
        (ApiError::not_identified(AuthFailure::Unavailable, &challenge), 503, "UNKNOWN", false),
        (ApiError::not_identified(AuthFailure::EndsTooSoon, &challenge), 401, "UNAUTHORIZED", true),
        (ApiError::not_identified(failures, &challenge), 429, "TOOMANYREQUESTS", false),
        (ApiError::no_token(AuthFailure::EndsTooSoon), 401, "UNAUTHORIZED", false),
        (ApiError::no_token(AuthFailure::IdentityTooLarge), 403, "DENIED", false),
        (ApiError::no_token(AuthFailure::Rejected), 401, "UNAUTHORIZED", false),
    ] {
        let name = format!("{error:?}");
        let (got, body, headers) = told(error).await;
        assert_eq!((got, body["errors"][0]["code"].as_str().unwrap()), (status, expected), "{name}");
        assert_eq!(headers.contains_key(WWW_AUTHENTICATE), challenged, "{name}");
    }
}

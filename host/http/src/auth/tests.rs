use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use bulkhead_core::ports::auth::Credential;

use super::*;
use crate::parse::{Call, parse};
use crate::testing;

fn read(value: &str) -> Result<Option<Credential>, MalformedCredential> {
    credential(&HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(value).unwrap())]))
}

fn basic_of(user: &str, secret: &str) -> Option<Credential> {
    Some(Credential::Basic { user: user.to_owned(), secret: secret.to_owned() })
}

fn operation(method: &str, target: &str) -> Operation {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    match parse(&method.parse().unwrap(), path, query).unwrap() {
        Call::Registry(operation) => operation,
        other => panic!("{other:?}"),
    }
}

fn challenge(method: &str, target: &str, error: Option<ChallengeError>) -> String {
    Challenge::of(&testing::context(), &operation(method, target), error).header.to_str().unwrap().to_owned()
}

#[test]
fn credentials_are_read_in_both_forms_and_any_case() {
    assert!(credential(&HeaderMap::new()).unwrap().is_none());
    // alice:wonder:land
    assert!(read("Basic YWxpY2U6d29uZGVyOmxhbmQ=").unwrap() == basic_of("alice", "wonder:land"));
    assert!(read("bASIC  YWxpY2U6d29uZGVyOmxhbmQ").unwrap() == basic_of("alice", "wonder:land"));
    assert!(read("Basic Og==").unwrap() == basic_of("", ""));
    assert!(read("bearer a.b.c").unwrap() == Some(Credential::Bearer("a.b.c".to_owned())));
}

#[test]
fn a_credential_that_cannot_be_read_is_not_taken_for_none() {
    // "YWxpY2U=" has no colon, "/zpw" is no UTF-8, "YQBiOmM=" has a NUL.
    for bad in [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWxpY2U=",
        "Basic /zpw",
        "Basic YQBiOmM=",
        "Bearer",
        "Bearer ",
        "Bearer a b",
        "Digest x",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert!(read(&format!("Bearer {}", "a".repeat(17 * 1024))).is_err());
    assert!(basic(&"a".repeat(1025), "").is_err() && basic("", &"a".repeat(8 * 1024 + 1)).is_err());
    let mut twice = HeaderMap::new();
    twice.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
    twice.append(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
    assert!(credential(&twice).is_err());
}

#[test]
fn a_challenge_names_the_token_service_and_the_scope_that_is_missing() {
    let begin = "Bearer realm=\"http://registry.test:5000/oauth2/token\",service=\"registry.test:5000\"";
    let digest = format!("sha256:{}", "a".repeat(64));
    for (method, target, scope) in [
        ("GET", "/v2/a/b/manifests/v1".to_owned(), "repository:a/b:pull"),
        ("HEAD", format!("/v2/a/blobs/{digest}"), "repository:a:pull"),
        ("GET", "/v2/a/tags/list".to_owned(), "repository:a:pull"),
        ("GET", format!("/v2/a/referrers/{digest}"), "repository:a:pull"),
        ("POST", "/v2/a/blobs/uploads/".to_owned(), "repository:a:pull,push"),
        ("PUT", "/v2/a/manifests/v1".to_owned(), "repository:a:pull,push"),
        ("DELETE", "/v2/a/manifests/v1".to_owned(), "repository:a:delete"),
        ("DELETE", format!("/v2/a/blobs/uploads/{}", "0".repeat(32)), "repository:a:pull,push"),
        ("POST", format!("/v2/a/blobs/uploads/?mount={digest}&from=b"), "repository:a:pull,push repository:b:pull"),
        ("POST", format!("/v2/a/blobs/uploads/?mount={digest}"), "repository:a:pull,push"),
        ("PUT", format!("/v2/a/manifests/{digest}?tag=v1"), "repository:a:pull,push"),
        ("DELETE", "/acr/v1/a/b".to_owned(), "repository:a/b:delete"),
        ("DELETE", "/acr/v1/a/b/_tags/v1".to_owned(), "repository:a/b:delete"),
        ("GET", "/acr/v1/a/b".to_owned(), "repository:a/b:metadata_read"),
        ("PATCH", "/acr/v1/a/b/_tags/v1".to_owned(), "repository:a/b:metadata_write"),
        ("GET", "/v2/_catalog".to_owned(), "registry:catalog:*"),
    ] {
        assert_eq!(challenge(method, &target, None), format!("{begin},scope=\"{scope}\""), "{method} {target}");
    }
    assert_eq!(challenge("GET", "/v2/", None), begin);
    assert_eq!(challenge("GET", "/v2/", Some(ChallengeError::InvalidToken)), format!("{begin},error=\"invalid_token\""));
}

#[test]
fn a_certificate_is_presented_where_no_header_is_and_never_in_the_place_of_a_bad_one() {
    let certificate = Arc::new(Certificate {
        subject: "CN=alice".to_owned(),
        names: vec![],
        fingerprint: "0".repeat(64),
        expires: testing::NOW,
    });
    let shown = |value: Option<&str>| {
        let header = value.map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap()));
        presented(&HeaderMap::from_iter(header), Some(Arc::clone(&certificate)))
    };
    assert!(shown(None).unwrap() == Some(Credential::Certificate(Arc::clone(&certificate))));
    assert!(shown(Some("Bearer a.b.c")).unwrap() == Some(Credential::Bearer("a.b.c".to_owned())));
    assert!(shown(Some("Basic !")).is_err());
    assert!(presented(&HeaderMap::new(), None).unwrap().is_none());
}

#[test]
fn a_challenge_over_tls_names_https() {
    let mut context = testing::context();
    context.encrypted = true;
    let challenge = Challenge::of(&context, &Operation::Ping, None);
    assert!(challenge.header.to_str().unwrap().starts_with("Bearer realm=\"https://registry.test:5000/"));
}

#[test]
fn the_detail_lists_every_action_that_was_wanted() {
    let challenge = Challenge::of(&testing::context(), &operation("PUT", "/v2/hello-world/manifests/v1"), None);
    assert_eq!(
        challenge.detail,
        serde_json::json!([
            { "Type": "repository", "Name": "hello-world", "Action": "pull" },
            { "Type": "repository", "Name": "hello-world", "Action": "push" },
        ])
    );
}

#[test]
fn every_operation_but_the_ping_needs_an_access() {
    assert!(accesses(&Operation::Ping).is_empty());
    let needs = |method: &str, target: &str| accesses(&operation(method, target)).remove(0).action;
    assert_eq!(needs("GET", "/v2/_catalog"), AccessAction::ListRepositories);
    assert_eq!(needs("GET", "/v2/a/manifests/v1"), AccessAction::Pull);
    assert_eq!(needs("PUT", "/v2/a/manifests/v1"), AccessAction::Push);
    assert_eq!(needs("DELETE", "/v2/a/manifests/v1"), AccessAction::Delete);
    assert_eq!(needs("DELETE", "/acr/v1/a"), AccessAction::Delete);
    assert_eq!(needs("GET", "/acr/v1/a"), AccessAction::ReadMetadata);
    assert_eq!(needs("PATCH", "/acr/v1/a"), AccessAction::WriteMetadata);
}

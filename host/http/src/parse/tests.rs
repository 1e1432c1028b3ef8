use super::*;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ID: &str = "0123456789abcdef0123456789abcdef";

fn ask(method: &str, target: &str) -> Result<Call, ParseError> {
    let target = target.replace("DIGEST", &format!("sha256:{HEX}")).replace("ID", ID);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target.as_str(), None),
    };
    parse(&method.parse().unwrap(), path, query)
}

fn v2(method: &str, target: &str) -> Operation {
    match ask(method, target) {
        Ok(Call::Registry(operation)) => operation,
        other => panic!("{method} {target}: {other:?}"),
    }
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn digest() -> Digest {
    format!("sha256:{HEX}").parse().unwrap()
}

fn upload_id() -> UploadId {
    ID.parse().unwrap()
}

fn by_tag(text: &str) -> Reference {
    Reference::Tag(text.parse().unwrap())
}

#[test]
fn paths_outside_of_the_registry_are_known_by_name() {
    assert_eq!(ask("GET", "/healthz"), Ok(Call::Live));
    assert_eq!(ask("HEAD", "/readyz"), Ok(Call::Ready));
    assert_eq!(ask("GET", "/oauth2/keys"), Ok(Call::Keys));
    assert_eq!(ask("GET", "/oauth2/token?scope=x"), Ok(Call::TokenByQuery));
    assert_eq!(ask("POST", "/oauth2/token"), Ok(Call::TokenByForm));
    assert_eq!(ask("POST", "/oauth2/exchange"), Ok(Call::Exchange));
    assert_eq!(ask("GET", "/oauth2/exchange"), Err(ParseError::Method { allow: "POST" }));
    assert_eq!(ask("GET", "/.well-known/jwks.json"), Ok(Call::Keys));
    assert_eq!(ask("DELETE", "/oauth2/token"), Err(ParseError::Method { allow: "GET, POST" }));
    assert_eq!(ask("POST", "/healthz"), Err(ParseError::Method { allow: "GET, HEAD" }));
    for nothing in
        ["/", "", "*", "/v1/", "/v2x", "/healthz/", "/v2/foo", "/v2/foo/bar", "/v2/foo/tags/lists", "/v2/foo/tags/list/"]
    {
        assert_eq!(ask("GET", nothing), Err(ParseError::NoRoute), "{nothing}");
    }
}

#[test]
fn the_version_check_answers_with_and_without_its_slash() {
    assert_eq!(v2("GET", "/v2/"), Operation::Ping);
    assert_eq!(v2("HEAD", "/v2"), Operation::Ping);
    assert_eq!(ask("PUT", "/v2/"), Err(ParseError::Method { allow: "GET, HEAD" }));
}

#[test]
fn manifests_are_read_put_and_deleted_by_tag_and_digest() {
    let (repository, reference) = (name("a/b"), by_tag("v1"));
    assert_eq!(
        v2("GET", "/v2/a/b/manifests/v1?ns=docker.io"),
        Operation::ReadManifest { repository: repository.clone(), reference: reference.clone(), reading: Reading::Get }
    );
    assert_eq!(
        v2("HEAD", "/v2/a/b/manifests/DIGEST"),
        Operation::ReadManifest {
            repository: repository.clone(),
            reference: Reference::Digest(digest()),
            reading: Reading::Head
        }
    );
    assert_eq!(v2("DELETE", "/v2/a/b/manifests/v1"), Operation::DeleteManifest { repository, reference });
    assert_eq!(ask("POST", "/v2/a/manifests/v1"), Err(ParseError::Method { allow: "GET, HEAD, PUT, DELETE" }));
}

fn target(target: &str) -> PushTarget {
    match v2("PUT", target) {
        Operation::PutManifest { repository, target } if repository == name("a/b") => target,
        other => panic!("{other:?}"),
    }
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

#[test]
fn a_push_by_tag_may_name_its_algorithm() {
    let of = |algorithm| PushTarget::Tag { tag: tag("v1"), algorithm };
    assert_eq!(target("/v2/a/b/manifests/v1"), of(Algorithm::Sha256));
    assert_eq!(target("/v2/a/b/manifests/v1?digest-algorithm=sha512"), of(Algorithm::Sha512));
    for bad in ["md5", "", "SHA512"] {
        let answer = ask("PUT", &format!("/v2/a/b/manifests/v1?digest-algorithm={bad}"));
        assert!(matches!(answer, Err(ParseError::Digest(_))), "{bad}: {answer:?}");
    }
    let twice = ask("PUT", "/v2/a/b/manifests/v1?digest-algorithm=sha512&digest-algorithm=sha512");
    assert_eq!(twice, Err(ParseError::Repeated("digest-algorithm")));
}

#[test]
fn a_push_by_digest_may_name_tags_each_of_which_counts_once() {
    let of = |tags: &[&str]| PushTarget::Digest { digest: digest(), tags: tags.iter().map(|text| tag(text)).collect() };
    assert_eq!(target("/v2/a/b/manifests/DIGEST"), of(&[]));
    assert_eq!(target("/v2/a/b/manifests/DIGEST?tag=v1&x=y&tag=latest&tag=v1"), of(&["v1", "latest"]));
    for bad in ["tag=", "tag=.a", "tag=v1&tag=a%2Fb", "tag=a,b", "tag=a+b"] {
        let answer = ask("PUT", &format!("/v2/a/b/manifests/DIGEST?{bad}"));
        assert!(matches!(answer, Err(ParseError::Tag(_))), "{bad}: {answer:?}");
    }
    assert_eq!(ask("PUT", "/v2/a/b/manifests/v1?tag=v2"), Err(ParseError::TagsBesideTag));
    assert_eq!(ask("PUT", "/v2/a/b/manifests/v1?tag="), Err(ParseError::TagsBesideTag));
}

#[test]
fn there_is_a_most_of_the_tags_of_one_push() {
    let query = |count: usize| (0..count).map(|number| format!("tag=v{number}")).collect::<Vec<_>>().join("&");
    let push = |count| ask("PUT", &format!("/v2/a/b/manifests/DIGEST?{}", query(count)));
    assert!(push(MAX_TAGS).is_ok());
    assert_eq!(push(MAX_TAGS + 1), Err(ParseError::TooManyTags));
    assert_eq!(push(1000), Err(ParseError::TooManyParameters));
}

#[test]
fn a_path_of_another_interface_is_decoded_once_like_every_other() {
    assert_eq!(v2("DELETE", "/acr/v1/a/b"), Operation::DeleteRepository { repository: name("a/b") });
    assert_eq!(v2("DELETE", "/acr/v1/a%2Db"), Operation::DeleteRepository { repository: name("a-b") });
    for elsewhere in
        ["/acr/v1/", "/acr/v1", "/acr/v1/_catalog", "/api/v1/", "/api/v1", "/api/v1/registries", "/api/v2/keys/rotate"]
    {
        assert_eq!(ask("DELETE", elsewhere), Err(ParseError::NoRoute), "{elsewhere}");
    }
    for bad in ["A", "a//b", "a/", "../a", "a%2Fb", "%2e%2e", "a:v1"] {
        let answer = ask("DELETE", &format!("/acr/v1/{bad}"));
        assert!(matches!(answer, Err(ParseError::Name(_) | ParseError::Path)), "{bad}: {answer:?}");
    }
    for bad in ["registries%2Fdefault/principals", "registries/../principals%00", "registries/default/%2e%2e/principals"] {
        assert_eq!(ask("GET", &format!("/api/v1/{bad}")), Err(ParseError::Path), "{bad}");
    }
}

#[test]
fn a_name_takes_in_every_noun_but_the_last() {
    let manifest_of = |target: &str| match v2("GET", target) {
        Operation::ReadManifest { repository, .. } => repository.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(manifest_of("/v2/a/manifests/b/manifests/c"), "a/manifests/b");
    assert_eq!(manifest_of("/v2/a/blobs/uploads/manifests/c"), "a/blobs/uploads");
    assert_eq!(manifest_of("/v2/a/tags/list/manifests/c"), "a/tags/list");
    assert_eq!(manifest_of("/v2/manifests/manifests/manifests"), "manifests");
    assert!(
        matches!(v2("GET", "/v2/a/manifests/tags/list"), Operation::Tags { repository, .. } if repository == name("a/manifests"))
    );
    assert!(
        matches!(v2("POST", "/v2/a/blobs/uploads/x/blobs/uploads/"), Operation::BeginUpload { repository, .. } if repository == name("a/blobs/uploads/x"))
    );
    assert!(
        matches!(v2("GET", "/v2/a/blobs/blobs/DIGEST"), Operation::ReadBlob { repository, .. } if repository == name("a/blobs"))
    );
    assert!(
        matches!(v2("GET", "/v2/a/uploads/blobs/uploads/ID"), Operation::UploadStatus { repository, .. } if repository == name("a/uploads"))
    );
}

#[test]
fn blobs_are_read_and_deleted_by_digest_alone() {
    for digest_as_sent in ["DIGEST", "sha256%3Ae3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"] {
        assert_eq!(
            v2("HEAD", &format!("/v2/a/blobs/{digest_as_sent}")),
            Operation::ReadBlob { repository: name("a"), digest: digest(), reading: Reading::Head }
        );
    }
    assert_eq!(v2("DELETE", "/v2/a/blobs/DIGEST"), Operation::DeleteBlob { repository: name("a"), digest: digest() });
    assert_eq!(ask("PUT", "/v2/a/blobs/DIGEST"), Err(ParseError::Method { allow: "GET, HEAD, DELETE" }));
    for bad in ["latest", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", ""] {
        assert!(matches!(ask("GET", &format!("/v2/a/blobs/{bad}")), Err(ParseError::Digest(_))), "{bad}");
    }
}

#[test]
fn a_post_begins_an_upload_puts_a_blob_or_mounts_one() {
    let repository = || name("a/b");
    let begun = |algorithm| Operation::BeginUpload { repository: repository(), algorithm };
    assert_eq!(v2("POST", "/v2/a/b/blobs/uploads/"), begun(Algorithm::Sha256));
    assert_eq!(v2("POST", "/v2/a/b/blobs/uploads"), begun(Algorithm::Sha256));
    assert_eq!(v2("POST", "/v2/a/b/blobs/uploads/?digest-algorithm=sha512"), begun(Algorithm::Sha512));
    assert_eq!(
        v2("POST", "/v2/a/b/blobs/uploads/?mount=DIGEST"),
        Operation::MountBlob { repository: repository(), digest: digest(), from: None }
    );
    assert_eq!(
        v2("POST", &format!("/v2/a/b/blobs/uploads/?digest=sha256%3A{HEX}")),
        Operation::PutBlob { repository: repository(), digest: digest() }
    );
    assert_eq!(
        v2("POST", "/v2/a/b/blobs/uploads/?from=cl%2Fdocker&mount=DIGEST&origin=example.com"),
        Operation::MountBlob { repository: repository(), digest: digest(), from: Some(name("cl/docker")) }
    );
    assert!(matches!(ask("POST", "/v2/a/blobs/uploads/?mount=x&from=b"), Err(ParseError::Digest(_))));
    // Nothing can lie in a repository of no name: an upload begins.
    let nowhere = ask("POST", "/v2/a/blobs/uploads/?mount=DIGEST&from=..").unwrap();
    assert!(matches!(nowhere, Call::Registry(Operation::BeginUpload { .. })), "{nowhere:?}");
    assert!(matches!(ask("POST", "/v2/a/blobs/uploads/?digest-algorithm=md5"), Err(ParseError::Digest(_))));
    assert_eq!(ask("GET", "/v2/a/blobs/uploads/"), Err(ParseError::Method { allow: "POST" }));
}

#[test]
fn an_upload_is_asked_for_continued_finished_and_cancelled() {
    let (repository, upload) = (name("a"), upload_id());
    let target = "/v2/a/blobs/uploads/ID";
    assert_eq!(v2("GET", target), Operation::UploadStatus { repository: repository.clone(), upload: upload.clone() });
    assert_eq!(v2("PATCH", target), Operation::AppendUpload { repository: repository.clone(), upload: upload.clone() });
    assert_eq!(v2("DELETE", target), Operation::CancelUpload { repository: repository.clone(), upload: upload.clone() });
    assert_eq!(
        v2("PUT", &format!("{target}?_state=x&digest=sha256%3A{HEX}")),
        Operation::FinishUpload { repository, upload, digest: digest() }
    );
    assert_eq!(ask("PUT", target), Err(ParseError::MissingDigest));
    assert_eq!(ask("PUT", &format!("{target}?digest=DIGEST&digest=DIGEST")), Err(ParseError::Repeated("digest")));
    assert!(matches!(ask("PUT", &format!("{target}?digest=sha256:x")), Err(ParseError::Digest(_))));
    for unknown in ["x", "0123456789ABCDEF0123456789ABCDEF", "manifests"] {
        assert_eq!(ask("PATCH", &format!("/v2/a/blobs/uploads/{unknown}")), Err(ParseError::UploadId), "{unknown}");
    }
}

#[test]
fn names_outside_the_grammar_are_refused_however_they_are_spelled() {
    for bad in [
        "A",
        "a//b",
        "/a",
        "a/",
        "..",
        "a/../b",
        "a/.",
        "%2e%2e",
        "a%2fb",
        "a%2Fb",
        "a%00b",
        "a%",
        "a%zz",
        "a%ff",
        "a%252fb",
        "a:b",
        "a+b",
        "a%20b",
        "-a",
        "_a",
        "%C3%A9",
        &"a".repeat(256),
    ] {
        for (method, tail) in
            [("GET", "manifests/v1"), ("GET", "tags/list"), ("HEAD", "blobs/DIGEST"), ("POST", "blobs/uploads/")]
        {
            let answer = ask(method, &format!("/v2/{bad}/{tail}"));
            assert!(matches!(answer, Err(ParseError::Name(_) | ParseError::Path)), "{bad} {tail}: {answer:?}");
        }
    }
    for nameless in ["/v2/manifests/v1", "/v2/tags/list", "/v2/blobs/DIGEST", "/v2/blobs/uploads/ID", "/v2/referrers/DIGEST"] {
        assert!(matches!(ask("GET", nameless), Err(ParseError::Name(_))), "{nameless}");
    }
    for elsewhere in
        ["/v2/a/manifests//v1", "/v2/../healthz", "/v2/a/../../b/c", "/v2/a/manifests/%2e%2e", "/v2/a/manifests/x%2fy"]
    {
        assert_eq!(ask("GET", elsewhere), Err(ParseError::Path), "{elsewhere}");
    }
}

#[test]
fn a_tag_outside_the_grammar_is_unknown_to_readers_and_wrong_for_writers() {
    for bad in [".a", "-a", "a%20b", "a%2Bb", &"a".repeat(129), ""] {
        let target = format!("/v2/a/manifests/{bad}");
        for method in ["GET", "HEAD", "DELETE"] {
            assert_eq!(ask(method, &target), Err(ParseError::ImpossibleTag), "{method} {bad}");
        }
        assert!(matches!(ask("PUT", &target), Err(ParseError::Tag(_))), "{bad}");
    }
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        assert!(matches!(ask(method, "/v2/a/manifests/sha256:abc"), Err(ParseError::Digest(_))), "{method}");
    }
}

#[test]
fn lists_have_a_bounded_length_and_a_beginning() {
    let page = |query: &str| match v2("GET", &format!("/v2/a/tags/list{query}")) {
        Operation::Tags { page, .. } => (page.limit, page.last),
        other => panic!("{other:?}"),
    };
    assert_eq!(page(""), (MAX_PAGE, None));
    assert_eq!(page("?n=0"), (0, None));
    assert_eq!(page("?n=2&last=v1"), (2, Some("v1".to_owned())));
    assert_eq!(page("?n=10001"), (MAX_PAGE, None));
    assert_eq!(page(&format!("?n={}", "9".repeat(40))), (MAX_PAGE, None));
    assert_eq!(page("?last=a%2Fb"), (MAX_PAGE, Some("a/b".to_owned())));
    assert_eq!(v2("GET", "/v2/_catalog?n=3"), Operation::Catalog { page: Paging { limit: 3, last: None } });
    for bad in ["n=-1", "n=", "n=a", "n=+1", "n=1.5", "n=%201"] {
        assert_eq!(ask("GET", &format!("/v2/a/tags/list?{bad}")), Err(ParseError::Paging), "{bad}");
        assert_eq!(ask("GET", &format!("/v2/_catalog?{bad}")), Err(ParseError::Paging), "{bad}");
    }
    assert_eq!(ask("GET", "/v2/_catalog?n=1&n=2"), Err(ParseError::Repeated("n")));
    assert_eq!(ask("GET", "/v2/_catalog?last=%zz"), Err(ParseError::Query));
    assert_eq!(ask("GET", "/v2/_catalog?last=%00"), Err(ParseError::Query));
    assert_eq!(ask("GET", &format!("/v2/_catalog?{}", "a&".repeat(257))), Err(ParseError::TooManyParameters));
}

#[test]
fn referrers_are_filtered_by_a_type_whose_plus_may_be_plain() {
    for sent in ["application/vnd.x%2Bjson", "application/vnd.x+json", "application%2Fvnd.x%2bjson"] {
        assert_eq!(
            v2("GET", &format!("/v2/a/referrers/DIGEST?artifactType={sent}")),
            Operation::Referrers {
                repository: name("a"),
                subject: digest(),
                artifact_type: Some("application/vnd.x+json".to_owned()),
                after: None
            }
        );
    }
    assert!(matches!(
        v2("GET", "/v2/a/referrers/DIGEST?last=DIGEST"),
        Operation::Referrers { after: Some(_), artifact_type: None, .. }
    ));
    assert!(matches!(ask("GET", "/v2/a/referrers/latest"), Err(ParseError::Digest(_))));
}

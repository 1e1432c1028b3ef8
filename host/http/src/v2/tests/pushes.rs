//! What a push of a manifest may be besides a tag and a body: several tags, another algorithm, conditions, admission.

use bulkhead_core::ports::catalog::Sparse;
use bulkhead_core::registry::Rules;
use bulkhead_oci::{Digest, MediaType};
use bytes::Bytes;
use sha2::Digest as _;

use super::*;

const KIND: &str = MediaType::OCI_MANIFEST;

async fn push(world: &World, reference: &str, body: &Bytes, headers: &[(&str, &str)]) -> Answer {
    world.push("a", reference, KIND, body.clone(), headers).await
}

async fn at(world: &World, reference: &str) -> Option<String> {
    let answer = world.alice("HEAD", &format!("/v2/a/manifests/{reference}"), "").await;
    (answer.status == 200).then(|| answer.header("docker-content-digest").to_owned())
}

#[tokio::test]
async fn a_push_by_digest_sets_all_its_tags_and_names_each() {
    let world = World::new();
    let body = world.manifest("a", json!({})).await;
    let digest = sha256(&body);
    let put = push(&world, &format!("{digest}?tag=1.2.3&tag=1&tag=latest&tag=1"), &body, &[]).await;
    assert_eq!((put.status, put.lines("oci-tag")), (201, vec!["1.2.3", "1", "latest"]));
    assert_eq!(put.header("location"), format!("/v2/a/manifests/{digest}"));
    for tag in ["1.2.3", "1", "latest"] {
        assert_eq!(at(&world, tag).await.as_deref(), Some(digest.as_str()), "{tag}");
    }
    assert!(push(&world, digest.as_str(), &body, &[]).await.lines("oci-tag").is_empty());
    assert!(push(&world, "v1", &body, &[]).await.lines("oci-tag").is_empty());
}

#[tokio::test]
async fn very_many_tags_share_lines_so_that_clients_can_read_them() {
    let world = World::new();
    let body = world.manifest("a", json!({})).await;
    let tags: Vec<String> = (0..100).map(|number| format!("v{number}")).collect();
    let query: Vec<String> = tags.iter().map(|tag| format!("tag={tag}")).collect();
    let put = push(&world, &format!("{}?{}", sha256(&body), query.join("&")), &body, &[]).await;
    let lines = put.lines("oci-tag");
    assert_eq!((put.status, lines.len()), (201, 50));
    let named: Vec<&str> = lines.iter().flat_map(|line| line.split(", ")).collect();
    assert_eq!(named, tags);
}

#[tokio::test]
async fn tags_that_cannot_be_set_are_refused_and_nothing_is_stored() {
    let world = World::new();
    let body = world.manifest("a", json!({})).await;
    let digest = sha256(&body);
    let many: Vec<String> = (0..101).map(|number| format!("tag=v{number}")).collect();
    for (reference, status, expected) in [
        (format!("{digest}?{}", many.join("&")), 414, "UNSUPPORTED"),
        (format!("{digest}?tag=good&tag=.bad"), 400, "TAG_INVALID"),
        ("v1?tag=v2".to_owned(), 400, "UNSUPPORTED"),
        (format!("{}?tag=v1", sha256(b"other")), 400, "DIGEST_INVALID"),
    ] {
        assert_eq!(push(&world, &reference, &body, &[]).await.refusal(), code(status, expected), "{reference}");
    }
    assert_eq!(world.catalog.count().2, 0);
}

#[tokio::test]
async fn a_push_by_tag_lies_under_the_digest_of_the_algorithm_it_wants() {
    let world = World::new();
    let body = world.manifest("a", json!({})).await;
    let digest = Digest::from_bytes(bulkhead_oci::Algorithm::Sha512, &sha2::Sha512::digest(&body)).unwrap();
    let put = push(&world, "v1?digest-algorithm=sha512", &body, &[]).await;
    assert_eq!((put.status, put.header("docker-content-digest")), (201, digest.as_str()));
    assert_eq!(put.header("location"), format!("/v2/a/manifests/{digest}"));
    assert_eq!(world.alice("GET", put.header("location"), "").await.body, body);
    assert_eq!(at(&world, "v1").await.as_deref(), Some(digest.as_str()));
    assert_eq!(push(&world, "v2?digest-algorithm=md5", &body, &[]).await.refusal(), code(400, "DIGEST_INVALID"));
    assert_eq!(world.catalog.count().2, 1);
}

#[tokio::test]
async fn a_push_is_made_only_if_its_condition_holds() {
    let world = World::new();
    let (old, new) = (world.manifest("a", json!({})).await, world.manifest("a", json!({ "artifactType": "x/y" })).await);
    let (old_tag, new_tag) = (format!("\"{}\"", sha256(&old)), format!("\"{}\"", sha256(&new)));
    let failed = code(412, "DENIED");
    assert_eq!(push(&world, "v1", &old, &[("if-match", "*")]).await.refusal(), failed);
    assert_eq!(world.catalog.count().2, 0);
    let put = push(&world, "v1", &old, &[("if-none-match", "*")]).await;
    assert_eq!((put.status, put.header("etag")), (201, &*old_tag));
    for condition in
        [("if-none-match", "*"), ("if-none-match", &*old_tag), ("if-match", &*new_tag), ("if-match", &format!("W/{old_tag}"))]
    {
        assert_eq!(push(&world, "v1", &new, &[condition]).await.refusal(), failed, "{condition:?}");
    }
    assert_eq!((at(&world, "v1").await.unwrap(), world.catalog.count().2), (sha256(&old).to_string(), 1));
    assert_eq!(push(&world, "v1", &new, &[("if-match", &old_tag)]).await.status, 201);
    assert_eq!(at(&world, "v1").await.unwrap(), sha256(&new).to_string());
}

#[tokio::test]
async fn a_condition_holds_for_every_tag_or_none_is_set() {
    let world = World::new();
    let (old, new) = (world.manifest("a", json!({})).await, world.manifest("a", json!({ "artifactType": "x/y" })).await);
    push(&world, "v1", &old, &[]).await;
    let both = format!("{}?tag=v0&tag=v1", sha256(&new));
    assert_eq!(push(&world, &both, &new, &[("if-none-match", "*")]).await.refusal(), code(412, "DENIED"));
    assert_eq!((at(&world, "v0").await, at(&world, sha256(&new).as_str()).await), (None, None));
    assert_eq!(at(&world, "v1").await.unwrap(), sha256(&old).to_string());
}

#[tokio::test]
async fn a_condition_that_cannot_be_read_stops_the_push() {
    let world = World::new();
    let body = world.manifest("a", json!({})).await;
    for name in ["if-match", "if-none-match"] {
        let answer = push(&world, "v1", &body, &[(name, "sha256:a")]).await;
        assert_eq!(answer.refusal(), code(400, "UNSUPPORTED"), "{name}");
    }
    assert_eq!(world.catalog.count().2, 0);
}

#[tokio::test]
async fn what_an_admission_plugin_refuses_or_fails_at_is_not_stored() {
    let world = World::guarded(&["never seen"]);
    let body = world.manifest("a", json!({})).await;
    for reference in ["refused".to_owned(), format!("{}?tag=good&tag=refused", sha256(&body))] {
        let answer = push(&world, &reference, &body, &[]).await;
        assert_eq!(answer.refusal(), code(403, "DENIED"), "{reference}");
        assert_eq!(answer.json()["errors"][0]["message"], "this tag is \"not\" for you");
        assert!(answer.lines("warning").is_empty());
    }
    let answer = push(&world, "failing", &body, &[]).await;
    assert_eq!(answer.refusal(), code(503, "UNKNOWN"));
    assert!(!answer.json().to_string().contains("secret"));
    assert_eq!((world.catalog.count().2, at(&world, "good").await), (0, None));
}

#[tokio::test]
async fn a_plugin_sees_a_tag_that_is_moved_beside_a_digest() {
    let world = World::guarded(&[]);
    let (old, new) = (world.manifest("a", json!({})).await, world.manifest("a", json!({ "artifactType": "x/y" })).await);
    assert_eq!(push(&world, "kept", &old, &[]).await.status, 201);
    let moved = format!("{}?tag=other&tag=kept", sha256(&new));
    assert_eq!(push(&world, &moved, &new, &[]).await.refusal(), code(403, "DENIED"));
    assert_eq!((at(&world, "kept").await.unwrap(), at(&world, "other").await), (sha256(&old).to_string(), None));
}

#[tokio::test]
async fn warnings_of_plugins_and_of_the_host_reach_the_client() {
    let world = World::guarded(&["no \"label\"", "old"]);
    let body = world.manifest("a", json!({})).await;
    let put = push(&world, "v1", &body, &[]).await;
    assert_eq!((put.status, put.lines("warning")), (201, vec!["299 - \"no \\\"label\\\"\"", "299 - \"old\""]));
    assert!(world.alice("GET", "/v2/a/manifests/v1", "").await.lines("warning").is_empty());
    let sparse = World::ruled(Rules { sparse: Sparse::All, ..World::rules() });
    let missing = json!([{ "mediaType": "a/b", "digest": sha256(b"layer"), "size": 3 }]);
    let (_, put) = sparse.put_manifest("a", "v1", json!({ "layers": missing })).await;
    assert_eq!((put.status, put.lines("warning").len()), (201, 1));
    assert!(put.header("warning").starts_with("299 - \"") && put.header("warning").contains(sha256(b"layer").as_str()));
}

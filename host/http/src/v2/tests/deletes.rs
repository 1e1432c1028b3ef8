//! Deletes, and what stands in their way.

use bulkhead_core::ports::catalog::Referenced;
use bulkhead_core::ports::event::Scope;
use bulkhead_core::registry::{Deletes, Deleting, Rules};
use bulkhead_oci::MediaType;

use super::*;

fn under(deletes: Deletes) -> World {
    World::ruled(Rules { deletes, ..World::rules() })
}

/// Whatever can be deleted of repository `a`: blob, manifest, tag, and all of it.
async fn filled(world: &World) -> [String; 4] {
    let (body, put) = world.put_manifest("a", "v1", json!({})).await;
    assert_eq!(put.status, 201);
    let (config, digest) = (sha256(b"{}"), sha256(&body));
    [
        format!("/v2/a/blobs/{config}"),
        format!("/v2/a/manifests/{digest}"),
        "/v2/a/manifests/v1".to_owned(),
        "/acr/v1/a".to_owned(),
    ]
}

async fn untouched(world: &World) {
    assert_eq!(world.catalog.count(), (1, 0, 1));
    assert_eq!(world.alice("HEAD", "/v2/a/manifests/v1", "").await.status, 200);
}

#[tokio::test]
async fn where_deletes_are_off_nothing_can_be_deleted() {
    let world = under(Deletes { deleting: Deleting::Off, ..Deletes::default() });
    let targets = filled(&world).await;
    for (target, allow) in targets.iter().zip(["GET, HEAD", "GET, HEAD, PUT", "GET, HEAD, PUT", "GET, HEAD, PATCH"]) {
        let answer = world.alice("DELETE", target, "").await;
        assert_eq!((answer.refusal(), answer.header("allow")), (code(405, "UNSUPPORTED"), allow), "{target}");
        assert!(answer.headers.contains_key("allow"));
    }
    untouched(&world).await;
}

#[tokio::test]
async fn what_is_locked_stays() {
    let world = under(Deletes { locked: vec![Scope::parse("a").unwrap()], ..Deletes::default() });
    for target in filled(&world).await {
        assert_eq!(world.alice("DELETE", &target, "").await.refusal(), code(405, "UNSUPPORTED"), "{target}");
    }
    untouched(&world).await;
    let world = under(Deletes { locked: vec![Scope::parse("a:v1").unwrap()], ..Deletes::default() });
    let [_, manifest, tag, repository] = filled(&world).await;
    for target in [manifest, tag, repository] {
        assert_eq!(world.alice("DELETE", &target, "").await.refusal(), code(405, "UNSUPPORTED"), "{target}");
    }
    untouched(&world).await;
}

#[tokio::test]
async fn what_another_manifest_needs_stays_unless_the_registry_allows_it() {
    for referenced in [Referenced::Refuse, Referenced::Allow] {
        let world = under(Deletes { referenced, ..Deletes::default() });
        let [blob, manifest, ..] = filled(&world).await;
        let (body, _) = world.put_manifest("a", "v1", json!({})).await;
        let (_, put) = world.put_index("a", "multi", &[(&sha256(&body), body.len(), MediaType::OCI_MANIFEST)]).await;
        assert_eq!(put.status, 201, "{:?}", put.body);
        for target in [blob, manifest] {
            let answer = world.alice("DELETE", &target, "").await;
            match referenced {
                Referenced::Refuse => {
                    assert_eq!(answer.refusal(), code(409, "DENIED"), "{target}");
                    assert_eq!(world.alice("HEAD", &target, "").await.status, 200, "{target}");
                }
                Referenced::Allow => assert_eq!(answer.status, 202, "{target}"),
            }
        }
    }
}

#[tokio::test]
async fn a_repository_is_deleted_whole() {
    let world = World::new();
    let (body, _) = world.put_manifest("a/b", "v1", json!({})).await;
    world.put_manifest("a/b", "v2", json!({})).await;
    world.put_manifest("a/bc", "v1", json!({})).await;
    let answer = world.alice("DELETE", "/acr/v1/a/b", "").await;
    assert_eq!((answer.status, answer.header("content-type")), (202, "application/json"));
    assert_eq!(answer.json(), json!({ "manifestsDeleted": [sha256(&body)], "tagsDeleted": ["v1", "v2"] }));
    assert_eq!(world.alice("GET", "/v2/a/b/tags/list", "").await.refusal(), code(404, "NAME_UNKNOWN"));
    assert_eq!(world.alice("HEAD", &format!("/v2/a/b/blobs/{}", sha256(b"{}")), "").await.status, 404);
    assert_eq!(world.alice("DELETE", "/acr/v1/a/b", "").await.refusal(), code(404, "NAME_UNKNOWN"));
    assert_eq!(world.alice("HEAD", "/v2/a/bc/manifests/v1", "").await.status, 200);
}

#[tokio::test]
async fn a_repository_is_deleted_by_whom_may_delete() {
    let world = World::new();
    world.put_manifest("bob/a", "v1", json!({})).await;
    let answer = world.send(as_user("bob", "DELETE", "/acr/v1/bob/a"), "").await;
    assert_eq!(answer.refusal(), code(403, "DENIED"));
    let nobody = world.send(crate::testing::request("DELETE", "/acr/v1/bob/a"), "").await;
    assert_eq!(nobody.refusal(), code(401, "UNAUTHORIZED"));
    assert!(nobody.header("www-authenticate").ends_with(",scope=\"repository:bob/a:delete\""));
    assert_eq!(world.alice("HEAD", "/v2/bob/a/manifests/v1", "").await.status, 200);
}

#[tokio::test]
async fn an_admission_plugin_may_refuse_a_delete_by_every_way_to_its_tag() {
    let world = World::guarded(&["never seen"]);
    let (body, _) = world.put_manifest("a", "kept", json!({})).await;
    for target in ["/v2/a/manifests/kept".to_owned(), format!("/v2/a/manifests/{}", sha256(&body)), "/acr/v1/a".to_owned()] {
        let answer = world.alice("DELETE", &target, "").await;
        assert_eq!((answer.refusal(), answer.lines("warning").len()), (code(403, "DENIED"), 0), "{target}");
    }
    assert_eq!(world.alice("GET", "/v2/a/manifests/kept", "").await.body, body);
}

#[tokio::test]
async fn warnings_of_a_delete_reach_the_client() {
    let world = World::guarded(&["gone for good"]);
    let [blob, manifest, tag, repository] = filled(&world).await;
    for target in [&tag, &manifest, &blob] {
        let answer = world.alice("DELETE", target, "").await;
        assert_eq!((answer.status, answer.lines("warning")), (202, vec!["299 - \"gone for good\""]), "{target}");
    }
    filled(&world).await;
    let answer = world.alice("DELETE", &repository, "").await;
    assert_eq!((answer.status, answer.lines("warning")), (202, vec!["299 - \"gone for good\""]));
}

use bulkhead_core::ports::audit::{AuditAction, AuditOutcome};
use serde_json::{Value, json};

use crate::testing::{Answer, World, as_user, sha256};

/// As alice.
async fn patch(world: &World, target: &str, body: &Value) -> Answer {
    world.alice("PATCH", target, body.to_string()).await
}

fn changeable(delete: bool, write: bool) -> Value {
    json!({ "deleteEnabled": delete, "writeEnabled": write, "readEnabled": true, "listEnabled": true })
}

const NOW: &str = "2023-11-14T22:13:20.0000000Z";

#[tokio::test]
async fn a_repository_a_tag_and_a_manifest_show_what_is_known_of_them() {
    let world = World::new();
    let (body, _) = world.put_manifest("a/b", "v1", json!({})).await;
    let digest = sha256(&body);
    let repository = world.alice("GET", "/acr/v1/a/b", "").await;
    assert_eq!((repository.status, repository.header("content-type")), (200, "application/json"));
    assert_eq!(
        repository.json(),
        json!({
            "registry": "registry.test:5000", "imageName": "a/b", "createdTime": NOW, "lastUpdateTime": NOW,
            "manifestCount": 1, "tagCount": 1, "changeableAttributes": changeable(true, true),
        })
    );
    assert_eq!(
        world.alice("GET", "/acr/v1/a/b/_tags/v1", "").await.json(),
        json!({
            "registry": "registry.test:5000", "imageName": "a/b",
            "tag": {
                "name": "v1", "digest": digest, "createdTime": NOW, "lastUpdateTime": NOW,
                "changeableAttributes": changeable(true, true),
            },
        })
    );
    assert_eq!(
        world.alice("GET", &format!("/acr/v1/a/b/_manifests/{digest}"), "").await.json(),
        json!({
            "registry": "registry.test:5000", "imageName": "a/b",
            "manifest": {
                "digest": digest, "mediaType": "application/vnd.oci.image.manifest.v1+json", "tags": ["v1"],
                "createdTime": NOW, "lastUpdateTime": NOW, "changeableAttributes": changeable(true, true),
            },
        })
    );
}

#[tokio::test]
async fn what_is_not_there_has_no_attributes() {
    let world = World::new();
    world.put_manifest("a", "v1", json!({})).await;
    let absent = format!("/acr/v1/a/_manifests/{}", sha256(b"nothing"));
    for (target, code) in
        [("/acr/v1/nothing", "NAME_UNKNOWN"), ("/acr/v1/a/_tags/v2", "MANIFEST_UNKNOWN"), (absent.as_str(), "MANIFEST_UNKNOWN")]
    {
        assert_eq!(world.alice("GET", target, "").await.refusal(), (404, code.to_owned()), "{target}");
        let answer = patch(&world, target, &json!({ "writeEnabled": false })).await;
        assert_eq!(answer.refusal(), (404, code.to_owned()), "{target}");
    }
}

#[tokio::test]
async fn a_lock_is_set_and_taken_and_the_rest_stays() {
    let world = World::new();
    let (body, _) = world.put_manifest("a", "v1", json!({})).await;
    let manifest = format!("/acr/v1/a/_manifests/{}", sha256(&body));
    for (target, noun) in [("/acr/v1/a", None), ("/acr/v1/a/_tags/v1", Some("tag")), (manifest.as_str(), Some("manifest"))] {
        let of = |answer: &Answer| {
            assert_eq!(answer.status, 200, "{target}: {:?}", answer.body);
            let json = answer.json();
            noun.map_or(&json, |noun| &json[noun])["changeableAttributes"].clone()
        };
        assert_eq!(of(&patch(&world, target, &json!({ "deleteEnabled": false })).await), changeable(false, true));
        assert_eq!(of(&patch(&world, target, &json!({ "writeEnabled": false })).await), changeable(false, false));
        assert_eq!(of(&patch(&world, target, &json!({})).await), changeable(false, false));
        assert_eq!(of(&world.alice("GET", target, "").await), changeable(false, false));
        let open = json!({ "deleteEnabled": true, "writeEnabled": true, "readEnabled": null });
        assert_eq!(of(&patch(&world, target, &open).await), changeable(true, true));
    }
}

#[tokio::test]
async fn a_locked_tag_is_not_deleted() {
    let world = World::new();
    world.put_manifest("a", "v1", json!({})).await;
    patch(&world, "/acr/v1/a/_tags/v1", &json!({ "deleteEnabled": false })).await;
    let answer = world.alice("DELETE", "/acr/v1/a/_tags/v1", "").await;
    assert_eq!((answer.refusal(), answer.header("allow")), ((405, "UNSUPPORTED".to_owned()), "GET, HEAD, PATCH"));
    assert_eq!(world.alice("HEAD", "/v2/a/manifests/v1", "").await.status, 200);
}

#[tokio::test]
async fn what_a_lock_keeps_from_being_read_is_in_the_audit_log_and_what_is_read_or_not_there_is_not() {
    let world = World::new();
    let (body, _) = world.put_manifest("public/a", "v1", json!({})).await;
    let digest = sha256(&body);
    let nothing = "f".repeat(64);
    let targets = [
        "/v2/public/a/manifests/v1".to_owned(),
        format!("/v2/public/a/manifests/{digest}"),
        format!("/v2/public/a/blobs/{digest}"),
        "/v2/public/a/tags/list".to_owned(),
        format!("/v2/public/a/referrers/{digest}"),
    ];
    world.alice("GET", &targets[0], "").await;
    world.alice("GET", &format!("/v2/public/a/manifests/sha256:{nothing}"), "").await;
    world.alice("GET", "/v2/nothing/tags/list", "").await;
    let before = world.audit.entries().len();
    patch(&world, "/acr/v1/public/a", &json!({ "readEnabled": false })).await;
    assert_eq!(world.audit.entries().len(), before + 1, "the lock alone");
    for target in &targets {
        assert_eq!(world.alice("GET", target, "").await.status, 405, "{target}");
    }
    // Also where nobody says who they are.
    let token = world.send(crate::testing::request("GET", "/oauth2/token?scope=repository:public/a:pull"), "").await;
    let bearer = format!("Bearer {}", token.json()["token"].as_str().unwrap());
    let anonymous = crate::testing::request("GET", &targets[0]).header("authorization", bearer);
    assert_eq!(world.send(anonymous, "").await.status, 405);
    let entries = world.audit.entries().split_off(before + 1);
    assert_eq!(entries.len(), 6);
    let digest = digest.to_string();
    let named: Vec<_> = entries.iter().map(|entry| entry.targets.first().map(String::as_str)).collect();
    assert_eq!(named, [Some("v1"), Some(&digest), Some(&digest), None, Some(&digest), Some("v1")]);
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!((entry.action, entry.outcome), (AuditAction::Access, AuditOutcome::Refused));
        assert_eq!(entry.repository.as_ref().map(|name| name.as_str()), Some("public/a"));
        assert_eq!((entry.who.is_some(), entry.reason.is_empty()), (index < 5, false), "{entry:?}");
    }
}

#[tokio::test]
async fn a_tag_is_deleted_alone() {
    let world = World::new();
    let (body, _) = world.put_manifest("a", "v1", json!({})).await;
    let answer = world.alice("DELETE", "/acr/v1/a/_tags/v1", "").await;
    assert_eq!((answer.status, answer.body.len()), (202, 0));
    assert_eq!(world.alice("DELETE", "/acr/v1/a/_tags/v1", "").await.refusal(), (404, "MANIFEST_UNKNOWN".to_owned()));
    assert_eq!(world.alice("HEAD", &format!("/v2/a/manifests/{}", sha256(&body)), "").await.status, 200);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_changes_nothing() {
    let world = World::new();
    world.put_manifest("a", "v1", json!({})).await;
    for body in ["[]", "{", "{\"writeEnabled\":\"no\"}", "{\"writeEnabled\":false,\"writeEnabled\":false}"] {
        assert_eq!(world.alice("PATCH", "/acr/v1/a", body).await.refusal().0, 400, "{body}");
    }
    let answer = world.alice("PATCH", "/acr/v1/a", "{\"writeEnable\":false}").await;
    let message = answer.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(answer.status == 400 && message.contains("did you mean \"writeEnabled\"?"), "{message}");
    assert_eq!(world.alice("PATCH", "/acr/v1/a", " ".repeat(64 * 1024 + 1)).await.status, 413);
    assert_eq!(world.alice("GET", "/acr/v1/a", "").await.json()["changeableAttributes"], changeable(true, true));
}

#[tokio::test]
async fn attributes_are_read_and_changed_by_whom_may() {
    let world = World::new();
    world.put_manifest("private", "v1", json!({})).await;
    for (user, target) in [("lister", "/acr/v1/private"), ("bob", "/acr/v1/private"), ("bob", "/acr/v1/private/_tags/v1")] {
        assert_eq!(world.send(as_user(user, "GET", target), "").await.status, 403, "{user} {target}");
        assert_eq!(world.send(as_user(user, "PATCH", target), "{\"writeEnabled\":false}").await.status, 403, "{user} {target}");
        assert_eq!(world.send(as_user(user, "DELETE", target), "").await.status, 403, "{user} {target}");
    }
    let attributes = world.alice("GET", "/acr/v1/private", "").await.json()["changeableAttributes"].clone();
    assert_eq!(attributes, changeable(true, true));
    for (method, scope) in [("GET", "metadata_read"), ("PATCH", "metadata_write"), ("DELETE", "delete")] {
        let answer = world.send(crate::testing::request(method, "/acr/v1/private"), "").await;
        let challenge = answer.header("www-authenticate");
        assert!(challenge.ends_with(&format!(",scope=\"repository:private:{scope}\"")), "{challenge}");
    }
}

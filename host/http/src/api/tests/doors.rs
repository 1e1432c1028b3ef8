//! Who is let in, and where.

use super::*;
use crate::testing::basic;

#[tokio::test]
async fn who_is_no_administrator_changes_and_sees_nothing() {
    let world = World::new();
    let principal = filled(&world).await;
    let (before, recorded) = (everything(&world).await, world.audit.entries().len());
    let mut requests = changes(&principal);
    for path in ["admin", "principals", "tokens", "tokens/ci", "scope-maps", "scope-maps/apps"] {
        requests.push(("GET", path.to_owned(), Value::Null));
    }
    requests.push(("POST", "explain".to_owned(), json!({ "user": null, "action": "pull", "repository": "a" })));
    for (method, path, body) in &requests {
        let answer = world.send(anonymous(method, &at(path)), body.to_string()).await;
        assert_eq!(problem(&answer).0, 401, "{method} {path}");
        assert!(answer.header("www-authenticate").ends_with(",scope=\"registry:administration:*\""), "{method} {path}");
        for (user, secret, status) in [("bob", "bob", 403), ("lister", "retsil", 403), ("alice", "wrong", 401)] {
            let builder = anonymous(method, &at(path)).header("authorization", basic(user, secret));
            assert_eq!(problem(&world.send(builder, body.to_string()).await).0, status, "{user} {method} {path}");
        }
    }
    assert_eq!(everything(&world).await, before);
    let done = |entry: &bulkhead_core::ports::audit::AuditEntry| entry.outcome == bulkhead_core::ports::audit::AuditOutcome::Done;
    assert!(!world.audit.entries()[recorded..].iter().any(done));
}

#[tokio::test]
async fn an_administrators_token_needs_the_scope() {
    let world = World::new();
    for (scope, status) in [("registry:administration:*", 200), ("registry:catalog:*", 401), ("repository:a:*", 401)] {
        let token = world.alice("GET", &format!("/oauth2/token?scope={scope}"), "").await.json();
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        let answer = world.send(request("GET", &at("principals")).header("authorization", bearer), "").await;
        assert_eq!(answer.status, status, "{scope}");
        if status == 401 {
            assert!(answer.header("www-authenticate").ends_with(",error=\"insufficient_scope\""), "{scope}");
        }
    }
    let bobs = world.send(as_user("bob", "GET", "/oauth2/token?scope=registry:administration:*"), "").await.json();
    assert_eq!(bobs["scope"], "");
}

#[tokio::test]
async fn another_registrys_path_is_not_there() {
    let world = World::new();
    let principal = filled(&world).await;
    let before = everything(&world).await;
    for (method, path, body) in changes(&principal) {
        for (host, registry) in [("other.test", "default"), ("registry.test", "other"), ("registry.test", "nobodys")] {
            let target = format!("/api/v1/registries/{registry}/{path}");
            let builder = as_user("alice", method, &target).header("content-type", "application/json").header("host", host);
            let answer = world.send(builder, body.to_string()).await;
            assert_eq!(problem(&answer).0, 404, "{method} {target} at {host}");
        }
    }
    assert_eq!(everything(&world).await, before);
    // Each has accounts of its own.
    let builder = as_user("alice", "GET", "/api/v1/registries/other/tokens").header("host", "other.test");
    assert_eq!(world.send(builder, "").await.json(), json!({ "value": [] }));
}

#[tokio::test]
async fn the_operator_is_let_in_at_every_registry_without_a_credential() {
    let world = World::new();
    for registry in ["default", "other"] {
        let target = format!("/api/v1/registries/{registry}/admin");
        let answer = world.operator(anonymous("PATCH", &target), json!({ "status": "enabled" }).to_string()).await;
        assert_eq!((answer.status, answer.json()["aliases"].clone()), (200, json!([registry])));
    }
    let recorded = world.audit.entries();
    let who: Vec<_> =
        recorded.iter().map(|entry| (entry.registry.as_ref().unwrap().as_str(), entry.who.as_ref().unwrap())).collect();
    assert_eq!(who.iter().map(|(registry, _)| *registry).collect::<Vec<_>>(), ["default", "other"]);
    assert!(who.iter().all(|(_, who)| (who.plugin.as_str(), who.subject.as_str()) == ("host", "operator")));
    let unknown = world.operator(anonymous("GET", "/api/v1/registries/nobodys/admin"), "").await;
    assert_eq!(problem(&unknown).0, 404);
}

#[tokio::test]
async fn nothing_but_administration_is_at_the_operators_door() {
    let world = World::new();
    world.put_manifest("a", "v1", json!({})).await;
    for (method, target) in [("GET", "/v2/"), ("GET", "/v2/a/manifests/v1"), ("DELETE", "/acr/v1/a"), ("GET", "/oauth2/token")] {
        assert_eq!(world.operator(request(method, target), "").await.status, 404, "{method} {target}");
    }
    assert_eq!(world.alice("HEAD", "/v2/a/manifests/v1", "").await.status, 200);
}

#[tokio::test]
async fn keys_are_rotated_by_the_operator_alone() {
    let world = World::new();
    assert_eq!(problem(&world.alice("POST", "/api/v1/keys/rotate", "").await).0, 404);
    assert_eq!(problem(&world.send(request("POST", "/api/v1/keys/rotate"), "").await).0, 401);
    assert_eq!(world.rotations(), 0);
    let answer = world.operator(request("POST", "/api/v1/keys/rotate"), "").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.json(), json!({ "kid": "new", "keys": 2 }));
    assert_eq!(world.rotations(), 1);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let world = World::new();
    for (path, allow) in [
        ("admin", "GET, HEAD, PATCH"),
        ("admin/secrets/1", "POST, DELETE"),
        ("principals", "GET, HEAD, POST"),
        ("tokens/ci", "GET, HEAD, PATCH, DELETE"),
        ("scope-maps", "GET, HEAD"),
        ("scope-maps/apps", "GET, HEAD, PUT, DELETE"),
        ("explain", "POST"),
    ] {
        let answer = send(&world, "TRACE", path, &Value::Null).await;
        assert_eq!((problem(&answer).0, answer.header("allow")), (405, allow), "{path}");
    }
    let answer = world.alice("GET", "/api/v1/keys/rotate", "").await;
    assert_eq!((problem(&answer).0, answer.header("allow")), (405, "POST"));
    assert_eq!(world.accounts.count(), (0, 0, 0));
}

#[tokio::test]
async fn paths_that_are_none_are_problems_too() {
    let world = World::new();
    for path in ["", "other", "admin/secrets/3", "principals/a/secrets", "tokens/%2e%2e"] {
        let status = problem(&send(&world, "GET", path, &Value::Null).await).0;
        assert!(matches!(status, 400 | 404), "{path}: {status}");
    }
    assert_eq!(problem(&send(&world, "GET", "tokens/-x", &Value::Null).await).0, 400);
}

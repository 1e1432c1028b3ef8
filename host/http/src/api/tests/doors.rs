//! Who is let in, and where.

use super::*;
use bulkhead_core::ports::audit::AuditAction;

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
    let unknown = problem(&world.operator(anonymous("GET", "/api/v1/registries/nobodys/admin"), "").await);
    assert_eq!(unknown.0, 404);
    assert!(
        unknown.1.contains("no registry nobodys") && unknown.1.contains("default") && unknown.1.contains("other"),
        "{unknown:?}"
    );
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

#[tokio::test]
async fn locks_are_set_at_the_operators_door_and_over_the_network_by_administrators_alone() {
    let world = World::new();
    world.put_manifest("a/b", "v1", json!({})).await;
    let tag = at("repositories/a/b/_tags/v1");
    let lock = json!({ "writeEnabled": false }).to_string();
    for builder in [anonymous("PATCH", &tag), as_user("bob", "PATCH", &tag).header("content-type", "application/json")] {
        assert!(matches!(world.send(builder, lock.clone()).await.status, 401 | 403));
    }
    let shown = |answer: &Answer| answer.json()["tag"]["changeableAttributes"]["writeEnabled"].clone();
    assert_eq!(shown(&world.operator(anonymous("GET", &tag), "").await), json!(true));
    let answer = world.operator(anonymous("PATCH", &tag), lock).await;
    assert_eq!((answer.status, shown(&answer)), (200, json!(false)), "{:?}", answer.body);
    assert_eq!(send(&world, "GET", "repositories/a/b/_tags/v1", &Value::Null).await.status, 200);
    let (_, pushed) = world.put_manifest("a/b", "v1", json!({ "annotations": { "a": "b" } })).await;
    assert_eq!(pushed.status, 405, "{:?}", pushed.body);
    let entry = world.audit.entries().into_iter().rfind(|entry| entry.action == AuditAction::ChangeAttributes).unwrap();
    assert_eq!(entry.who.unwrap().subject, "operator");
    for (path, status) in [("repositories/none", 404), ("repositories/a/b/_tags/v2", 404), ("repositories/A", 400)] {
        assert_eq!(world.operator(anonymous("GET", &at(path)), "").await.status, status, "{path}");
    }
}

#[tokio::test]
async fn accounts_that_no_plugin_checks_are_made_with_a_warning() {
    let world = World::new();
    for (registry, warned) in [("default", false), ("other", true)] {
        let at = |path: &str| format!("/api/v1/registries/{registry}/{path}");
        let enabled = world.operator(anonymous("PATCH", &at("admin")), json!({ "status": "enabled" }).to_string()).await;
        let made = world.operator(anonymous("POST", &at("principals")), json!({ "roles": ["Owner"] }).to_string()).await;
        assert_eq!((enabled.status, made.status), (200, 201));
        for answer in [enabled, made] {
            let warnings = answer.json().get("warnings").map(Value::to_string).unwrap_or_default();
            assert_eq!(warnings.contains("no plugin in the chain of the registry other"), warned, "{warnings}");
        }
        let disabled = world.operator(anonymous("PATCH", &at("admin")), json!({ "status": "disabled" }).to_string()).await;
        assert!(disabled.json().get("warnings").is_none(), "nobody was to log in");
    }
}

//! Bodies that are refused, after which all is as before.

use super::*;

#[tokio::test]
async fn a_body_that_cannot_be_read_changes_nothing() {
    let world = World::new();
    let principal = filled(&world).await;
    let before = everything(&world).await;
    for (method, path, body) in changes(&principal) {
        if body.is_null() {
            continue;
        }
        for text in ["[]", "{", "\"x\"", "{\"surprise\":1}", "null"] {
            let builder = as_user("alice", method, &at(&path)).header("content-type", "application/json");
            assert_eq!(problem(&world.send(builder, text).await).0, 400, "{method} {path} {text}");
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let builder = as_user("alice", method, &at(&path)).header("content-type", kind);
            assert_eq!(problem(&world.send(builder, body.to_string()).await).0, 415, "{method} {path} {kind}");
        }
        let builder = as_user("alice", method, &at(&path)).header("content-type", "application/json");
        assert_eq!(problem(&world.send(builder, " ".repeat(256 * 1024 + 1)).await).0, 413, "{method} {path}");
    }
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn an_unknown_key_is_named_with_the_nearest_known_one() {
    let world = World::new();
    with_map(&world).await;
    for (method, path, body, nearest) in [
        ("PATCH", "admin", json!({ "stats": "enabled" }), "status"),
        ("POST", "admin/secrets/1", json!({ "expires-in-day": 3 }), "expires-in-days"),
        ("POST", "principals", json!({ "rols": ["AcrPull"] }), "roles"),
        ("POST", "tokens", json!({ "name": "ci", "scope_map": "apps" }), "scope-map"),
        ("PUT", "scope-maps/apps", json!({ "scope": [] }), "scopes"),
        ("PUT", "scope-maps/apps", json!({ "scopes": [{ "repository": "a", "rights": ["content/read"] }] }), "repositories"),
        ("POST", "explain", json!({ "user": "bob", "acton": "pull" }), "action"),
    ] {
        let (status, detail) = problem(&send(&world, method, path, &body).await);
        assert_eq!(status, 400, "{method} {path}");
        assert!(detail.contains(&format!("did you mean \"{nearest}\"?")), "{method} {path}: {detail}");
    }
    assert_eq!(world.accounts.count(), (0, 0, 1));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_do() {
    let world = World::new();
    with_map(&world).await;
    let long = "x".repeat(257);
    let scope = |target: &str, rights: Value| json!({ "scopes": [{ "repositories": target, "rights": rights }] });
    for (method, path, body, status, words) in [
        ("POST", "principals", json!({}), 422, "role"),
        ("POST", "principals", json!({ "roles": ["AcrPul"] }), 400, "AcrPull"),
        ("POST", "principals", json!({ "roles": ["AcrPull"], "display-name": long }), 422, "256"),
        ("POST", "principals", json!({ "roles": ["AcrPull"], "expires-in-days": 0 }), 422, "days"),
        ("POST", "principals", json!({ "roles": ["AcrPull"], "expires-in-days": 36_500 }), 422, "days"),
        ("POST", "principals", json!({ "roles": ["AcrPull"], "expires-in-days": -1 }), 400, "expected u32"),
        ("POST", "principals", json!({ "scope-map": "none" }), 422, "create it first"),
        ("POST", "principals", json!({ "scope-map": "a/b" }), 422, "letters"),
        ("POST", "tokens", json!({ "scope-map": "apps" }), 400, "name"),
        ("POST", "tokens", json!({ "name": "a b", "scope-map": "apps" }), 422, "letters"),
        ("POST", "tokens", json!({ "name": "admin", "scope-map": "apps" }), 422, "administrator"),
        ("POST", "tokens", json!({ "name": "default", "scope-map": "apps" }), 422, "administrator"),
        ("POST", "tokens", json!({ "name": "ci", "scope-map": "none" }), 422, "create it first"),
        ("PATCH", "admin", json!({ "status": "on" }), 400, "enabled"),
        ("PUT", "scope-maps/x", json!({ "scopes": [] }), 422, "scopes"),
        ("PUT", "scope-maps/x", scope("a/**", json!(["content/read"])), 422, "PREFIX/*"),
        ("PUT", "scope-maps/x", scope("a", json!([])), 422, "rights"),
        ("PUT", "scope-maps/x", scope("a", json!(["content/all"])), 400, "content/read"),
    ] {
        let answer = problem(&send(&world, method, path, &body).await);
        assert!(answer.0 == status && answer.1.contains(words), "{method} {path} {body}: {answer:?}");
    }
    assert_eq!(world.accounts.count(), (0, 0, 1));
}

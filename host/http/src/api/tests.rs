use serde_json::{Value, json};

use crate::testing::{Answer, World, as_user, request};

mod accounts;
mod admin;
mod bodies;
mod doors;
mod explain;
mod scope_maps;

/// A path of the registry that alice administers.
fn at(path: &str) -> String {
    format!("/api/v1/registries/default/{path}")
}

/// As alice, with a JSON body.
async fn send(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let builder = as_user("alice", method, &at(path)).header("content-type", "application/json");
    world.send(builder, body.to_string()).await
}

/// The same, which must go well.
async fn done(world: &World, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let answer = send(world, method, path, body).await;
    assert!(answer.status < 300, "{method} {path}: {} {:?}", answer.status, answer.body);
    assert_eq!(answer.header("cache-control"), "no-store", "{method} {path}");
    (answer.status, if answer.body.is_empty() { Value::Null } else { answer.json() })
}

/// Status and words of a problem.
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{:?}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!((&body["type"], &body["status"]), (&json!("about:blank"), &json!(answer.status)));
    assert_eq!(body["request"], answer.header("x-request-id"));
    (answer.status, body["detail"].as_str().unwrap().to_owned())
}

/// The scope map `apps`, which lets read below `apps/`.
async fn with_map(world: &World) {
    let map = json!({ "scopes": [{ "repositories": "apps/*", "rights": ["content/read"] }] });
    assert_eq!(done(world, "PUT", "scope-maps/apps", &map).await.0, 201);
}

/// One of each: an administrator, a service principal (its id is returned), the token `ci`, the scope map `apps`.
async fn filled(world: &World) -> String {
    with_map(world).await;
    done(world, "PATCH", "admin", &json!({ "status": "enabled" })).await;
    done(world, "POST", "tokens", &json!({ "name": "ci", "scope-map": "apps" })).await;
    let (_, principal) = done(world, "POST", "principals", &json!({ "roles": ["AcrPush"] })).await;
    principal["name"].as_str().unwrap().to_owned()
}

/// Every change that can be asked for, where `principal` is there.
fn changes(principal: &str) -> Vec<(&'static str, String, Value)> {
    let map = json!({ "scopes": [{ "repositories": "x", "rights": ["content/read"] }] });
    vec![
        ("PATCH", "admin".to_owned(), json!({ "status": "disabled" })),
        ("POST", "admin/secrets/2".to_owned(), json!({})),
        ("DELETE", "admin/secrets/1".to_owned(), Value::Null),
        ("POST", "principals".to_owned(), json!({ "roles": ["Owner"] })),
        ("PATCH", format!("principals/{principal}"), json!({ "roles": ["Owner"] })),
        ("POST", format!("principals/{principal}/secrets/1"), json!({})),
        ("DELETE", format!("principals/{principal}/secrets/1"), Value::Null),
        ("DELETE", format!("principals/{principal}"), Value::Null),
        ("POST", "tokens".to_owned(), json!({ "name": "mine", "scope-map": "apps" })),
        ("PATCH", "tokens/ci".to_owned(), json!({ "status": "disabled" })),
        ("POST", "tokens/ci/secrets/2".to_owned(), json!({})),
        ("DELETE", "tokens/ci/secrets/1".to_owned(), Value::Null),
        ("DELETE", "tokens/ci".to_owned(), Value::Null),
        ("PUT", "scope-maps/apps".to_owned(), map.clone()),
        ("PUT", "scope-maps/new".to_owned(), map),
        ("DELETE", "scope-maps/apps".to_owned(), Value::Null),
    ]
}

/// All that there is, to see that nothing changed: what is shown of it, and every hash.
async fn everything(world: &World) -> (Vec<Value>, Vec<String>) {
    let mut shown = Vec::new();
    for path in ["admin", "principals", "tokens", "scope-maps"] {
        shown.push(send(world, "GET", path, &Value::Null).await.json());
    }
    (shown, world.accounts.hashes())
}

/// A request of this method with a JSON body, by nobody yet.
fn anonymous(method: &str, target: &str) -> axum::http::request::Builder {
    request(method, target).header("content-type", "application/json")
}

//! Service principals and tokens.

use super::*;

#[tokio::test]
async fn a_principal_is_created_read_changed_and_deleted() {
    let world = World::new();
    with_map(&world).await;
    let body = json!({ "display-name": "build server", "roles": ["AcrPush", "AcrPull", "AcrPush"], "scope-map": "apps" });
    let answer = send(&world, "POST", "principals", &body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let mut made = answer.json();
    let id = made["name"].as_str().unwrap().to_owned();
    let path = format!("principals/{id}");
    assert_eq!((id.len(), answer.header("location")), (36, at(&path).as_str()));
    assert_eq!(made.as_object_mut().unwrap().remove("secret").unwrap().as_str().unwrap().len(), 40);
    let secret = json!({
        "slot": 1, "id": made["secrets"][0]["id"], "created": "2023-11-14T22:13:20Z", "expires": "2024-11-13T22:13:20Z",
    });
    assert_eq!(
        made,
        json!({
            "name": id, "kind": "service-principal", "display-name": "build server", "status": "enabled",
            "roles": ["AcrPull", "AcrPush"], "scope-map": "apps", "created": "2023-11-14T22:13:20Z", "secrets": [secret],
        })
    );
    assert_eq!(done(&world, "GET", &path, &Value::Null).await, (200, made.clone()));
    let change = json!({ "roles": ["Reader"], "status": "disabled", "display-name": "", "scope-map": null });
    let (_, changed) = done(&world, "PATCH", &path, &change).await;
    assert_eq!((&changed["roles"], &changed["status"]), (&json!(["Reader"]), &json!("disabled")));
    assert!(changed.get("scope-map").is_none());
    let (_, again) = done(&world, "PATCH", &path, &json!({ "status": "enabled" })).await;
    assert_eq!((&again["roles"], &again["status"]), (&json!(["Reader"]), &json!("enabled")));
    assert_eq!(done(&world, "DELETE", &path, &Value::Null).await, (204, Value::Null));
    for method in ["GET", "PATCH", "DELETE"] {
        let body = json!({ "status": "enabled" });
        assert_eq!(problem(&send(&world, method, &path, &body).await).0, 404, "{method}");
    }
    assert_eq!(world.accounts.count(), (0, 0, 1));
}

#[tokio::test]
async fn a_token_is_created_read_changed_and_deleted() {
    let world = World::new();
    with_map(&world).await;
    let answer = send(&world, "POST", "tokens", &json!({ "name": "ci", "scope-map": "apps", "expires-in-days": 1 })).await;
    assert_eq!((answer.status, answer.header("location")), (201, at("tokens/ci").as_str()));
    let made = answer.json();
    assert_eq!((&made["kind"], &made["scope-map"], &made["roles"]), (&json!("token"), &json!("apps"), &json!([])));
    assert_eq!(made["secrets"][0]["expires"], "2023-11-15T22:13:20Z");
    let twice = problem(&send(&world, "POST", "tokens", &json!({ "name": "ci", "scope-map": "apps" })).await);
    assert!(twice.0 == 409 && twice.1.contains("another name"), "{twice:?}");
    let (_, changed) = done(&world, "PATCH", "tokens/ci", &json!({ "display-name": "CI" })).await;
    assert_eq!((&changed["display-name"], &changed["scope-map"]), (&json!("CI"), &json!("apps")));
    assert_eq!(problem(&send(&world, "PATCH", "tokens/ci", &json!({ "roles": ["Owner"] })).await).0, 400);
    let mapless = problem(&send(&world, "PATCH", "tokens/ci", &json!({ "scope-map": "none" })).await);
    assert_eq!(mapless, (422, "there is no scope map none: create it first".to_owned()));
    assert_eq!(done(&world, "POST", "tokens/ci/secrets/2", &json!({})).await.0, 201);
    assert_eq!(world.accounts.count(), (1, 2, 1));
    assert_eq!(done(&world, "DELETE", "tokens/ci", &Value::Null).await.0, 204);
    assert_eq!(world.accounts.count(), (0, 0, 1));
}

#[tokio::test]
async fn an_account_of_one_kind_is_not_there_under_another() {
    let world = World::new();
    let principal = filled(&world).await;
    let before = everything(&world).await;
    for path in
        ["principals/ci".to_owned(), format!("tokens/{principal}"), "tokens/admin".to_owned(), "principals/admin".to_owned()]
    {
        let secret = format!("{path}/secrets/1");
        for (method, path) in [("GET", &path), ("DELETE", &path), ("POST", &secret), ("DELETE", &secret)] {
            assert_eq!(problem(&send(&world, method, path, &json!({})).await).0, 404, "{method} {path}");
        }
        assert_eq!(problem(&send(&world, "PATCH", &path, &json!({ "status": "disabled" })).await).0, 404, "{path}");
    }
    assert_eq!(everything(&world).await, before);
}

#[tokio::test]
async fn lists_come_in_parts_that_lead_on() {
    let world = World::new();
    with_map(&world).await;
    for name in ["c", "a", "b"] {
        done(&world, "POST", "tokens", &json!({ "name": name, "scope-map": "apps" })).await;
    }
    let list = async |query: &str| {
        let (_, listed) = done(&world, "GET", &format!("tokens{query}"), &Value::Null).await;
        let names: Vec<_> = listed["value"].as_array().unwrap().iter().map(|token| token["name"].clone()).collect();
        (json!(names), listed.get("next").cloned())
    };
    assert_eq!(list("").await, (json!(["a", "b", "c"]), None));
    assert_eq!(list("?n=2").await, (json!(["a", "b"]), Some(json!("b"))));
    assert_eq!(list("?n=2&after=b").await, (json!(["c"]), None));
    assert_eq!(list("?n=3").await, (json!(["a", "b", "c"]), None));
    assert_eq!(list("?n=0").await, (json!([]), None));
    assert_eq!(done(&world, "GET", "principals", &Value::Null).await.1, json!({ "value": [] }));
    assert_eq!(problem(&send(&world, "GET", "tokens?n=x", &Value::Null).await).0, 400);
    let head = send(&world, "HEAD", "tokens", &Value::Null).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

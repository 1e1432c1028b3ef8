//! Scope maps.

use super::*;

#[tokio::test]
async fn a_scope_map_is_put_read_replaced_and_deleted() {
    let world = World::new();
    let body = json!({
        "description": "what applications need",
        "scopes": [
            { "repositories": "apps/*", "rights": ["content/write", "content/read"] },
            { "repositories": "base", "rights": ["metadata/read"] },
        ],
    });
    let answer = send(&world, "PUT", "scope-maps/apps", &body).await;
    assert_eq!((answer.status, answer.header("location")), (201, at("scope-maps/apps").as_str()), "{:?}", answer.body);
    let map = json!({
        "name": "apps", "description": "what applications need", "created": "2023-11-14T22:13:20Z",
        "scopes": [
            { "repositories": "apps/*", "rights": ["content/read", "content/write"] },
            { "repositories": "base", "rights": ["metadata/read"] },
        ],
    });
    assert_eq!(answer.json(), map);
    assert_eq!(done(&world, "GET", "scope-maps/apps", &Value::Null).await, (200, map.clone()));
    assert_eq!(done(&world, "GET", "scope-maps", &Value::Null).await.1, json!({ "value": [map] }));
    let other = json!({ "scopes": [{ "repositories": "base", "rights": ["content/read"] }] });
    let answer = send(&world, "PUT", "scope-maps/apps", &other).await;
    assert_eq!((answer.status, answer.header("location")), (200, ""));
    assert_eq!(answer.json()["description"], "");
    assert_eq!(done(&world, "DELETE", "scope-maps/apps", &Value::Null).await, (204, Value::Null));
    for method in ["GET", "DELETE"] {
        assert_eq!(problem(&send(&world, method, "scope-maps/apps", &Value::Null).await).0, 404, "{method}");
    }
}

#[tokio::test]
async fn a_scope_map_in_use_stays() {
    let world = World::new();
    filled(&world).await;
    let (status, detail) = problem(&send(&world, "DELETE", "scope-maps/apps", &Value::Null).await);
    assert!(status == 409 && detail.contains("give them another one first"), "{status} {detail}");
    assert_eq!(world.accounts.count().2, 1);
}

#[tokio::test]
async fn a_large_scope_map_is_taken_and_a_larger_one_is_not() {
    let world = World::new();
    let of = |count: usize| {
        let scope = |index| json!({ "repositories": format!("a-rather-long-name/of-a-repository/{index}/*"), "rights": ["content/read"] });
        json!({ "scopes": (0..count).map(scope).collect::<Vec<_>>() })
    };
    assert!(of(500).to_string().len() > 40 * 1024);
    assert_eq!(done(&world, "PUT", "scope-maps/large", &of(500)).await.0, 201);
    assert_eq!(problem(&send(&world, "PUT", "scope-maps/larger", &of(501)).await).0, 422);
    assert_eq!(world.accounts.count().2, 1);
}

#[tokio::test]
async fn a_fault_of_the_catalogs_shows_the_request_and_nothing_else() {
    let world = World::new();
    let (status, detail) = problem(&send(&world, "GET", "scope-maps/broken", &Value::Null).await);
    assert_eq!(status, 500);
    assert!(!detail.contains("secret") && detail.contains("under request"), "{detail}");
}

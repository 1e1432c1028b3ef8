//! The administrator and its two secrets.

use super::*;

#[tokio::test]
async fn there_is_no_administrator_until_it_is_enabled() {
    let world = World::new();
    for (method, path) in [("GET", "admin"), ("DELETE", "admin/secrets/1"), ("POST", "admin/secrets/1")] {
        assert_eq!(problem(&send(&world, method, path, &json!({})).await).0, 404, "{method} {path}");
    }
    assert_eq!(problem(&send(&world, "PATCH", "admin", &json!({ "status": "disabled" })).await).0, 404);
    assert_eq!(world.accounts.count(), (0, 0, 0));
}

#[tokio::test]
async fn enabling_the_administrator_for_the_first_time_shows_its_secret_and_never_again() {
    let world = World::new();
    let (status, made) = done(&world, "PATCH", "admin", &json!({ "status": "enabled" })).await;
    assert_eq!(status, 200);
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 40);
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("secret");
    let id = &made["secrets"][0]["id"];
    assert_eq!(
        shown,
        json!({
            "name": "admin", "aliases": ["default"], "status": "enabled",
            "secrets": [{ "slot": 1, "id": id, "created": "2023-11-14T22:13:20Z" }],
        })
    );
    assert_eq!(done(&world, "GET", "admin", &Value::Null).await.1, shown);
    assert_eq!(done(&world, "PATCH", "admin", &json!({ "status": "enabled" })).await.1, shown);
    let disabled = done(&world, "PATCH", "admin", &json!({ "status": "disabled" })).await.1;
    assert_eq!(disabled["status"], "disabled");
}

#[tokio::test]
async fn each_secret_is_renewed_alone() {
    let world = World::new();
    let (_, made) = done(&world, "PATCH", "admin", &json!({ "status": "enabled" })).await;
    let (status, second) = done(&world, "POST", "admin/secrets/2", &json!({ "expires-in-days": 90 })).await;
    assert_eq!(status, 201);
    let secret = second["secret"].clone();
    assert_eq!(second, json!({ "name": "admin", "slot": 2, "secret": secret, "expires": "2024-02-12T22:13:20Z" }));
    let (_, shown) = done(&world, "GET", "admin", &Value::Null).await;
    assert_eq!(shown["secrets"][0], made["secrets"][0]);
    assert_eq!(shown["secrets"][1]["expires"], "2024-02-12T22:13:20Z");
    let first = done(&world, "POST", "admin/secrets/1", &json!({})).await.1;
    assert!(first.get("expires").is_none() && first["secret"] != made["secret"]);
    assert_eq!(done(&world, "GET", "admin", &Value::Null).await.1["secrets"][1], shown["secrets"][1]);
    assert_eq!(done(&world, "DELETE", "admin/secrets/2", &Value::Null).await, (204, Value::Null));
    assert_eq!(problem(&send(&world, "DELETE", "admin/secrets/2", &Value::Null).await).0, 404);
    assert_eq!(world.accounts.count(), (1, 1, 0));
}

#[tokio::test]
async fn no_secret_and_no_hash_is_in_the_audit_log_or_in_a_list() {
    let world = World::new();
    let principal = filled(&world).await;
    let mut secrets = Vec::new();
    for path in ["admin/secrets/1", "tokens/ci/secrets/2", &format!("principals/{principal}/secrets/1")] {
        let answer = send(&world, "POST", path, &json!({})).await;
        secrets.push(answer.json()["secret"].as_str().unwrap().to_owned());
    }
    let (shown, hashes) = everything(&world).await;
    assert_eq!(hashes.len(), 4);
    let recorded = format!("{:?}", world.audit.entries());
    assert!(recorded.contains("RenewSecret") && recorded.contains("CreateAccount"), "{recorded}");
    let shown = json!(shown).to_string();
    for secret in secrets.iter().chain(&hashes) {
        assert!(!recorded.contains(secret.as_str()) && !shown.contains(secret.as_str()), "{secret}");
    }
}

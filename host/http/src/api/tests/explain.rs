//! Explanations.

use super::*;

async fn explained(world: &World, body: Value) -> Value {
    done(world, "POST", "explain", &body).await.1
}

#[tokio::test]
async fn somebody_that_the_chain_knows_is_explained() {
    let world = World::new();
    let told = explained(&world, json!({ "user": "bob", "action": "push", "repository": "bob/a" })).await;
    assert_eq!((&told["ruling"], &told["by"]), (&json!("allowed"), &json!("rules")), "{told}");
    assert_eq!(told["caller"], json!({ "plugin": "staff", "subject": "bob", "groups": [], "claims": {} }));
    assert_eq!(told["identified"][0]["plugin"], "staff");
    assert_eq!((&told["decided"][0]["plugin"], &told["decided"][0]["said"]), (&json!("rules"), &json!("allowed")));
    assert_eq!(told["decided"][0]["digest"], "sha256:0");
    let told = explained(&world, json!({ "user": "bob", "action": "delete", "repository": "bob/a" })).await;
    assert_eq!((&told["ruling"], told.get("by")), (&json!("denied"), None), "{told}");
    assert_eq!(told["decided"][0]["said"], "abstained");
    let told = explained(&world, json!({ "user": "alice", "action": "administer" })).await;
    assert_eq!(told["ruling"], "allowed");
}

#[tokio::test]
async fn anonymous_and_hypothetical_callers_are_explained() {
    let world = World::new();
    let told = explained(&world, json!({ "user": null, "action": "pull", "repository": "public/a" })).await;
    assert_eq!((&told["ruling"], &told["caller"], &told["identified"]), (&json!("allowed"), &Value::Null, &json!([])));
    let told = explained(&world, json!({ "action": "pull", "repository": "a" })).await;
    assert_eq!(told["ruling"], "denied");
    let caller = json!({ "plugin": "oidc", "subject": "lister", "groups": ["dev"], "claims": { "ref": "main" } });
    let body = json!({ "user": "lister", "plugin": "oidc", "groups": ["dev"], "claims": { "ref": "main" }, "action": "list" });
    let told = explained(&world, body).await;
    assert_eq!((&told["ruling"], &told["caller"]), (&json!("allowed"), &caller), "{told}");
}

/// As the operator, whom no plugin has to know.
async fn explained_to_the_operator(world: &World) -> Value {
    let body = json!({ "user": "bob", "action": "push", "repository": "bob/a" });
    let answer = world.operator(anonymous("POST", &at("explain")), body.to_string()).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

#[tokio::test]
async fn somebody_that_nobody_knows_any_more_is_denied() {
    let world = World::new();
    world.dismiss_everybody();
    let told = explained_to_the_operator(&world).await;
    assert_eq!((&told["ruling"], &told["caller"]), (&json!("denied"), &Value::Null), "{told}");
    assert_eq!(told["identified"][0]["plugin"], "staff");
}

#[tokio::test]
async fn a_plugin_that_fails_is_named_in_the_explanation() {
    let world = World::new();
    world.break_authenticator();
    let told = explained_to_the_operator(&world).await;
    assert_eq!((&told["ruling"], &told["identified"][0]["said"]), (&json!("failed"), &json!("failed")), "{told}");
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused_with_what_to_do() {
    let world = World::new();
    for (body, status, words) in [
        (json!({ "user": "bob", "action": "pull" }), 422, "repository"),
        (json!({ "user": "bob", "action": "list", "repository": "a" }), 422, "leave repository out"),
        (json!({ "user": "bob", "action": "pull", "repository": "A" }), 422, "repository cannot be this"),
        (json!({ "user": "bob", "groups": ["dev"], "action": "list" }), 422, "plugin"),
        (json!({ "claims": {}, "action": "list" }), 422, "plugin"),
        (json!({ "plugin": "oidc", "action": "list" }), 422, "user"),
        (json!({ "user": "bob", "action": "look" }), 400, "read-metadata"),
        (json!({ "user": "bob" }), 400, "action"),
        (json!({ "user": "bob", "plugin": "oidc", "claims": { "a": 1 }, "action": "list" }), 400, "string"),
    ] {
        let answer = problem(&send(&world, "POST", "explain", &body).await);
        assert!(answer.0 == status && answer.1.contains(words), "{body}: {answer:?}");
    }
}

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
    let caller = json!({ "plugin": "staff", "subject": "lister", "groups": ["dev"], "claims": { "ref": "main" } });
    let body = json!({ "user": "lister", "plugin": "staff", "groups": ["dev"], "claims": { "ref": "main" }, "action": "list" });
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
        (json!({ "user": "bob", "plugin": "nosuch", "action": "list" }), 422, "those of its chain that do: staff"),
        (json!({ "user": "bob", "plugin": "oidc", "claims": { "a": 1 }, "action": "list" }), 400, "string"),
    ] {
        let answer = problem(&send(&world, "POST", "explain", &body).await);
        assert!(answer.0 == status && answer.1.contains(words), "{body}: {answer:?}");
    }
}

/// The notes of an explanation, in one text.
async fn notes(world: &World, body: Value) -> String {
    let told = explained(world, body).await;
    let notes = told.get("notes").cloned().unwrap_or_else(|| json!([]));
    notes.as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_denial_by_abstention_says_what_the_account_has() {
    let world = World::new();
    let principal = filled(&world).await;
    let push = |user: &str| json!({ "user": user, "action": "push", "repository": "apps/web" });
    assert_eq!(notes(&world, push("ci")).await, "the account ci has no role and the scope map apps: content/read on apps/*");
    let expected = format!("the account {principal} has the roles AcrPush and no scope map");
    assert_eq!(notes(&world, push(&principal)).await, expected);
    assert_eq!(notes(&world, push("nobody")).await, "this registry keeps no account nobody");
    assert_eq!(notes(&world, push("alice")).await, "", "who may needs no reasons");
    done(&world, "PATCH", "tokens/ci", &json!({ "status": "disabled" })).await;
    assert_eq!(notes(&world, push("ci")).await, "the account ci is disabled");
    world.dismiss_everybody();
    let body = push("ci").to_string();
    let told = world.operator(anonymous("POST", &at("explain")), body).await.json();
    assert_eq!((&told["caller"], &told["notes"]), (&Value::Null, &json!(["the account ci is disabled"])), "{told}");
    assert!(told["identified"][0]["reason"].as_str().unwrap().contains("or it is disabled"), "{told}");
}

#[tokio::test]
async fn a_long_scope_map_is_told_in_part() {
    let world = World::new();
    let scopes: Vec<Value> =
        (10..23).map(|number| json!({ "repositories": format!("r{number}"), "rights": ["content/read"] })).collect();
    done(&world, "PUT", "scope-maps/long", &json!({ "scopes": scopes })).await;
    done(&world, "POST", "tokens", &json!({ "name": "ci", "scope-map": "long" })).await;
    let told = notes(&world, json!({ "user": "ci", "action": "push", "repository": "r10" })).await;
    assert!(told.contains("content/read on r19; and 3 more") && !told.contains("r20"), "{told}");
}

#[tokio::test]
async fn a_lock_that_stands_in_the_way_of_everybody_is_told() {
    let world = World::new();
    world.put_manifest("a", "v1", json!({})).await;
    let asked = |action: &str| json!({ "user": "alice", "action": action, "repository": "a" });
    for action in ["pull", "push", "delete"] {
        assert_eq!(notes(&world, asked(action)).await, "", "{action}");
    }
    done(&world, "PATCH", "repositories/a", &json!({ "writeEnabled": false })).await;
    for (action, told) in [("pull", ""), ("push", "its writeEnabled is false"), ("delete", "its writeEnabled is false")] {
        let notes = notes(&world, asked(action)).await;
        assert!(notes.ends_with(told) && notes.is_empty() == told.is_empty(), "{action}: {notes}");
    }
    done(&world, "PATCH", "repositories/a", &json!({ "writeEnabled": true, "readEnabled": false })).await;
    assert!(notes(&world, asked("pull")).await.ends_with("its readEnabled is false"));
    assert_eq!(notes(&world, asked("write-metadata")).await, "", "or no lock could be taken off again");
    assert_eq!(notes(&world, json!({ "user": "alice", "action": "push", "repository": "new" })).await, "");
}

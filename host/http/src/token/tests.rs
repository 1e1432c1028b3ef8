use super::*;
use crate::testing::{Answer, World, as_user, basic, request};

async fn get(world: &World, user: Option<&str>, query: &str) -> Answer {
    let target = format!("/oauth2/token?service=registry.test:5000{query}");
    let builder = match user {
        Some(user) => as_user(user, "GET", &target),
        None => request("GET", &target),
    };
    world.send(builder, "").await
}

async fn form(world: &World, form: &'static str) -> Answer {
    let builder = request("POST", "/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
    world.send(builder, form).await
}

async fn with_token(world: &World, answer: &Answer, method: &str, target: &str) -> Answer {
    let token = format!("Bearer {}", answer.json()["token"].as_str().unwrap());
    world.send(request(method, target).header("authorization", token), "").await
}

#[tokio::test]
async fn a_token_bears_all_that_clients_read() {
    let world = World::new();
    let answer =
        get(&world, Some("alice"), "&account=alice&client_id=docker&offline_token=true&scope=repository:a/b:pull,push").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let body = answer.json();
    assert_eq!(body["token"], body["access_token"]);
    assert_eq!(body["expires_in"], 300);
    assert_eq!(body["issued_at"], "2023-11-14T22:13:20Z");
    assert_eq!(body["scope"], "repository:a/b:pull,push");
}

#[tokio::test]
async fn a_token_opens_what_it_was_asked_for_and_nothing_else() {
    let world = World::new();
    let token = get(&world, Some("alice"), "&scope=repository:a:pull&scope=repository:b:push").await;
    assert_eq!(with_token(&world, &token, "GET", "/v2/").await.status, 200);
    assert_eq!(with_token(&world, &token, "GET", "/v2/a/manifests/v1").await.refusal(), (404, "MANIFEST_UNKNOWN".to_owned()));
    assert_eq!(with_token(&world, &token, "POST", "/v2/b/blobs/uploads/").await.status, 202);
    for (method, target) in [("POST", "/v2/a/blobs/uploads/"), ("GET", "/v2/b/manifests/v1"), ("GET", "/v2/_catalog")] {
        let answer = with_token(&world, &token, method, target).await;
        assert_eq!(answer.refusal(), (401, "DENIED".to_owned()), "{method} {target}");
        assert!(answer.header("www-authenticate").ends_with(",error=\"insufficient_scope\""), "{method} {target}");
    }
}

#[tokio::test]
async fn a_token_of_one_registry_is_worth_nothing_at_another() {
    let world = World::new();
    let token = get(&world, Some("alice"), "").await.json()["token"].as_str().unwrap().to_owned();
    let builder = request("GET", "/v2/").header("host", "other.test").header("authorization", format!("Bearer {token}"));
    let answer = world.send(builder, "").await;
    assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()));
}

#[tokio::test]
async fn who_says_nothing_gets_an_anonymous_token() {
    let world = World::new();
    let token = get(&world, None, "&scope=repository:public/a:pull%20repository:private:pull").await;
    assert_eq!(token.json()["scope"], "repository:public/a:pull");
    assert_eq!(with_token(&world, &token, "GET", "/v2/").await.status, 200);
    assert_eq!(with_token(&world, &token, "GET", "/v2/public/a/manifests/v1").await.status, 404);
    assert_eq!(with_token(&world, &token, "GET", "/v2/private/manifests/v1").await.refusal(), (401, "DENIED".to_owned()));
}

#[tokio::test]
async fn a_login_with_a_wrong_password_is_unauthorized() {
    let world = World::new();
    for header in [basic("alice", "wrong"), basic("nobody", ""), "Basic !".to_owned(), "Bearer a.b.c".to_owned()] {
        let answer = world.send(request("GET", "/oauth2/token?account=alice").header("authorization", &header), "").await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()), "{header}");
    }
    assert_eq!(form(&world, "grant_type=password&username=alice&password=wrong").await.refusal().0, 401);
    world.break_authenticator();
    assert_eq!(get(&world, Some("alice"), "").await.refusal(), (503, "UNKNOWN".to_owned()));
}

#[tokio::test]
async fn a_token_is_not_exchanged_for_another() {
    let world = World::new();
    let token = get(&world, Some("alice"), "&scope=repository:a:pull").await;
    assert_eq!(with_token(&world, &token, "GET", "/oauth2/token?scope=repository:a:push").await.refusal().0, 401);
}

#[tokio::test]
async fn a_form_with_a_password_gets_a_token_too() {
    let world = World::new();
    let answer = form(
        &world,
        "grant_type=password&client_id=x&access_type=offline&service=s&username=alice&password=ecila&scope=repository%3Aa%3Apull+repository%3Ab%3Apush",
    )
    .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.json()["scope"], "repository:a:pull repository:b:push");
}

#[tokio::test]
async fn other_forms_are_refused_in_oauths_own_words() {
    let world = World::new();
    for (body, error) in [
        ("grant_type=refresh_token&refresh_token=x", "unsupported_grant_type"),
        ("grant_type=password&username=alice", "invalid_request"),
        ("username=alice", "invalid_request"),
    ] {
        let answer = form(&world, body).await;
        assert_eq!((answer.status, answer.json()["error"].as_str().unwrap()), (400, error), "{body}");
    }
    let json = request("POST", "/oauth2/token").header("content-type", "application/json");
    assert_eq!(world.send(json, "{}").await.status, 400);
    let builder = request("POST", "/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(world.send(builder, "a".repeat(MAX_FORM + 1)).await.status, 413);
}

#[tokio::test]
async fn the_public_keys_are_there_for_everybody() {
    let keys = World::new().send(request("GET", "/oauth2/keys"), "").await;
    assert_eq!((keys.status, keys.json()["keys"][0]["crv"].as_str().unwrap()), (200, "P-256"));
    assert!(!keys.json().to_string().contains("\"d\""));
}

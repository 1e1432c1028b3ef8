use super::form::MAX_FORM;
use crate::testing::{Answer, World, as_user, basic, request};

/// The user whose password is a refresh token.
const REFRESHED: &str = "00000000-0000-0000-0000-000000000000";

async fn get(world: &World, user: Option<&str>, query: &str) -> Answer {
    let target = format!("/oauth2/token?service=registry.test:5000{query}");
    let builder = match user {
        Some(user) => as_user(user, "GET", &target),
        None => request("GET", &target),
    };
    world.send(builder, "").await
}

async fn form(world: &World, form: &str) -> Answer {
    post(world, "/oauth2/token", form).await
}

async fn post(world: &World, target: &str, form: &str) -> Answer {
    let builder = request("POST", target).header("content-type", "application/x-www-form-urlencoded");
    world.send(builder, form.to_owned()).await
}

fn refresh_token(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{:?}", answer.body);
    answer.json()["refresh_token"].as_str().unwrap_or_default().to_owned()
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
async fn other_forms_are_refused_in_oauths_own_words_and_in_the_registrys() {
    let world = World::new();
    let many = format!("grant_type=password&{}", "a=b&".repeat(300));
    for (target, body, error) in [
        ("/oauth2/token", "grant_type=client_credentials", "unsupported_grant_type"),
        ("/oauth2/token", "grant_type=access_token&access_token=x", "unsupported_grant_type"),
        ("/oauth2/token", "grant_type=password&username=alice", "invalid_request"),
        ("/oauth2/token", "grant_type=password&grant_type=password&username=alice&password=ecila", "invalid_request"),
        ("/oauth2/token", "grant_type=refresh_token", "invalid_request"),
        ("/oauth2/token", "username=alice", "invalid_request"),
        ("/oauth2/token", "", "invalid_request"),
        ("/oauth2/token", "grant_type=%zz", "invalid_request"),
        ("/oauth2/token", &many, "invalid_request"),
        ("/oauth2/exchange", "grant_type=refresh_token&refresh_token=x", "unsupported_grant_type"),
        ("/oauth2/exchange", "grant_type=access_token", "invalid_request"),
        ("/oauth2/exchange", "access_token=issued.alice", "invalid_request"),
    ] {
        let answer = post(&world, target, body).await;
        assert_eq!((answer.status, answer.json()["error"].as_str().unwrap()), (400, error), "{target} {body}");
        assert_eq!(answer.json()["error_description"], answer.json()["errors"][0]["message"], "{target} {body}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    for target in ["/oauth2/token", "/oauth2/exchange"] {
        let json = request("POST", target).header("content-type", "application/json");
        assert_eq!(world.send(json, "{}").await.json()["error"], "invalid_request");
        assert_eq!(post(&world, target, &"a".repeat(MAX_FORM + 1)).await.status, 413);
        assert_eq!(world.send(request("PUT", target), "").await.status, 405);
    }
    assert_eq!(world.send(request("GET", "/oauth2/exchange"), "").await.status, 405);
}

#[tokio::test]
async fn a_refused_grant_is_told_in_both_forms() {
    let world = World::new();
    let long = format!("grant_type=refresh_token&refresh_token={}", "a".repeat(17 * 1024));
    for (target, body) in [
        ("/oauth2/token", "grant_type=password&username=alice&password=wrong"),
        ("/oauth2/token", "grant_type=refresh_token&refresh_token=a.b.c"),
        ("/oauth2/token", "grant_type=refresh_token&refresh_token="),
        ("/oauth2/token", "grant_type=refresh_token&refresh_token=a%20b"),
        ("/oauth2/token", &long),
        ("/oauth2/exchange", "grant_type=access_token&access_token=forged.alice"),
    ] {
        let answer = post(&world, target, body).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()), "{body}");
        assert_eq!(answer.json()["error"], "invalid_grant", "{body}");
        assert!(answer.header("www-authenticate").is_empty(), "{body}");
    }
    world.break_authenticator();
    let answer = form(&world, "grant_type=password&username=alice&password=ecila").await;
    assert_eq!((answer.status, answer.json()["error"].as_str().unwrap()), (503, "temporarily_unavailable"));
}

#[tokio::test]
async fn a_refresh_token_comes_with_a_token_for_who_asks_for_it() {
    let world = World::new();
    assert!(refresh_token(&get(&world, Some("alice"), "").await).is_empty());
    assert!(refresh_token(&get(&world, Some("alice"), "&offline_token=false").await).is_empty());
    assert!(!refresh_token(&get(&world, Some("alice"), "&offline_token=true").await).is_empty());
    let password = "grant_type=password&username=alice&password=ecila";
    assert!(refresh_token(&form(&world, password).await).is_empty());
    assert!(!refresh_token(&form(&world, &format!("{password}&access_type=offline")).await).is_empty());
    // Nobody in particular, and whoever the plugin loses sight of, get none.
    assert!(refresh_token(&get(&world, None, "&offline_token=true").await).is_empty());
    assert!(refresh_token(&get(&world, Some("guest"), "&offline_token=true").await).is_empty());
}

#[tokio::test]
async fn a_refresh_token_is_good_for_tokens_by_form_and_as_a_password() {
    let world = World::new();
    let refresh = refresh_token(&get(&world, Some("alice"), "&offline_token=true").await);
    let scopes = "scope=repository:a:pull&scope=repository%3Ab%3Apush+repository%3Ac%3Apull";
    let answer = form(&world, &format!("grant_type=refresh_token&service=s&refresh_token={refresh}&{scopes}")).await;
    assert_eq!(refresh_token(&answer), refresh);
    assert_eq!(answer.json()["scope"], "repository:a:pull repository:b:push repository:c:pull");
    assert_eq!(with_token(&world, &answer, "POST", "/v2/b/blobs/uploads/").await.status, 202);
    let basic = || basic(REFRESHED, &refresh);
    let query = "/oauth2/token?scope=repository:a:pull";
    let by_password = world.send(request("GET", query).header("authorization", basic()), "").await;
    assert_eq!(by_password.json()["scope"], "repository:a:pull");
    assert_eq!(world.send(request("GET", "/v2/").header("authorization", basic()), "").await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_and_an_access_token_no_refresh_token() {
    let world = World::new();
    let answer = get(&world, Some("alice"), "&offline_token=true&scope=repository:a:pull").await;
    let (access, refresh) = (answer.json()["token"].as_str().unwrap().to_owned(), refresh_token(&answer));
    for target in ["/v2/", "/v2/a/manifests/v1", "/oauth2/token"] {
        let bearer = request("GET", target).header("authorization", format!("Bearer {refresh}"));
        assert_eq!(world.send(bearer, "").await.refusal(), (401, "UNAUTHORIZED".to_owned()), "{target}");
    }
    assert_eq!(form(&world, &format!("grant_type=refresh_token&refresh_token={access}")).await.refusal().0, 401);
    let basic = request("GET", "/v2/").header("authorization", basic(REFRESHED, &access));
    assert_eq!(world.send(basic, "").await.refusal().0, 401);
    for own in [&access, &refresh] {
        let exchange = format!("grant_type=access_token&access_token={own}");
        assert_eq!(post(&world, "/oauth2/exchange", &exchange).await.refusal().0, 401);
    }
}

#[tokio::test]
async fn a_refresh_token_ends_with_its_account_and_at_the_registrys_wall() {
    let world = World::new();
    let refresh = refresh_token(&get(&world, Some("alice"), "&offline_token=true").await);
    let body = format!("grant_type=refresh_token&refresh_token={refresh}");
    let there = request("POST", "/oauth2/token").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(world.send(there.header("host", "other.test"), body.clone()).await.refusal().0, 401);
    assert_eq!(form(&world, &body).await.status, 200);
    world.dismiss_everybody();
    assert_eq!(form(&world, &body).await.refusal().0, 401);
}

#[tokio::test]
async fn an_issuers_token_is_exchanged_for_a_refresh_token() {
    let world = World::new();
    for grant in ["access_token", "access_token_refresh_token"] {
        let exchange = format!("grant_type={grant}&service=registry.test&tenant=t&refresh_token=x&access_token=issued.bob");
        let answer = post(&world, "/oauth2/exchange", &exchange).await;
        let refresh = refresh_token(&answer);
        assert_eq!(answer.json().as_object().unwrap().len(), 1);
        let scope = "scope=repository:bob/app:push,delete";
        let answer = form(&world, &format!("grant_type=refresh_token&refresh_token={refresh}&{scope}")).await;
        assert_eq!(answer.json()["scope"], "repository:bob/app:push");
    }
    // Also of whom the plugin loses sight: for a while.
    assert!(
        !refresh_token(&post(&world, "/oauth2/exchange", "grant_type=access_token&access_token=issued.guest").await).is_empty()
    );
}

#[tokio::test]
async fn too_many_wrong_passwords_are_answered_with_when_to_come_back() {
    let world = World::behind(&[]);
    let wrong = || request("GET", "/oauth2/token").header("authorization", basic("alice", "wrong"));
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(world.send(wrong(), "").await.status);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429]].concat());
    for target in ["/oauth2/token", "/v2/"] {
        let again = request("GET", target).header("authorization", basic("alice", "wrong"));
        let answer = world.send(again, "").await;
        assert_eq!(answer.refusal(), (429, "TOOMANYREQUESTS".to_owned()), "{target}");
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=60).contains(&seconds)), "{target}");
        assert!(answer.header("www-authenticate").is_empty(), "{target}");
    }
    // Neither is the right password looked at, nor does it touch anybody else.
    assert_eq!(world.send(as_user("alice", "GET", "/v2/"), "").await.status, 429);
    assert_eq!(world.send(as_user("bob", "GET", "/v2/"), "").await.status, 200);
    let elsewhere = world.peer_at("198.51.100.7:1", None);
    assert_eq!(world.send_from(&elsewhere, as_user("alice", "GET", "/v2/")).await.status, 200);
}

#[tokio::test]
async fn a_spoofed_address_does_not_help_against_the_bound() {
    let world = World::behind(&["10.0.0.1"]);
    let (liar, proxy) = (world.peer_at("192.0.2.66:1", None), world.peer_at("10.0.0.1:1", None));
    let wrong = |from: String| {
        let builder = request("GET", "/v2/").header("authorization", basic("alice", "wrong"));
        builder.header("x-forwarded-for", from)
    };
    for host in 0..10 {
        assert_eq!(world.send_from(&liar, wrong(format!("198.51.100.{host}"))).await.status, 401);
    }
    assert_eq!(world.send_from(&liar, wrong("198.51.100.11".to_owned())).await.status, 429);
    // Whom a proxy names is another one.
    assert_eq!(world.send_from(&proxy, wrong("198.51.100.11".to_owned())).await.status, 401);
}

#[tokio::test]
async fn the_public_keys_are_there_for_everybody() {
    for target in ["/oauth2/keys", "/.well-known/jwks.json"] {
        let keys = World::new().send(request("GET", target), "").await;
        assert_eq!((keys.status, keys.json()["keys"][0]["crv"].as_str().unwrap()), (200, "P-256"));
        assert!(!keys.json().to_string().contains("\"d\""));
    }
}

use crate::testing::{World, as_user, basic, request, sha256};

#[tokio::test]
async fn a_ping_without_a_caller_is_challenged_and_with_one_is_answered() {
    let world = World::new();
    let answer = world.send(request("GET", "/v2/"), "").await;
    assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()));
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer realm=\"http://registry.test:5000/oauth2/token\",service=\"registry.test:5000\""
    );
    assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
    let answer = world.send(as_user("carol", "GET", "/v2/"), "").await;
    assert_eq!((answer.status, &*answer.body), (200, &b"{}"[..]));
    assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
}

#[tokio::test]
async fn a_ping_with_an_anonymous_token_is_answered() {
    let world = World::new();
    let token = world.send(request("GET", "/oauth2/token?service=registry.test:5000"), "").await.json();
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    assert_eq!(world.send(request("GET", "/v2/").header("authorization", bearer), "").await.status, 200);
    assert_eq!(world.send(request("GET", "/v2/"), "").await.status, 401);
}

#[tokio::test]
async fn wrong_and_unreadable_credentials_are_never_anonymous() {
    let world = World::new();
    // Anonymous callers may pull this one.
    let target = "/v2/public/a/manifests/v1";
    assert_eq!(world.send(request("GET", target), "").await.refusal(), (404, "MANIFEST_UNKNOWN".to_owned()));
    for header in
        [basic("alice", "wrong"), basic("nobody", "x"), "Bearer x.y.z".to_owned(), "Basic !".to_owned(), "Negotiate x".to_owned()]
    {
        let answer = world.send(request("GET", target).header("authorization", &header), "").await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".to_owned()), "{header}");
        let invalid = answer.header("www-authenticate").ends_with(",error=\"invalid_token\"");
        assert_eq!(invalid, header.starts_with("Bearer"), "{header}");
    }
}

#[tokio::test]
async fn a_failing_auth_plugin_lets_nobody_in() {
    let world = World::new();
    world.break_authenticator();
    let answer = world.send(as_user("alice", "GET", "/v2/"), "").await;
    assert_eq!(answer.refusal(), (503, "UNKNOWN".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
    assert!(answer.header("www-authenticate").is_empty());
}

#[tokio::test]
async fn a_refused_push_stores_nothing_and_a_known_caller_is_denied() {
    let world = World::new();
    let target = format!("/v2/alice/app/blobs/uploads/?digest={}", sha256(b"x"));
    assert_eq!(world.send(request("POST", &target), "x").await.refusal(), (401, "UNAUTHORIZED".to_owned()));
    let answer = world.send(as_user("bob", "POST", &target), "x").await;
    assert_eq!(answer.refusal(), (403, "DENIED".to_owned()));
    assert_eq!(
        answer.json()["errors"][0]["detail"],
        serde_json::json!([
            { "Type": "repository", "Name": "alice/app", "Action": "pull" },
            { "Type": "repository", "Name": "alice/app", "Action": "push" }
        ])
    );
    assert_eq!((world.catalog.count(), world.store.count()), ((0, 0, 0), (0, 0)));
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let world = World::new();
    let (one, two) = (world.send(request("GET", "/healthz"), "").await, world.send(request("GET", "/nothing"), "").await);
    let (one, two) = (one.header("x-request-id"), two.header("x-request-id"));
    assert!(one != two && [one, two].iter().all(|id| id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit())));
}

#[tokio::test]
async fn a_fault_of_the_hosts_own_shows_only_the_requests_id() {
    let world = World::new();
    let answer = world.alice("GET", &format!("/v2/broken/blobs/{}", sha256(b"x")), "").await;
    assert_eq!(answer.refusal(), (500, "UNKNOWN".to_owned()));
    let body = answer.json().to_string();
    assert!(body.contains(answer.header("x-request-id")) && !body.contains("secret"), "{body}");
}

#[tokio::test]
async fn probes_are_answered_whatever_the_host() {
    let world = World::new();
    for probe in ["/healthz", "/readyz"] {
        let answer = world.send(request("GET", probe).header("host", "not a host"), "").await;
        assert_eq!((answer.status, &*answer.body), (200, &b"ok"[..]), "{probe}");
    }
    world.peer.app.begin_draining();
    assert_eq!(world.send(request("GET", "/readyz"), "").await.status, 503);
    assert_eq!(world.send(request("GET", "/healthz"), "").await.status, 200);
}

#[tokio::test]
async fn registries_are_told_apart_by_their_host() {
    let world = World::new();
    let digest = world.put_blob("a", "content").await;
    let target = format!("/v2/a/blobs/{digest}");
    assert_eq!(world.alice("HEAD", &target, "").await.status, 200);
    for host in ["other.test", "OTHER.test:443"] {
        assert_eq!(world.send(as_user("alice", "HEAD", &target).header("host", host), "").await.status, 404, "{host}");
    }
    assert_eq!(world.send(request("GET", "/v2/").header("host", "a b"), "").await.status, 400);
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_but_not_the_body() {
    let world = World::new();
    let digest = world.put_blob("a", "content").await;
    for target in [format!("/v2/a/blobs/{digest}"), "/v2/a/manifests/missing".to_owned(), "/healthz".to_owned()] {
        let head = world.alice("HEAD", &target, "").await;
        let get = world.alice("GET", &target, "").await;
        assert!(head.body.is_empty() && head.status == get.status, "{target}");
        assert_eq!(head.header("content-length"), get.body.len().to_string(), "{target}");
    }
}

#[tokio::test]
async fn the_operators_socket_reaches_nothing_but_administration() {
    let world = World::new();
    let digest = world.put_blob("public/a", "content").await;
    for target in [
        "/v2/".to_owned(),
        "/v2/_catalog".to_owned(),
        format!("/v2/public/a/blobs/{digest}"),
        "/acr/v1/public/a".to_owned(),
        "/oauth2/token".to_owned(),
        "/oauth2/keys".to_owned(),
        "/nothing".to_owned(),
    ] {
        assert_eq!(world.operator(request("GET", &target), "").await.status, 404, "{target}");
    }
    for (method, target) in [
        ("POST", "/v2/public/a/blobs/uploads/"),
        ("DELETE", "/acr/v1/public/a"),
        ("POST", "/oauth2/token"),
        ("POST", "/oauth2/exchange"),
    ] {
        assert_eq!(world.operator(request(method, target), "").await.status, 404, "{target}");
    }
    assert_eq!((world.catalog.count(), world.store.count().0), ((1, 0, 0), 1));
    for probe in ["/healthz", "/readyz"] {
        assert_eq!(world.operator(request("GET", probe), "").await.status, 200, "{probe}");
    }
}

#[tokio::test]
async fn nobody_learns_which_registries_there_are() {
    let world = World::new();
    for registry in ["default", "other", "third"] {
        let target = format!("/api/v1/registries/{registry}/principals");
        let answer = world.send(request("GET", &target), "").await;
        assert!(answer.status == 401 && answer.header("www-authenticate").ends_with("scope=\"registry:administration:*\""));
        assert_eq!(world.send(as_user("bob", "GET", &target), "").await.status, 403);
    }
    let told = |registry: &str| as_user("alice", "GET", &format!("/api/v1/registries/{registry}/principals"));
    let (other, third) = (world.send(told("other"), "").await, world.send(told("third"), "").await);
    assert_eq!((other.status, &other.json()["detail"]), (404, &third.json()["detail"]));
}

//! Tokens of a real OpenID Connect provider: exchanged for the registry's own, as bearer tokens, and with all that is wrong with them.

use std::time::{Duration, Instant};

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::Image;
use bulkhead_tests::issuer::{AUDIENCE, Issuer};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::ALICE;
use serde_json::{Value, json};

/// A job for the branch `main` of `org/app`, one for another branch of it, and one of somebody else.
const MAIN: &str = "repo:org/app:ref:refs/heads/main";
const TOPIC: &str = "repo:org/app:ref:refs/heads/topic";
const STRANGER: &str = "repo:stranger/app:ref:refs/heads/main";

fn clients() -> Value {
    json!({
        MAIN: { "repository": "org/app", "ref": "refs/heads/main" },
        TOPIC: { "repository": "org/app", "ref": "refs/heads/topic" },
        STRANGER: { "repository": "stranger/app", "ref": "refs/heads/main" },
    })
}

/// Jobs for `main` push to `org/app`, jobs of any branch pull from there, and everybody whom the issuer knows is let in.
fn trusting(issuer: &str) -> Config {
    let plugin = format!(
        r#"component = "builtin:auth-oidc"
limits = {{ time = "5s" }}
grants.http = ["{issuer}"]
grants.kv = true

[[plugins.ci.config.issuers]]
issuer = "{issuer}"
audiences = ["{AUDIENCE}"]

[[plugins.ci.config.rules]]
when = 'repository == "org/app" && ref == "refs/heads/main"'
repositories = ["org/app"]
actions = ["pull", "push"]

[[plugins.ci.config.rules]]
when = 'repository == "org/app"'
repositories = ["org/app"]
actions = ["pull"]"#
    );
    Config::standard().plugin("ci", &plugin).registry("auth", r#"["ci", "staff", "rules"]"#)
}

fn exchange(server: &Server, token: &str) -> Response {
    let host = server.host();
    let fields = [("grant_type", "access_token"), ("service", host.as_str()), ("access_token", token)];
    registry::post_form(&server.client(), "/oauth2/exchange", &fields)
}

/// A client with an access token for these scopes, by way of a refresh token.
fn with_scopes(server: &Server, token: &str, scopes: &[&str]) -> (Client, String) {
    let refresh_token = exchange(server, token).expect(200).json()["refresh_token"].as_str().unwrap().to_owned();
    let answer = registry::refresh(&server.client(), &refresh_token, scopes).expect(200).json();
    assert_eq!(answer["refresh_token"], refresh_token.as_str());
    let scope = answer["scope"].as_str().unwrap().to_owned();
    (server.client().bearer(answer["access_token"].as_str().unwrap()), scope)
}

/// No door opens for this token, and nothing comes of it.
fn assert_refused(server: &Server, token: &str) {
    exchange(server, token).expect_error(&[401], &["UNAUTHORIZED"]);
    for client in [server.client().bearer(token), server.client().basic("ci", token)] {
        client.post("/v2/org/app/blobs/uploads/").expect_error(&[401], &["UNAUTHORIZED"]);
        registry::ask_for_token(&client, &["repository:org/app:push"]).expect_error(&[401], &["UNAUTHORIZED"]);
    }
    assert_empty(server);
}

fn assert_empty(server: &Server) {
    assert!(registry::repositories(&server.client_of(ALICE)).is_empty(), "the refusal left no trace");
    let blobs = server.folder().join("data/blobs");
    let stored = std::fs::read_dir(&blobs).map(|entries| entries.flatten().filter(|entry| entry.path().is_file()).count());
    assert_eq!(stored.unwrap_or(0), 0, "the refusal stored something in {}", blobs.display());
}

#[test]
fn a_token_is_exchanged_and_pushes_where_its_claims_let_it_whatever_the_algorithm() {
    let issuer = Issuer::start(&clients());
    let server = Server::start(&trusting(issuer.origin()));
    let scopes = ["repository:org/app:pull,push", "repository:org/other:pull,push", "registry:catalog:*"];
    for (seed, algorithm) in (1..).zip(["RS256", "ES256", "EdDSA"]) {
        let token = issuer.token_for(MAIN, &format!("https://{AUDIENCE}/?alg={algorithm}"));
        let (job, scope) = with_scopes(&server, &token, &scopes);
        assert_eq!(scope, "repository:org/app:pull,push", "{algorithm}");
        let image = Image::oci(seed, &[1000]);
        registry::push_image(&job, "org/app", algorithm, &image);
        registry::assert_whole(&job, "org/app", algorithm, &image);
        job.post("/v2/org/other/blobs/uploads/").expect_error(&[401], &["DENIED", "UNAUTHORIZED"]);
    }
    assert_eq!(registry::repositories(&server.client_of(ALICE)), ["org/app"]);
    assert_eq!(issuer.keys_fetched(), 1, "the keys are kept");
}

#[test]
fn other_branches_pull_and_other_repositories_do_nothing() {
    let issuer = Issuer::start(&clients());
    let server = Server::start(&trusting(issuer.origin()));
    let alice = server.client_of(ALICE);
    let image = Image::oci(1, &[1000]);
    registry::push_image(&alice, "org/app", "1", &image);

    let scopes = ["repository:org/app:pull,push,delete"];
    let (topic, scope) = with_scopes(&server, &issuer.token(TOPIC), &scopes);
    assert_eq!(scope, "repository:org/app:pull");
    registry::assert_whole(&topic, "org/app", "1", &image);
    topic.post("/v2/org/app/blobs/uploads/").expect_error(&[401], &["DENIED", "UNAUTHORIZED"]);
    topic.delete("/v2/org/app/manifests/1").expect_error(&[401], &["DENIED", "UNAUTHORIZED"]);

    let (stranger, scope) = with_scopes(&server, &issuer.token(STRANGER), &scopes);
    assert_eq!(scope, "");
    registry::get_manifest(&stranger, "org/app", "1").expect_error(&[401], &["DENIED", "UNAUTHORIZED"]);
    assert_eq!(registry::tags(&alice, "org/app"), ["1"], "the refusals left no trace");
}

#[test]
fn a_token_is_taken_as_it_is_and_as_a_password() {
    let issuer = Issuer::start(&clients());
    let server = Server::start(&trusting(issuer.origin()));
    let token = issuer.token(MAIN);
    let image = Image::oci(1, &[1000]);
    for (tag, client) in [("bearer", server.client().bearer(&token)), ("password", server.client().basic("ci", &token))] {
        registry::push_image(&client, "org/app", tag, &image);
        client.post("/v2/org/other/blobs/uploads/").expect_error(&[401, 403], &["DENIED", "UNAUTHORIZED"]);
        let answer =
            registry::ask_for_token(&client, &["repository:org/app:pull", "repository:org/other:pull"]).expect(200).json();
        assert_eq!(answer["scope"], "repository:org/app:pull");
    }
    assert_eq!(registry::repositories(&server.client_of(ALICE)), ["org/app"]);
}

#[test]
fn a_token_for_somebody_else_or_of_somebody_else_lets_nobody_in() {
    let (issuer, other) = (Issuer::start(&clients()), Issuer::start(&clients()));
    let server = Server::start(&trusting(issuer.origin()));
    assert_refused(&server, &issuer.token_for(MAIN, "https://elsewhere.example.com/"));
    assert_refused(&server, &other.token(MAIN));
    assert_eq!(other.keys_fetched(), 0, "nobody asks an issuer whom the configuration does not name");
    assert_eq!(issuer.keys_fetched(), 0, "nothing that is cheap to refuse costs a request");

    // The claims of one issuer under the signature of another, with the names of its keys.
    let (ours, theirs) = (issuer.token(MAIN), other.token(MAIN));
    let part = |token: &str, index: usize| token.split('.').nth(index).unwrap().to_owned();
    assert_refused(&server, &format!("{}.{}.{}", part(&ours, 0), part(&ours, 1), part(&theirs, 2)));
    exchange(&server, &ours).expect(200);
}

#[test]
fn a_token_that_has_ended_lets_nobody_in() {
    let issuer = Issuer::start_behind(&clients(), 7200);
    let server = Server::start(&trusting(issuer.origin()));
    assert_refused(&server, &issuer.token_for(MAIN, &format!("https://{AUDIENCE}/?ttl=3600")));
    // It is the end that counts: the same issuer's token that lives longer is good, for as long as it does.
    let answer = exchange(&server, &issuer.token_for(MAIN, &format!("https://{AUDIENCE}/?ttl=10800"))).expect(200).json();
    assert!(answer["refresh_token"].is_string());
    // What ends within a minute is worth no token.
    let soon = issuer.token_for(MAIN, &format!("https://{AUDIENCE}/?ttl=7230"));
    exchange(&server, &soon).expect_error(&[401], &["UNAUTHORIZED"]);
    assert_empty(&server);
}

#[test]
fn nobody_is_let_in_while_the_issuer_cannot_be_asked() {
    let issuer = Issuer::start(&clients());
    let server = Server::start(&trusting(issuer.origin()));
    let token = issuer.token(MAIN);
    drop(issuer);
    assert_eq!(exchange(&server, &token).status, 503);
    assert_eq!(server.client().bearer(&token).post("/v2/org/app/blobs/uploads/").status, 503);
    // Who logs in otherwise does not notice.
    assert_empty(&server);
}

#[test]
fn new_keys_of_the_issuer_are_followed_and_known_ones_outlast_it() {
    let issuer = Issuer::start(&clients());
    let server = Server::start(&trusting(issuer.origin()));
    let before = issuer.token(MAIN);
    exchange(&server, &before).expect(200);
    assert_eq!(issuer.keys_fetched(), 1);

    issuer.rotate();
    let (after, kept) = (issuer.token(MAIN), issuer.token(TOPIC));
    // The issuer is asked once a minute at most, so what its new key signed may have to wait for that long.
    let started = Instant::now();
    while exchange(&server, &after).status != 200 {
        assert!(started.elapsed() < Duration::from_secs(90), "the new keys are not followed");
        assert!(issuer.keys_fetched() <= 2, "the issuer is asked more than once a minute");
        std::thread::park_timeout(Duration::from_secs(2));
    }
    assert_eq!(issuer.keys_fetched(), 2);
    exchange(&server, &before).expect(200);

    // Neither has the server seen this token, nor can it ask about it: it knows the key.
    drop(issuer);
    let (topic, scope) = with_scopes(&server, &kept, &["repository:org/app:pull,push"]);
    assert_eq!(scope, "repository:org/app:pull");
    topic.get("/v2/").expect(200);
}

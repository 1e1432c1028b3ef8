//! Tokens that claim to be of an OpenID Connect issuer whom the registry trusts, and floods of them: the issuer is asked for its keys a
//! bounded number of times, and nobody else is asked at all.

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::receiver::{Answer, Receiver};
use bulkhead_tests::registry::{self, post_form};
use serde_json::{Value, json};

use super::forge::{self, Key};
use super::{World, patient};

const ISSUER: &str = "https://issuer.example.com";
const AUDIENCE: &str = "registry.example.com";

/// The issuer's keys are had from this receiver.
fn trusting(config: Config, keys: &Receiver) -> Config {
    let plugin = format!(
        r#"component = "builtin:auth-oidc"
limits = {{ time = "5s" }}
grants.http = ["{0}"]
grants.kv = true
[[plugins.ci.config.issuers]]
issuer = "{ISSUER}"
audiences = ["{AUDIENCE}"]
jwks-uri = "{0}/keys"
[[plugins.ci.config.rules]]
when = 'repository == "org/app"'
repositories = ["team/app"]
actions = ["pull", "push"]"#,
        keys.origin()
    );
    config.plugin("ci", &plugin).registry("auth", "[\"ci\", \"staff\", \"rules\"]")
}

/// Whoever asks gets this key.
fn publishing(key: &Key) -> Receiver {
    let set = json!({ "keys": [key.jwk] }).to_string();
    Receiver::start((0..10_000).map(|_| Answer::Json(set.clone())))
}

fn claims() -> Value {
    let now = forge::now();
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "repo:org/app", "repository": "org/app", "iat": now, "nbf": now, "exp": now + 600 })
}

/// Every way in; whoever is let in by one of them is not refused by the others for want of a right.
fn ways_in(client: &Client, token: &str) -> Vec<Response> {
    let bearer = client.bearer(token);
    vec![
        registry::get_manifest(&bearer, "team/app", "1"),
        bearer.post("/v2/team/app/blobs/uploads/"),
        registry::get_manifest(&client.basic("ci", token), "team/app", "1"),
        registry::ask_for_token(&bearer, &["repository:team/app:pull"]),
        registry::ask_for_token(&client.basic("ci", token), &["repository:team/app:pull"]),
        post_form(client, "/oauth2/exchange", &[("grant_type", "access_token"), ("service", "x"), ("access_token", token)]),
    ]
}

fn assert_worthless(world: &World, what: &str, token: &str) {
    for answer in ways_in(&world.server.client(), token) {
        assert_eq!(answer.status, 401, "{what}: {answer:?}\n{}", answer.text());
        assert!(!answer.text().contains("eyJ"), "{what}: a token was given: {}", answer.text());
    }
}

#[test]
fn a_storm_of_unknown_keys_asks_the_issuer_a_bounded_number_of_times() {
    const CLIENTS: usize = 8;
    const EACH: usize = 25;
    let key = Key::new();
    let keys = publishing(&key);
    let world = World::with(trusting(patient(), &keys));
    let good = key.sign(&key.header(), &claims());
    registry::get_manifest(&world.server.client().bearer(&good), "team/app", "1").expect(200);
    assert_eq!(keys.received().len(), 1);
    let stranger = Key::new();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (world, stranger) = (&world, &stranger);
            scope.spawn(move || {
                for number in 0..EACH {
                    let header = json!({ "alg": "ES256", "kid": format!("unknown-{client}-{number}") });
                    let bearer = world.server.client().bearer(&stranger.sign(&header, &claims()));
                    let answer = registry::get_manifest(&bearer, "team/app", "1");
                    assert_eq!(answer.status, 401, "{answer:?}\n{}", answer.text());
                }
            });
        }
    });
    // Once a minute at most, and this does not take two.
    let asked = keys.received();
    assert!(asked.len() <= 3, "{} tokens made the issuer be asked {} times", CLIENTS * EACH, asked.len());
    registry::get_manifest(&world.server.client().bearer(&good), "team/app", "1").expect(200);
    world.assert_untouched();
}

#[test]
fn a_storm_at_an_issuer_that_is_away_lets_nobody_in_and_asks_it_a_bounded_number_of_times() {
    let keys = Receiver::start((0..10_000).map(|_| Answer::Status(500)));
    let world = World::with(trusting(patient(), &keys));
    let key = Key::new();
    std::thread::scope(|scope| {
        for client in 0..4 {
            let (world, key) = (&world, &key);
            scope.spawn(move || {
                for number in 0..25 {
                    let header = json!({ "alg": "ES256", "kid": format!("unknown-{client}-{number}") });
                    let bearer = world.server.client().bearer(&key.sign(&header, &claims()));
                    let answer = registry::get_manifest(&bearer, "team/app", "1");
                    assert!(matches!(answer.status, 401 | 503), "{answer:?}\n{}", answer.text());
                    assert!(!answer.text().contains(ISSUER), "{}", answer.text());
                }
            });
        }
    });
    let asked = keys.received().len();
    // Each instance of the plugin may be on its way before the first one has written down that it is.
    assert!((1..=8).contains(&asked), "the issuer was asked {asked} times");
    world.assert_untouched();
}

#[test]
fn a_forged_token_of_a_trusted_issuer_is_refused() {
    let key = Key::new();
    let (keys, elsewhere) = (publishing(&key), Receiver::start([]));
    let world = World::with(trusting(patient(), &keys));
    let good = key.sign(&key.header(), &claims());
    for answer in ways_in(&world.server.client(), &good) {
        assert!(matches!(answer.status, 200 | 202), "{answer:?}\n{}", answer.text());
        if answer.status == 202 {
            world.server.client().bearer(&good).delete(&registry::location(&answer)).expect(204);
        }
    }
    let signature = good.rsplit('.').next().unwrap();
    for algorithm in ["none", "NONE", ""] {
        for signature in ["", signature] {
            let header = json!({ "alg": algorithm, "kid": key.kid() });
            assert_worthless(&world, algorithm, &forge::unsigned(&header, &claims(), signature));
        }
    }
    for token in key.as_secret(&claims()) {
        assert_worthless(&world, "HS256", &token);
    }
    let stranger = Key::new();
    let url = format!("{}/keys", elsewhere.origin());
    for (name, value) in [("jwk", stranger.jwk.clone()), ("jku", json!(url)), ("x5u", json!(url)), ("kid", json!(url))] {
        let mut header = key.header();
        header[name] = value;
        assert_worthless(&world, name, &stranger.sign(&header, &claims()));
    }
    assert_worthless(&world, "another key", &stranger.sign(&key.header(), &claims()));
    assert!(elsewhere.received().is_empty(), "{:?}", elsewhere.received());
    assert!(keys.received().len() <= 2, "{:?}", keys.received());
    world.assert_untouched();
}

#[test]
fn a_token_of_a_trusted_issuer_with_one_claim_wrong_is_refused() {
    let key = Key::new();
    let keys = publishing(&key);
    let world = World::with(trusting(patient(), &keys));
    let now = forge::now();
    for (name, value) in [
        ("exp", json!(now - 1)),
        ("exp", json!("soon")),
        ("exp", Value::Null),
        ("nbf", json!(now + 3600)),
        ("iat", json!(now + 3600)),
        ("aud", json!("somebody.example.com")),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("aud", json!({ "aud": AUDIENCE })),
        ("iss", json!("https://issuer.example.com/")),
        ("iss", json!("https://issuer.example.com.attacker.example.com")),
        ("iss", json!("HTTPS://ISSUER.EXAMPLE.COM")),
        ("iss", json!([ISSUER])),
        ("sub", json!("")),
        ("sub", Value::Null),
        ("sub", json!("alice\nroot")),
    ] {
        let mut wrong = claims();
        wrong[name] = value;
        assert_worthless(&world, &format!("{name}: {}", wrong[name]), &key.sign(&key.header(), &wrong));
    }
    world.assert_untouched();
}

#[test]
fn a_user_of_an_issuer_is_nobody_else_of_that_name() {
    let key = Key::new();
    let keys = publishing(&key);
    // Alice of the issuer is not the one that the rules mean, where they say whose.
    let rules = r#"component = "builtin:policy-rules"
config.rules = [ { who = ["user:alice"], repositories = ["**"], actions = ["*"], by = ["staff"] } ]"#;
    let world = World::with(trusting(patient().plugin("rules", rules), &keys));
    let mut claims = claims();
    claims["sub"] = json!("alice");
    claims["repository"] = json!("org/other");
    let bearer = world.server.client().bearer(&key.sign(&key.header(), &claims));
    bearer.get("/v2/").expect(200);
    for answer in [
        registry::get_manifest(&bearer, "secret/app", "1"),
        registry::get_manifest(&bearer, "team/app", "1"),
        bearer.post("/v2/team/app/blobs/uploads/"),
        bearer.get("/v2/_catalog"),
        bearer.delete("/acr/v1/secret/app"),
    ] {
        world.assert_nothing_of_the_secret("Alice of the issuer", &answer.expect_error(&[403], &["DENIED"]));
    }
    world.assert_untouched();
}

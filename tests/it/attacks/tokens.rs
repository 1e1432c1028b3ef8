//! Tokens that somebody made up, or shows as what they are not. Every one of them would let Alice do everything.

use bulkhead_tests::receiver::Receiver;
use bulkhead_tests::registry::{self, post_form, send_json};
use serde_json::{Value, json};

use super::forge::{self, Key};
use super::{NOBODY, World, access_token, refresh, refresh_token};

/// A token that Alice was given for everything that there is.
fn genuine(world: &World) -> String {
    access_token(
        &world.alice(),
        &["repository:team/app:*", "repository:secret/app:*", "registry:catalog:*", "registry:administration:*"],
    )
}

/// Whatever it is shown for, nobody is let in.
fn assert_worthless(world: &World, what: &str, token: &str) {
    let bearer = world.server.client().bearer(token);
    let image = &world.secret;
    for answer in [
        bearer.get("/v2/"),
        registry::get_manifest(&bearer, "secret/app", "1"),
        registry::get_blob(&bearer, "secret/app", &image.config.digest),
        bearer.get("/v2/_catalog"),
        bearer.post("/v2/team/app/blobs/uploads/"),
        registry::put_manifest(&bearer, "team/app", "2", &world.team.manifest),
        bearer.delete("/v2/team/app/manifests/1"),
        bearer.delete("/acr/v1/team/app"),
        send_json(&bearer, "PATCH", "/acr/v1/team/app", &json!({ "writeEnabled": false })),
        send_json(&bearer, "POST", "/api/v1/registries/default/principals", &json!({ "roles": ["Owner"] })),
    ] {
        assert_eq!(answer.status, 401, "{what}: {answer:?}\n{}", answer.text());
        world.assert_nothing_of_the_secret(what, &answer);
    }
    assert_buys_nothing(world, what, token);
}

/// No other token is to be had for it.
fn assert_buys_nothing(world: &World, what: &str, token: &str) {
    let client = world.server.client();
    for answer in [
        registry::ask_for_token(&client.bearer(token), &["repository:secret/app:pull"]),
        registry::ask_for_token(&client.basic(NOBODY, token), &["repository:secret/app:pull"]),
        registry::ask_for_token(&client.basic("alice", token), &["repository:secret/app:pull"]),
        refresh(&client, token, "repository:secret/app:pull"),
        post_form(&client, "/oauth2/exchange", &[("grant_type", "access_token"), ("service", "x"), ("access_token", token)]),
    ] {
        assert_eq!(answer.status, 401, "{what}: {answer:?}\n{}", answer.text());
        assert!(!answer.text().contains("eyJ"), "{what}: a token was given: {}", answer.text());
    }
}

#[test]
fn a_token_that_nobody_signed_is_refused() {
    let world = World::new();
    let token = genuine(&world);
    let (header, claims) = forge::read(&token);
    let signature = token.rsplit('.').next().unwrap();
    let kid = Key::of_server(&world.server).kid().to_owned();
    for algorithm in ["none", "None", "NONE", "nOnE", "", "ES256"] {
        for named in [json!({ "alg": algorithm, "kid": kid }), json!({ "typ": "JWT", "alg": algorithm })] {
            for signature in ["", "AA", signature] {
                assert_worthless(&world, &named.to_string(), &forge::unsigned(&named, &claims, signature));
            }
        }
    }
    let body = token.split('.').nth(1).unwrap();
    for cut in [
        format!("{header}.{body}"),
        format!("{header}.{body}."),
        format!("{token}.{signature}"),
        format!("{header}..{signature}"),
    ] {
        assert_worthless(&world, "cut", &cut);
    }
    world.assert_untouched();
}

#[test]
fn a_token_whose_secret_is_the_public_key_is_refused() {
    let world = World::new();
    let (token, key) = (genuine(&world), Key::of_server(&world.server));
    let published = world.server.client().get("/oauth2/keys").expect(200).json();
    assert_eq!(published["keys"][0]["x"], key.jwk["x"], "it is the key that everybody knows");
    for forged in key.as_secret(&forge::read(&token).1) {
        assert_worthless(&world, "HS256", &forged);
    }
    world.assert_untouched();
}

#[test]
fn a_key_that_a_token_brings_along_is_not_believed_and_not_fetched() {
    let world = World::new();
    let claims = forge::read(&genuine(&world)).1;
    let (ours, theirs) = (Key::of_server(&world.server), Key::new());
    let elsewhere = Receiver::start([]);
    let url = format!("{}/keys", elsewhere.origin());
    for kid in [Some(ours.kid()), Some(theirs.kid()), None] {
        for (name, value) in [
            ("jwk", theirs.jwk.clone()),
            ("jku", json!(url)),
            ("x5u", json!(url)),
            ("x5c", json!(["MIIB"])),
            ("kid", json!(url)),
            ("kid", json!("../../../dev/null")),
        ] {
            let mut header = json!({ "typ": "JWT", "alg": "ES256" });
            if let Some(kid) = kid {
                header["kid"] = json!(kid);
            }
            header[name] = value;
            assert_worthless(&world, &header.to_string(), &theirs.sign(&header, &claims));
        }
    }
    assert!(elsewhere.received().is_empty(), "{:?}", elsewhere.received());
    world.assert_untouched();
}

#[test]
fn a_known_kid_with_another_key_is_refused() {
    let world = World::new();
    let token = genuine(&world);
    let (header, claims) = forge::read(&token);
    let ours = Key::of_server(&world.server);
    let theirs = Key::new();
    assert_worthless(&world, "our header", &theirs.sign_behind(header, &claims));
    let theirs = theirs.named(ours.kid());
    assert_worthless(&world, "our kid", &theirs.sign(&theirs.header(), &claims));
    // Signed over other claims by the right key.
    let body = forge::unsigned(&json!({}), &json!({ "sub": "alice" }), "");
    let parts: Vec<&str> = token.split('.').collect();
    assert_worthless(&world, "other claims", &format!("{header}.{}.{}", body.split('.').nth(1).unwrap(), parts[2]));
    world.assert_untouched();
}

/// The claims with one of them replaced, or taken out.
fn with(claims: &Value, name: &str, value: Option<Value>) -> Value {
    let mut changed = claims.clone();
    match value {
        Some(value) => changed[name] = value,
        None => {
            changed.as_object_mut().unwrap().remove(name);
        }
    }
    changed
}

#[test]
fn a_token_with_one_claim_wrong_is_worth_nothing_though_the_right_key_signed_it() {
    let world = World::with(super::patient().other_registry("other.test"));
    let token = genuine(&world);
    let (header, claims) = forge::read(&token);
    let (key, now) = (Key::of_server(&world.server), forge::now());
    let again = key.sign_behind(header, &claims);
    registry::get_manifest(&world.server.client().bearer(&again), "secret/app", "1").expect(200);
    let wrong = [
        // Expired a second ago, and in this very one.
        ("exp", Some(json!(now - 1))),
        ("exp", Some(json!(now))),
        ("exp", Some(json!("9999999999"))),
        ("exp", Some(json!(-1))),
        ("exp", None),
        ("nbf", Some(json!(now + 3600))),
        ("nbf", None),
        ("aud", Some(json!("other.test"))),
        ("aud", Some(json!([world.server.host(), "other.test"]))),
        ("aud", None),
        ("iss", Some(json!("other.test"))),
        ("iss", None),
        ("registry", Some(json!("other"))),
        ("registry", Some(json!("Default"))),
        ("registry", None),
        ("grant_type", Some(json!("refresh_token"))),
        ("grant_type", None),
        ("identity", None),
        ("identity", Some(json!({ "plugin": "nobody-of-the-chain" }))),
    ];
    for (name, value) in wrong {
        let what = format!("{name}: {value:?}");
        assert_worthless(&world, &what, &key.sign_behind(header, &with(&claims, name, value)));
    }
    world.assert_untouched();
}

#[test]
fn a_refresh_token_gives_no_access() {
    let world = World::new();
    let token = refresh_token(&world.alice());
    let bearer = world.server.client().bearer(&token);
    for answer in [
        bearer.get("/v2/"),
        registry::get_manifest(&bearer, "secret/app", "1"),
        bearer.get("/v2/_catalog"),
        bearer.post("/v2/team/app/blobs/uploads/"),
        bearer.delete("/v2/team/app/manifests/1"),
        registry::ask_for_token(&bearer, &["repository:secret/app:pull"]),
        post_form(&bearer, "/oauth2/exchange", &[("grant_type", "access_token"), ("service", "x"), ("access_token", &token)]),
        // Nor as the password of anybody but nobody.
        registry::get_manifest(&world.server.client().basic("alice", &token), "secret/app", "1"),
        registry::ask_for_token(&world.server.client().basic("rita", &token), &["repository:secret/app:pull"]),
    ] {
        assert_eq!(answer.status, 401, "{answer:?}\n{}", answer.text());
        world.assert_nothing_of_the_secret("a refresh token", &answer);
    }
    // It is a good one, where it belongs.
    refresh(&world.server.client(), &token, "repository:team/app:pull").expect(200);
    world.assert_untouched();
}

#[test]
fn an_access_token_refreshes_nothing() {
    let world = World::new();
    let token = genuine(&world);
    assert_buys_nothing(&world, "an access token", &token);
    let nobody = world.server.client().basic(NOBODY, &token);
    world.assert_nothing_of_the_secret("as a password", &registry::get_manifest(&nobody, "secret/app", "1").expect(401));
    // Nor with what a refresh token has, but for the signature.
    let header = forge::read(&token).0;
    let refresh_claims = forge::read(&refresh_token(&world.alice())).1;
    let body = forge::unsigned(&json!({}), &refresh_claims, "");
    let signature = token.rsplit('.').next().unwrap();
    assert_worthless(&world, "a signature taken over", &format!("{header}.{}.{signature}", body.split('.').nth(1).unwrap()));
    world.assert_untouched();
}

#[test]
fn a_token_is_worth_what_was_granted_when_it_was_made_and_no_more() {
    let world = World::new();
    let rita = registry::with_token(&world.rita(), &["repository:team/app:pull", "repository:secret/app:pull,push,delete"]);
    registry::get_manifest(&rita, "team/app", "1").expect(200);
    for answer in [
        registry::get_manifest(&rita, "secret/app", "1"),
        registry::get_blob(&rita, "secret/app", &world.secret.config.digest),
        rita.post("/v2/team/app/blobs/uploads/"),
        rita.post("/v2/secret/app/blobs/uploads/"),
        rita.delete("/v2/team/app/manifests/1"),
        rita.delete("/acr/v1/secret/app"),
        rita.get("/v2/_catalog"),
        send_json(&rita, "POST", "/api/v1/registries/default/principals", &json!({ "roles": ["Owner"] })),
    ] {
        assert_eq!(answer.status, 401, "{answer:?}\n{}", answer.text());
        world.assert_nothing_of_the_secret("Rita's token", &answer);
    }
    world.assert_untouched();
}

//! Getting an issuer's keys, keeping them, and asking it no more often than it takes.

use bulkhead_plugin_sdk::testing::answer;

use super::*;

const MINUTE: u64 = 60;

fn at(host: &Installed, seconds: u64) {
    host.set_now((NOW + seconds) * 1000);
}

fn long(signer: &Signer) -> String {
    signer.sign(&claims(value!({"exp": NOW + 1_000_000})))
}

#[test]
fn keys_are_fetched_once_for_many_tokens() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(PLAIN);
    for _ in 0..20 {
        accepted(bearer(&mut plugin, &signer.sign(&claims(value!({})))));
    }
    assert_eq!((asked(&host, DISCOVERY), asked(&host, KEYS)), (1, 1));
}

#[test]
fn instances_share_what_was_fetched() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    for _ in 0..5 {
        accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
    }
    assert_eq!(asked(&host, KEYS), 1);
    let elsewhere = PLAIN.replace("\"audiences\"", "\"jwks-uri\":\"https://issuer.example.com/keys\",\"audiences\"");
    accepted(bearer(&mut plugin(&elsewhere), &long(&signer)));
    assert_eq!(asked(&host, KEYS), 2, "what came from another place is not shared");
}

#[test]
fn a_storm_of_unknown_keys_asks_the_issuer_once_a_minute() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut one = plugin(PLAIN);
    let storm = |plugin: &mut Oidc, of: &str| {
        for number in 0..200 {
            let token = Signer::ec(&format!("{of}-{number}")).sign(&claims(value!({})));
            assert!(rejection(bearer(plugin, &token)).contains("has no key"), "{of} {number}");
        }
    };
    storm(&mut one, "first");
    storm(&mut plugin(PLAIN), "of another instance");
    assert_eq!((asked(&host, DISCOVERY), asked(&host, KEYS)), (1, 1));
    at(&host, MINUTE - 1);
    storm(&mut one, "before the minute is over");
    assert_eq!(asked(&host, KEYS), 1);
    at(&host, MINUTE);
    storm(&mut one, "after a minute");
    assert_eq!((asked(&host, DISCOVERY), asked(&host, KEYS)), (2, 2));
    accepted(bearer(&mut one, &signer.sign(&claims(value!({})))));
    assert_eq!(asked(&host, KEYS), 2);
}

#[test]
fn a_new_key_of_the_issuer_is_found_within_a_minute() {
    let (old, new) = (Signer::ec("old"), Signer::ec("new"));
    let host = issuer(std::slice::from_ref(&old.jwk));
    let mut plugin = plugin(PLAIN);
    accepted(bearer(&mut plugin, &long(&old)));
    host.set_answer(KEYS, Ok(json(value!({"keys": [old.jwk, new.jwk]}).to_string())));
    assert!(rejection(bearer(&mut plugin, &long(&new))).contains("has no key `new` for ES256"));
    at(&host, MINUTE);
    accepted(bearer(&mut plugin, &long(&new)));
    accepted(bearer(&mut plugin, &long(&old)));
}

#[test]
fn a_withdrawn_key_is_worthless_once_the_keys_are_fetched_again() {
    let (old, new) = (Signer::ec("old"), Signer::ec("new"));
    let host = issuer(std::slice::from_ref(&old.jwk));
    let mut plugin = plugin(PLAIN);
    accepted(bearer(&mut plugin, &long(&old)));
    host.set_answer(KEYS, Ok(json(value!({"keys": [new.jwk]}).to_string())));
    at(&host, 3_599);
    accepted(bearer(&mut plugin, &long(&old)));
    at(&host, 3_600);
    assert!(rejection(bearer(&mut plugin, &long(&old))).contains("has no key `old`"));
}

#[test]
fn how_old_keys_grow_is_a_setting() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(&PLAIN.replace("\"audiences\"", "\"keys-max-age-seconds\":120,\"audiences\""));
    for (seconds, fetched) in [(0, 1), (119, 1), (120, 2), (239, 2), (240, 3)] {
        at(&host, seconds);
        accepted(bearer(&mut plugin, &long(&signer)));
        assert_eq!(asked(&host, KEYS), fetched, "after {seconds} seconds");
    }
}

#[test]
fn while_the_issuer_is_away_known_keys_serve_for_a_day() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
    host.set_answer(DISCOVERY, Err(Error::unavailable("no route")));
    let mut one = plugin(PLAIN);
    at(&host, 3_600);
    for _ in 0..5 {
        accepted(bearer(&mut one, &long(&signer)));
        accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
    }
    assert_eq!(asked(&host, DISCOVERY), 2, "once more, for all instances");
    assert!(host.logged("the keys of https://issuer.example.com cannot be had"));
    let unknown = bearer(&mut one, &long(&Signer::ec("other")));
    assert!(matches!(unknown, Err(Error::Unavailable(_))), "nobody can say: {unknown:?}");
    at(&host, 24 * 3_600 - 1);
    accepted(bearer(&mut one, &long(&signer)));
    at(&host, 24 * 3_600 + MINUTE);
    assert!(matches!(bearer(&mut one, &long(&signer)), Err(Error::Unavailable(_))));
    assert!(matches!(bearer(&mut plugin(PLAIN), &long(&signer)), Err(Error::Unavailable(_))));
    host.set_answer(DISCOVERY, Ok(json(value!({"issuer": ISSUER, "jwks_uri": KEYS}).to_string())));
    at(&host, 24 * 3_600 + 2 * MINUTE);
    accepted(bearer(&mut one, &long(&signer)));
}

#[test]
fn an_issuer_that_was_never_reached_lets_nobody_in_and_is_asked_each_five_seconds() {
    let signer = Signer::ec("ec-1");
    let host = FakeHost::new().now(NOW * 1000).failure(DISCOVERY, Error::denied("not granted")).install();
    let mut one = plugin(PLAIN);
    let storm = |one: &mut Oidc| {
        for _ in 0..10 {
            assert!(matches!(bearer(one, &long(&signer)), Err(Error::Denied(text)) if text.contains("not granted")));
            assert!(bearer(&mut plugin(PLAIN), &long(&signer)).is_err());
        }
    };
    storm(&mut one);
    assert_eq!(host.requests().len(), 1);
    at(&host, 4);
    storm(&mut one);
    assert_eq!(host.requests().len(), 1);
    at(&host, 5);
    storm(&mut one);
    assert_eq!(host.requests().len(), 2);
    host.set_answer(DISCOVERY, Ok(json(value!({"issuer": ISSUER, "jwks_uri": KEYS}).to_string())));
    host.set_answer(KEYS, Ok(json(value!({"keys": [signer.jwk]}).to_string())));
    at(&host, 10);
    accepted(bearer(&mut one, &long(&signer)));
    accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
}

/// Where the plugin's state has the keys of the issuer.
fn place() -> String {
    let digest = <sha2::Sha256 as sha2::Digest>::digest(format!("{ISSUER}\nDiscovery({DISCOVERY:?})"));
    digest.iter().take(16).fold("keys/".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// What an instance keeps that has begun to ask now, and has not heard anything.
fn asking() -> String {
    value!({"keys": [], "fetched": 0, "asked": NOW * 1000, "ended": 0}).to_string()
}

#[test]
fn what_another_instance_is_fetching_is_waited_for() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let known = {
        accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
        host.kv(&place()).unwrap()
    };
    let before = host.requests().len();
    bulkhead_plugin_sdk::kv::set(&place(), asking().as_bytes()).unwrap();
    host.set_kv_at(NOW * 1000 + 300, &place(), known);
    accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
    assert_eq!(host.requests().len(), before, "one asks");
    assert_eq!(bulkhead_plugin_sdk::clock::now(), NOW * 1000 + 300);
}

#[test]
fn nobody_waits_for_longer_than_a_call_may_take_nor_for_an_instance_that_is_gone() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let waited = |after: u64| {
        host.set_now(NOW * 1000 + after);
        bulkhead_plugin_sdk::kv::set(&place(), asking().as_bytes()).unwrap();
        let answer = bearer(&mut plugin(PLAIN), &long(&signer));
        (answer.is_ok(), bulkhead_plugin_sdk::clock::now() - NOW * 1000 - after)
    };
    assert_eq!(waited(0), (false, 700));
    assert_eq!(waited(1_900), (false, 100));
    assert_eq!(waited(4_999), (false, 0));
    assert!(host.requests().is_empty());
    assert_eq!(waited(5_000), (true, 0), "the one who asked died, so it is asked anew");
    assert_eq!(asked(&host, DISCOVERY), 1);
}

#[test]
fn a_fetch_that_failed_elsewhere_ends_the_waiting() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    bulkhead_plugin_sdk::kv::set(&place(), asking().as_bytes()).unwrap();
    let failed = value!({"keys": [], "fetched": 0, "asked": NOW * 1000, "ended": NOW * 1000 + 200}).to_string();
    host.set_kv_at(NOW * 1000 + 200, &place(), failed);
    assert!(matches!(bearer(&mut plugin(PLAIN), &long(&signer)), Err(Error::Unavailable(_))));
    assert_eq!(bulkhead_plugin_sdk::clock::now(), NOW * 1000 + 200);
    assert!(host.requests().is_empty());
}

#[test]
fn keys_are_fetched_again_long_before_they_are_worthless() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(&PLAIN.replace("\"audiences\"", "\"keys-max-age-seconds\":86400,\"audiences\""));
    for (seconds, fetched) in [(0, 1), (12 * 3_600 - 1, 1), (12 * 3_600, 2)] {
        at(&host, seconds);
        accepted(bearer(&mut plugin, &long(&signer)));
        assert_eq!(asked(&host, KEYS), fetched, "after {seconds} seconds");
    }
}

#[test]
fn without_a_state_of_its_own_it_says_at_the_start_what_goes_with_that() {
    {
        let host = issuer(&[]);
        plugin(PLAIN);
        assert!(!host.logged("grants.kv"));
    }
    let host = FakeHost::new().without_kv().install();
    plugin(PLAIN);
    assert!(host.logged("set `grants.kv = true`"));
}

#[test]
fn a_clock_that_is_set_back_does_not_stop_the_asking() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(PLAIN);
    host.set_now((NOW + 900_000) * 1000);
    accepted(bearer(&mut plugin, &long(&signer)));
    host.set_now(NOW * 1000);
    accepted(bearer(&mut plugin, &long(&signer)));
    assert_eq!(asked(&host, KEYS), 2);
}

#[test]
fn what_is_kept_in_the_state_and_is_not_understood_is_fetched_again() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
    assert!(host.kv(&place()).is_some());
    bulkhead_plugin_sdk::kv::set(&place(), b"nonsense").unwrap();
    accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
    assert!(host.logged("is not understood"));
    assert_eq!(asked(&host, KEYS), 2);
}

#[test]
fn a_discovery_document_has_to_name_the_issuer_and_a_safe_place_for_the_keys() {
    let signer = Signer::ec("ec-1");
    let refused = |document: Value, settings: &str| {
        let host = issuer(std::slice::from_ref(&signer.jwk));
        host.set_answer(DISCOVERY, Ok(json(document.to_string())));
        host.set_answer("http://issuer.example.com/.well-known/openid-configuration", Ok(json(document.to_string())));
        let iss = if settings == PLAIN { ISSUER } else { "http://issuer.example.com" };
        let answer = bearer(&mut plugin(settings), &signer.sign(&claims(value!({"iss": iss}))));
        (format!("{answer:?}"), host.requests().len())
    };
    for document in [
        value!({"issuer": "https://evil.example.com", "jwks_uri": KEYS}),
        value!({"issuer": format!("{ISSUER}/"), "jwks_uri": KEYS}),
        value!({"jwks_uri": KEYS}),
        value!([]),
    ] {
        let (said, requests) = refused(document.clone(), PLAIN);
        assert!(said.contains("is of the issuer") && requests == 1, "{document}: {said}");
    }
    for keys in [
        "http://issuer.example.com/keys",
        "ftp://issuer.example.com/keys",
        "/keys",
        "",
        "https://",
        "https://a@issuer.example.com/",
    ] {
        let (said, requests) = refused(value!({"issuer": ISSUER, "jwks_uri": keys}), PLAIN);
        assert!(said.contains("neither https nor of the issuer's own origin") && requests == 1, "{keys}: {said}");
    }
    // An issuer without TLS may have its keys at its own origin, and nowhere else without TLS.
    let bare = PLAIN.replace("https://", "http://");
    let document = |keys: &str| value!({"issuer": "http://issuer.example.com", "jwks_uri": keys});
    let (said, _) = refused(document("http://other.example.com/keys"), &bare);
    assert!(said.contains("neither https nor"), "{said}");
    let (said, requests) = refused(document(KEYS), &bare);
    assert!(said.contains("Accepted") && requests == 2, "{said}");
}

#[test]
fn an_answer_that_is_no_key_set_lets_nobody_in() {
    let signer = Signer::ec("ec-1");
    for (what, reply, said) in [
        ("a page", answer(404), "answers 404"),
        ("a redirect", answer(302), "answers 302"),
        ("no JSON", json("<html>"), "is no JSON"),
        ("no keys", json("{}"), "is no key set"),
        ("an empty set", json(r#"{"keys":[]}"#), "no key that can be used"),
        ("others", json(r#"{"keys":[{"kty":"oct","k":"AAAA"},7,{"kty":"RSA"}]}"#), "no key that can be used"),
    ] {
        let host = issuer(&[]);
        host.set_answer(KEYS, Ok(reply));
        let refusal = bearer(&mut plugin(PLAIN), &long(&signer));
        assert!(matches!(&refusal, Err(Error::Unavailable(away)) if away.reason.contains(said)), "{what}: {refusal:?}");
    }
}

#[test]
fn keys_that_are_too_weak_too_large_or_for_something_else_are_passed_over() {
    let rsa = Signer::rsa();
    let with = |signer: &Signer, change: Value| {
        let mut jwk = signer.jwk.clone();
        jwk.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        jwk
    };
    let number = |bytes: usize| super::signer::encode(vec![0xff; bytes]);
    let (ec, ed) = (Signer::ec("ec-1"), Signer::ed("ed-1"));
    let bad = [
        (&rsa, with(&rsa, value!({"use": "enc"}))),
        (&rsa, with(&rsa, value!({"alg": "RS512"}))),
        (&rsa, with(&rsa, value!({"alg": "HS256"}))),
        (&rsa, with(&rsa, value!({"key_ops": ["encrypt"]}))),
        (&rsa, with(&rsa, value!({"key_ops": "verify"}))),
        (&rsa, with(&rsa, value!({"n": number(128)}))),
        (&rsa, with(&rsa, value!({"n": number(513)}))),
        (&rsa, with(&rsa, value!({"e": "AQ"}))),
        (&rsa, with(&rsa, value!({"e": "Ag"}))),
        (&rsa, with(&rsa, value!({"e": number(5)}))),
        (&rsa, with(&rsa, value!({"e": ""}))),
        (&rsa, with(&rsa, value!({"kty": "oct", "k": "AAAA"}))),
        (&ec, with(&ec, value!({"crv": "P-384"}))),
        (&ec, with(&ec, value!({"alg": "ES384"}))),
        (&ec, with(&ec, value!({"x": number(31)}))),
        (&ed, with(&ed, value!({"crv": "Ed448"}))),
        (&ed, with(&ed, value!({"x": number(31)}))),
        (&ed, with(&ed, value!({"x": ""}))),
    ];
    let spare = Signer::ec("spare");
    for (signer, jwk) in bad {
        let _host = issuer(&[jwk.clone(), spare.jwk.clone()]);
        assert!(rejection(bearer(&mut plugin(PLAIN), &long(signer))).contains("has no key"), "{jwk}");
    }
    // A point that is not on the curve is found out when it is used.
    let _host = issuer(&[with(&ec, value!({"y": number(32)}))]);
    assert!(rejection(bearer(&mut plugin(PLAIN), &long(&ec))).contains("signature"));
}

#[test]
fn a_weak_key_is_not_used_even_if_it_is_the_issuers_own() {
    let weak = Signer::new_rsa("weak", 1024);
    let _host = issuer(&[weak.jwk.clone(), Signer::rsa().jwk]);
    assert!(rejection(bearer(&mut plugin(PLAIN), &long(&weak))).contains("has no key `weak`"));
}

#[test]
fn a_token_that_names_no_key_is_taken_where_the_issuer_has_but_one() {
    let (rsa, ec) = (Signer::rsa(), Signer::ec("ec-1"));
    let unnamed = |signer: &Signer| signer.sign_with(&value!({"alg": signer.alg}), &claims(value!({})));
    {
        let _host = issuer(&[rsa.jwk.clone(), ec.jwk.clone()]);
        accepted(bearer(&mut plugin(PLAIN), &unnamed(&ec)));
        accepted(bearer(&mut plugin(PLAIN), &unnamed(&rsa)));
    }
    let _host = issuer(&[ec.jwk.clone(), Signer::ec("ec-2").jwk]);
    assert!(rejection(bearer(&mut plugin(PLAIN), &unnamed(&ec))).contains("has no key without a name for ES256"));
}

#[test]
fn of_keys_with_the_same_name_the_right_one_is_found_and_not_many_are_tried() {
    let signer = Signer::ec("same");
    let twins = |count: usize| (0..count).map(|_| Signer::ec("same").jwk);
    let _host = issuer(&twins(3).chain([signer.jwk.clone()]).collect::<Vec<_>>());
    accepted(bearer(&mut plugin(PLAIN), &long(&signer)));
    let _host = issuer(&twins(4).chain([signer.jwk.clone()]).collect::<Vec<_>>());
    assert!(rejection(bearer(&mut plugin(PLAIN), &long(&signer))).contains("signature"));
}

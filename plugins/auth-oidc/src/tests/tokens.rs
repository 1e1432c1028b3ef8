//! Which tokens are taken, and who their bearers are.

use bulkhead_plugin_sdk::testing::{basic, certificate};

use super::*;

#[test]
fn a_token_of_each_algorithm_is_accepted_and_says_who_its_bearer_is() {
    for signer in [Signer::rsa(), Signer::ec("ec-1"), Signer::ed("ed-1")] {
        let host = issuer(&[value!({"kty": "oct", "k": "AAAA", "kid": "odd"}), signer.jwk.clone()]);
        let identity = accepted(bearer(&mut plugin(PLAIN), &signer.sign(&claims(value!({"email": "a@example.com"})))));
        let expected = Identity { expires: Some((NOW + 300) * 1000), ..Identity::new("alice").with_claim("iss", ISSUER) };
        assert_eq!(identity, expected, "{}", signer.alg);
        let requests = host.requests();
        assert_eq!(requests.iter().map(|request| request.url.as_str()).collect::<Vec<_>>(), [DISCOVERY, KEYS]);
        assert!(requests.iter().all(|request| request.method == "GET" && request.body.is_empty()));
    }
}

#[test]
fn a_token_is_taken_as_a_password_whatever_the_user_unless_the_settings_say_no() {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    let token = signer.sign(&claims(value!({})));
    let login = |plugin: &mut Oidc| plugin.authenticate(&context(), &basic("oidc", &token));
    assert_eq!(accepted(login(&mut plugin(PLAIN))).subject, "alice");
    let strict = PLAIN.replace(r#"{"issuers""#, r#"{"basic":false,"issuers""#);
    assert_eq!(login(&mut plugin(&strict)), Ok(Authentication::Abstained));
}

#[test]
fn what_is_no_token_of_a_configured_issuer_is_left_to_the_next() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(PLAIN);
    let foreign = signer.sign(&claims(value!({"iss": "https://other.example.com"})));
    let without = signer.sign(&claims(value!({"iss": null})));
    let number = signer.sign(&claims(value!({"iss": 7})));
    let longer = signer.sign(&claims(value!({"iss": format!("{ISSUER}/")})));
    for text in ["", "hello", "a.b", "a.b.c", "a.b.c.d", "..", &foreign, &without, &number, &longer] {
        assert_eq!(bearer(&mut plugin, text), Ok(Authentication::Abstained), "{text}");
        assert_eq!(plugin.authenticate(&context(), &basic("alice", text)), Ok(Authentication::Abstained), "{text}");
    }
    let certificate = Credential::Certificate(certificate("CN=alice", &[]));
    assert_eq!(plugin.authenticate(&context(), &certificate), Ok(Authentication::Abstained));
    assert_eq!(host.requests(), [], "nobody was asked");
}

#[test]
fn the_audience_has_to_be_one_of_ours() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(&PLAIN.replace("[\"registry.example.com\"]", "[\"registry.example.com\",\"second\"]"));
    let mut ask = |audience: Value| bearer(&mut plugin, &signer.sign(&claims(value!({"aud": audience}))));
    for audience in [value!(null), value!("other"), value!([]), value!(["other"]), value!(7), value!({"a": "second"}), value!("")]
    {
        assert!(rejection(ask(audience.clone())).contains("its audience is"), "{audience}");
    }
    assert_eq!(host.requests(), [], "no key is fetched for a token that is not for us");
    for audience in [value!("second"), value!(["other", "registry.example.com"])] {
        assert_eq!(accepted(ask(audience)).subject, "alice");
    }
}

#[test]
fn times_are_held_against_the_clock_of_the_host() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(PLAIN);
    let mut ask = |other: Value| bearer(&mut plugin, &signer.sign(&claims(other)));
    assert!(rejection(ask(value!({"exp": null}))).contains("it has no end"));
    assert!(rejection(ask(value!({"exp": NOW}))).contains("it ended 0 seconds ago"));
    assert!(rejection(ask(value!({"exp": NOW - 10}))).contains("it ended 10 seconds ago"));
    assert!(rejection(ask(value!({"nbf": NOW + 61}))).contains("not valid yet"));
    assert!(rejection(ask(value!({"iat": NOW + 61}))).contains("issued in the future"));
    for nonsense in [value!("soon"), value!(-1), value!(1e300), value!([NOW]), value!(true)] {
        assert!(rejection(ask(value!({"exp": nonsense}))).contains("`exp` is no time"), "{nonsense}");
        assert!(rejection(ask(value!({"nbf": nonsense}))).contains("`nbf` is no time"), "{nonsense}");
        assert!(rejection(ask(value!({"iat": nonsense}))).contains("`iat` is no time"), "{nonsense}");
    }
    assert_eq!(host.requests(), []);
    // Within the leeway, without what may be left out, and with fractions of a second.
    accepted(ask(value!({"nbf": NOW + 60, "iat": NOW + 60})));
    accepted(ask(value!({"iat": null})));
    let identity = accepted(ask(value!({"exp": 1_767_225_600.5})));
    assert_eq!(identity.expires, Some(NOW * 1000 + 500));
}

#[test]
fn an_accepted_token_is_rejected_once_it_has_ended() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(PLAIN);
    let token = signer.sign(&claims(value!({})));
    host.set_now((NOW + 299) * 1000);
    accepted(bearer(&mut plugin, &token));
    host.set_now((NOW + 300) * 1000);
    assert!(rejection(bearer(&mut plugin, &token)).contains("it ended"));
}

#[test]
fn a_token_can_be_held_to_an_age_and_its_bearer_with_it() {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    let aged = PLAIN.replace("\"audiences\"", "\"max-token-age-seconds\":600,\"audiences\"");
    let mut plugin = plugin(&aged);
    let mut ask = |iat: Value| bearer(&mut plugin, &signer.sign(&claims(value!({"iat": iat, "exp": NOW + 9_000}))));
    assert!(rejection(ask(value!(NOW - 600))).contains("older than"));
    assert!(rejection(ask(value!(null))).contains("does not say when it was issued"));
    assert_eq!(accepted(ask(value!(NOW - 599))).expires, Some((NOW + 1) * 1000));
}

#[test]
fn the_subject_can_be_another_claim_and_has_to_be_a_name() {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    let settings = PLAIN.replace("\"audiences\"", "\"subject\":\"preferred_username\",\"prefix\":\"sso:\",\"audiences\"");
    let mut plugin = plugin(&settings);
    let mut ask = |name: Value| bearer(&mut plugin, &signer.sign(&claims(value!({"preferred_username": name}))));
    assert_eq!(accepted(ask(value!("ann"))).subject, "sso:ann");
    for name in [value!(null), value!(""), value!(7), value!(["ann"]), value!("a\nb"), value!("x".repeat(201))] {
        assert!(rejection(ask(name.clone())).contains("`preferred_username` is no name"), "{name}");
    }
}

#[test]
fn groups_of_the_issuer_bear_its_prefix() {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(&PLAIN.replace("\"audiences\"", "\"groups\":\"roles\",\"prefix\":\"sso:\",\"audiences\""));
    let mut ask = |roles: Value| bearer(&mut plugin, &signer.sign(&claims(value!({"roles": roles}))));
    assert_eq!(accepted(ask(value!(["ops", "dev"]))).groups, ["sso:dev", "sso:ops"]);
    assert_eq!(accepted(ask(value!("ops"))).groups, ["sso:ops"]);
    assert_eq!(accepted(ask(value!(null))).groups, Vec::<String>::new());
    for roles in [value!([7]), value!([""]), value!({"ops": true}), value!(["a\u{0}"])] {
        assert!(rejection(ask(roles.clone())).contains("`roles` has a group that is no name"), "{roles}");
    }
    let many: Vec<String> = (0..257).map(|number| number.to_string()).collect();
    assert!(rejection(ask(value!(many))).contains("257 groups"));
}

#[test]
fn only_named_claims_are_kept_and_lists_are_told_from_texts() {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(&PLAIN.replace("\"audiences\"", "\"keep-claims\":[\"ref\",\"ops\",\"nothing\"],\"audiences\""));
    let mut ask = |other: Value| accepted(bearer(&mut plugin, &signer.sign(&claims(other)))).claims;
    let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let kept = ask(value!({"ref": "main", "ops": ["a"], "email": "a@example.com", "nothing": null}));
    assert_eq!(kept, [of("iss", ISSUER), of("ops:json", "[\"a\"]"), of("ref", "main")]);
    assert_eq!(ask(value!({"ref": "[\"a\"]"})), [of("iss", ISSUER), of("ref", "[\"a\"]")], "a text stays a text");
}

#[test]
fn an_identity_that_no_token_could_hold_is_rejected() {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(&PLAIN.replace("\"audiences\"", "\"keep-claims\":[\"ref\"],\"audiences\""));
    let mut ask = |length: usize| bearer(&mut plugin, &signer.sign(&claims(value!({"ref": "x".repeat(length)}))));
    let identity = accepted(ask(3_700));
    assert!(value!([identity.subject, identity.groups, identity.claims]).to_string().len() < 4096);
    assert!(rejection(ask(3_800)).contains("have the issuer put fewer into them"));
}

#[test]
fn nobody_is_tracked_since_tokens_speak_for_themselves() {
    assert_eq!(plugin(PLAIN).lookup(&context(), "alice", None), Ok(Standing::Untracked));
}

#[test]
fn how_long_an_acceptance_is_reused_is_a_setting() {
    let signer = Signer::ec("ec-1");
    let _host = issuer(std::slice::from_ref(&signer.jwk));
    for (settings, expected) in [(PLAIN.to_owned(), 60), (PLAIN.replace(r#"{"issuers""#, r#"{"reuse-seconds":5,"issuers""#), 5)] {
        let answer = bearer(&mut plugin(&settings), &signer.sign(&claims(value!({}))));
        assert!(
            matches!(&answer, Ok(Authentication::Accepted(Acceptance { reuse, proof: None, .. })) if *reuse == expected),
            "{answer:?}"
        );
    }
}

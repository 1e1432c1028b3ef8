//! Tokens that are made to be taken for others. Each is rejected, and nothing but the issuer's own keys was ever fetched.

use super::signer::{encode, sign_with_secret};
use super::*;

/// Rejected, though the issuer knows both a key of RSA and one of P-256; then a right token passes.
fn must_fail(what: &str, token: &str) -> String {
    let (rsa, ec) = (Signer::rsa(), Signer::ec("ec-1"));
    let host = issuer(&[rsa.jwk.clone(), ec.jwk.clone()]);
    let mut plugin = plugin(PLAIN);
    let reason = rejection(bearer(&mut plugin, token));
    assert!(host.requests().iter().all(|request| [DISCOVERY, KEYS].contains(&request.url.as_str())), "{what}");
    assert_eq!(accepted(bearer(&mut plugin, &ec.sign(&claims(value!({}))))).subject, "alice", "{what}");
    reason
}

#[test]
fn a_token_without_a_signature_is_rejected() {
    for alg in ["none", "None", "NONE", ""] {
        let header = encode(value!({"alg": alg}).to_string());
        let reason = must_fail(alg, &format!("{header}.{}.", encode(claims(value!({})).to_string())));
        assert!(reason.contains("none of RS256, ES256 and EdDSA"), "{reason}");
    }
    let token = Signer::rsa().sign(&claims(value!({})));
    let unsigned = &token[..=token.rfind('.').unwrap()];
    assert!(must_fail("cut off", unsigned).contains("signature"));
}

#[test]
fn a_public_key_is_no_secret_of_hs256() {
    let rsa = Signer::rsa();
    let n = rsa.jwk["n"].as_str().unwrap();
    for alg in ["HS256", "RS256"] {
        for secret in [n.as_bytes().to_vec(), rsa.jwk.to_string().into_bytes(), Vec::new()] {
            let header = value!({"alg": alg, "kid": "rsa-1", "typ": "JWT"});
            must_fail("HS256", &sign_with_secret(&secret, &header, &claims(value!({}))));
        }
    }
}

#[test]
fn other_algorithms_of_the_same_key_are_rejected() {
    let rsa = Signer::rsa();
    for alg in ["RS384", "RS512", "PS256", "rs256", "ES256", "EdDSA", "ES384", "ES256K"] {
        must_fail(alg, &rsa.sign_with(&value!({"alg": alg, "kid": "rsa-1"}), &claims(value!({}))));
    }
}

#[test]
fn a_key_that_the_token_brings_along_or_points_to_is_never_used() {
    let foreign = Signer::new_rsa("rsa-1", 2048);
    let header = |extra: Value| {
        let mut header = value!({"alg": "RS256", "kid": "rsa-1", "typ": "JWT"});
        header.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        header
    };
    for extra in [
        value!({}),
        value!({"jwk": foreign.jwk}),
        value!({"jku": "https://evil.example.com/keys"}),
        value!({"x5u": "https://evil.example.com/cert"}),
        value!({"x5c": ["MIIB"]}),
    ] {
        let reason = must_fail("foreign key", &foreign.sign_with(&header(extra.clone()), &claims(value!({}))));
        assert!(reason.contains("its signature is not of the issuer's key"), "{extra}: {reason}");
    }
}

#[test]
fn extensions_that_have_to_be_understood_are_rejected() {
    let header = value!({"alg": "RS256", "kid": "rsa-1", "crit": ["b64"], "b64": false});
    assert!(must_fail("crit", &Signer::rsa().sign_with(&header, &claims(value!({})))).contains("extensions"));
}

#[test]
fn what_the_issuer_signs_for_other_purposes_is_no_login() {
    for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "application/logout+jwt"] {
        let header = value!({"alg": "RS256", "kid": "rsa-1", "typ": typ});
        assert!(must_fail(typ, &Signer::rsa().sign_with(&header, &claims(value!({})))).contains("its type"), "{typ}");
    }
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        let signer = Signer::rsa();
        let _host = issuer(std::slice::from_ref(&signer.jwk));
        accepted(bearer(
            &mut plugin(PLAIN),
            &signer.sign_with(&value!({"alg": "RS256", "kid": "rsa-1", "typ": typ}), &claims(value!({}))),
        ));
    }
}

#[test]
fn claims_that_were_changed_after_signing_are_rejected() {
    let token = Signer::rsa().sign(&claims(value!({})));
    let parts: Vec<&str> = token.split('.').collect();
    let changed = encode(claims(value!({"sub": "admin"})).to_string());
    assert!(must_fail("payload", &format!("{}.{changed}.{}", parts[0], parts[2])).contains("signature"));
    let header = encode(value!({"alg": "RS256", "kid": "rsa-1"}).to_string());
    assert!(must_fail("header", &format!("{header}.{}.{}", parts[1], parts[2])).contains("signature"));
    let mut signature = parts[2].to_owned();
    signature.replace_range(0..1, if signature.starts_with('A') { "B" } else { "A" });
    assert!(must_fail("signature", &format!("{}.{}.{signature}", parts[0], parts[1])).contains("signature"));
}

#[test]
fn a_header_that_is_no_header_is_rejected() {
    let payload = encode(claims(value!({})).to_string());
    for header in ["{}", "[]", r#"{"alg":7}"#, r#"{"alg":"RS256","alg":"RS256"}"#, r#"{"alg":"RS256","kid":7}"#, "nonsense"] {
        let reason = must_fail(header, &format!("{}.{payload}.AAAA", encode(header)));
        assert!(reason.contains("header is not understood"), "{header}: {reason}");
    }
    must_fail("not base64", &format!("!!.{payload}.AAAA"));
}

#[test]
fn a_key_of_another_issuer_does_not_sign_for_this_one() {
    let (ours, theirs) = (Signer::ec("same"), Signer::ec("same"));
    let host = issuer(std::slice::from_ref(&ours.jwk));
    host.set_answer("https://two.example.com/keys", Ok(json(value!({"keys": [theirs.jwk]}).to_string())));
    let mut plugin = plugin(
        r#"{"issuers":[
            {"issuer":"https://issuer.example.com","audiences":["registry.example.com"],"prefix":"one:"},
            {"issuer":"two","audiences":["registry.example.com"],"prefix":"two:","jwks-uri":"https://two.example.com/keys"}
        ]}"#,
    );
    let two = |signer: &Signer| signer.sign(&claims(value!({"iss": "two"})));
    assert_eq!(accepted(bearer(&mut plugin, &ours.sign(&claims(value!({}))))).subject, "one:alice");
    assert_eq!(accepted(bearer(&mut plugin, &two(&theirs))).subject, "two:alice");
    assert!(rejection(bearer(&mut plugin, &two(&ours))).contains("signature"));
    assert!(rejection(bearer(&mut plugin, &theirs.sign(&claims(value!({}))))).contains("signature"));
}

#[test]
fn no_reason_has_a_token_in_it_and_nothing_is_logged_of_one() {
    let signer = Signer::ec("ec-1");
    let host = issuer(std::slice::from_ref(&signer.jwk));
    let mut plugin = plugin(PLAIN);
    let header = value!({"alg": "ES256", "kid": "other\u{1b}[31m\n".repeat(50)});
    let token = signer.sign_with(&header, &claims(value!({})));
    let reason = rejection(bearer(&mut plugin, &token));
    assert!(reason.len() < 700 && !reason.contains('\u{1b}') && !reason.contains('\n'), "{reason}");
    let signature = token.rsplit('.').next().unwrap();
    assert!(!reason.contains(signature) && !host.logged(signature));
}

//! Settings that make no sense stop the start, with the path of what is wrong.

use super::*;

fn refusal(settings: &str) -> String {
    match configure::<Oidc>(settings) {
        Err(Error::Invalid(text)) => text,
        Err(other) => panic!("should be invalid, was {other:?}"),
        Ok(_) => panic!("should be refused: {settings}"),
    }
}

/// One issuer, with more settings, and rules.
fn with(more: &str, rules: &str) -> String {
    format!(r#"{{"issuers":[{{"issuer":"{ISSUER}","audiences":["a"]{more}}}],"rules":[{rules}]}}"#)
}

#[test]
fn settings_of_issuers_are_checked() {
    assert!(refusal("{}").contains("missing field `issuers`"));
    assert!(refusal(r#"{"issuers":[]}"#).starts_with("issuers: empty"));
    assert!(refusal(r#"{"issuers":[{"issuer":"https://a"}]}"#).starts_with("issuers[0]: missing field `audiences`"));
    assert!(refusal(r#"{"issuers":[{"issuer":"https://a","audiences":[]}]}"#).starts_with("issuers[0].audiences: empty"));
    assert!(refusal(r#"{"issuers":[{"issuer":"https://a","audiences":[""]}]}"#).starts_with("issuers[0].audiences: empty"));
    for issuer in ["kubernetes/serviceaccount", "ftp://a", "https://", "https://a b", "https://user:pass@a"] {
        let text = refusal(&format!(r#"{{"issuers":[{{"issuer":"{issuer}","audiences":["a"]}}]}}"#));
        assert!(text.starts_with("issuers[0].issuer: ") && text.contains("`jwks-uri`"), "{text}");
    }
    for (more, said) in [
        (r#","leeway-seconds":601"#, "issuers[0].leeway-seconds: at most 600"),
        (r#","max-token-age-seconds":0"#, "issuers[0].max-token-age-seconds: above 0"),
        (r#","keys-max-age-seconds":59"#, "issuers[0].keys-max-age-seconds: 60 to 86400"),
        (r#","keys-max-age-seconds":86401"#, "issuers[0].keys-max-age-seconds: 60 to 86400"),
        (r#","keep-claims":["a:json"]"#, "issuers[0].keep-claims: a claim's name"),
        (r#","subject":"""#, "issuers[0].keep-claims: a claim's name"),
        (r#","jwks-uri":"keys""#, "issuers[0].jwks-uri: `keys` is no URL"),
        (r#","discovery":"keys""#, "issuers[0].discovery: `keys` is no URL"),
        (r#","jwks-uri":"https://a","discovery":"https://a""#, "issuers[0].jwks-uri: nothing is discovered"),
        (r#","audience":"a""#, "issuers[0].audience: unknown field `audience`"),
    ] {
        let text = refusal(&with(more, ""));
        assert!(text.starts_with(said), "{text}");
    }
    configure::<Oidc>(r#"{"issuers":[{"issuer":"kubernetes/serviceaccount","jwks-uri":"https://a/keys","audiences":["a"]}]}"#)
        .unwrap();
}

#[test]
fn several_issuers_are_kept_apart() {
    let two = |one: &str, other: &str| {
        format!(
            r#"{{"issuers":[{{"issuer":"https://a","audiences":["a"]{one}}},{{"issuer":"https://b","audiences":["a"]{other}}}],
                "rules":[{{"when":"x == 1","groups":["g"]}}]}}"#
        )
    };
    for (one, other) in
        [("", ""), ("", r#","prefix":"b:""#), (r#","prefix":"a""#, r#","prefix":"a:""#), (r#","prefix":"a""#, r#","prefix":"a""#)]
    {
        assert!(refusal(&two(one, other)).starts_with("issuers[0].prefix: where there are several"), "{one} {other}");
    }
    let text = refusal(&two(r#","prefix":"a:""#, r#","prefix":"b:""#));
    assert!(text.starts_with("rules[0].issuer: missing: where there are several issuers"), "{text}");
    let same = two(r#","prefix":"a:""#, r#","prefix":"b:""#)
        .replace("https://b", "https://a")
        .replace("\"when\"", "\"issuer\":\"https://a\",\"when\"");
    assert_eq!(refusal(&same), "issuers[1].issuer: `https://a` is there already");
}

#[test]
fn rules_are_checked() {
    for (rule, said) in [
        (r#"{"groups":["g"]}"#, "rules[0]: missing field `when`"),
        (r#"{"when":"a == 1"}"#, "rules[0].when: nothing follows"),
        (r#"{"when":"a == 1","actions":["pull"]}"#, "rules[0].repositories: missing"),
        (r#"{"when":"a == 1","repositories":["**"]}"#, "rules[0].actions: missing or empty"),
        (r#"{"when":"a == 1","repositories":[],"actions":["pull"]}"#, "rules[0].repositories: empty"),
        (r#"{"when":"a == 1","repositories":["A"],"actions":["pull"]}"#, "rules[0].repositories"),
        (r#"{"when":"a == 1","repositories":["**"],"actions":["pul"]}"#, "rules[0].actions[0]: unknown variant `pul`"),
        (r#"{"when":"a == 1","groups":[""]}"#, "rules[0].groups: `` is no name"),
        (r#"{"when":"a == 1","groups":["g"],"issuer":"https://b"}"#, "rules[0].issuer: `https://b` is none of the issuers"),
        (r#"{"when":"a = 1","groups":["g"]}"#, "rules[0].when: at character 3: "),
        (r#"{"when":"a == 1","groups":["g"],"wen":"x"}"#, "rules[0].wen: unknown field `wen`, expected one of `when`"),
        (
            r#"{"when":"a == 1","groups":["g"]},{"when":"foo(a)","groups":["g"]}"#,
            "rules[1].when: at character 4: there is no function",
        ),
    ] {
        let text = refusal(&with("", rule));
        assert!(text.starts_with(said), "{rule}: {text}");
    }
}

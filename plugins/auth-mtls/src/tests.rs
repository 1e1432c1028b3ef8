//! Certificates as the host shows them.

use bulkhead_plugin_sdk::authenticator::Certificate;
use bulkhead_plugin_sdk::testing::{FakeHost, basic, certificate, configure, context};

use super::*;
use crate::name::{SubjectPattern, parse};

fn ask(rules: &str, certificate: Certificate) -> Authentication {
    let mut plugin: Certificates = configure(&format!(r#"{{"rules":[{rules}]}}"#)).unwrap_or_else(|error| panic!("{error:?}"));
    plugin.authenticate(&context(), &Credential::Certificate(certificate)).unwrap()
}

fn identity(rules: &str, certificate: Certificate) -> Identity {
    match ask(rules, certificate) {
        Authentication::Accepted(acceptance) => acceptance.identity,
        other => panic!("not accepted: {other:?}"),
    }
}

fn rejection(rules: &str, certificate: Certificate) -> String {
    match ask(rules, certificate) {
        Authentication::Rejected(reason) => reason,
        other => panic!("not rejected: {other:?}"),
    }
}

fn refusal(rule: &str) -> String {
    match configure::<Certificates>(&format!(r#"{{"rules":[{{"subject":"CN=a"}},{rule}]}}"#)) {
        Err(Error::Invalid(text)) => text,
        Err(other) => panic!("should be invalid, was {other:?}"),
        Ok(_) => panic!("should be refused: {rule}"),
    }
}

#[test]
fn a_certificate_that_a_rule_is_about_is_an_identity_that_ends_with_it() {
    let shown = certificate("CN=ci-7,O=Contoso", &[]);
    let expected = Identity { expires: Some(shown.expires), ..Identity::new("ci-7").with_groups(["ci"]) };
    assert_eq!(identity(r#"{"subject":"CN=ci-*,O=Contoso","groups":["ci"]}"#, shown), expected);
}

#[test]
fn an_acceptance_may_be_reused_as_the_settings_say_and_bears_no_proof() {
    for (settings, expected) in [("", 300), (r#""reuse-seconds":7,"#, 7)] {
        let mut plugin: Certificates = configure(&format!(r#"{{{settings}"rules":[{{"subject":"CN=*"}}]}}"#)).unwrap();
        let answer = plugin.authenticate(&context(), &Credential::Certificate(certificate("CN=a", &[])));
        assert!(
            matches!(&answer, Ok(Authentication::Accepted(Acceptance { reuse, proof: None, .. })) if *reuse == expected),
            "{answer:?}"
        );
        assert_eq!(plugin.lookup(&context(), "a", None), Ok(Standing::Untracked));
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = r#"{"subject":"CN=admin,O=Contoso","groups":["ops"]},{"subject":"CN=*,O=Contoso","user":"staff-{cn}"}"#;
    assert_eq!(identity(rules, certificate("CN=admin,O=Contoso", &[])).groups, ["ops"]);
    assert_eq!(identity(rules, certificate("CN=bob,O=Contoso", &[])).subject, "staff-bob");
}

#[test]
fn what_no_rule_is_about_is_left_to_the_next() {
    let rules = r#"{"subject":"CN=ci-*,O=Contoso"}"#;
    for subject in
        ["CN=bob,O=Contoso", "CN=ci-1", "CN=ci-1,O=Evil", "O=Contoso,CN=ci-1", "", "nonsense", "CN=ci-1,O=Contoso,C=DE"]
    {
        assert_eq!(ask(rules, certificate(subject, &[])), Authentication::Abstained, "{subject}");
    }
    let mut plugin: Certificates = configure(&format!(r#"{{"rules":[{rules}]}}"#)).unwrap();
    for credential in [basic("ci-1", "x"), Credential::Bearer("CN=ci-1,O=Contoso".to_owned())] {
        assert_eq!(plugin.authenticate(&context(), &credential), Ok(Authentication::Abstained));
    }
}

#[test]
fn a_value_cannot_pass_for_other_parts_of_the_subject() {
    let rules = r#"{"subject":"CN=ci-*,O=Contoso"}"#;
    for subject in [
        r"CN=ci-1\,O\=Contoso,O=Evil",
        r"CN=ci-1\,O=Contoso",
        r"CN=ci-1\2CO\3DContoso,O=Evil",
        "CN=ci-1,OU=x,O=Contoso",
        "CN=ci-1+O=Contoso",
        "CN=ci-1+OU=x,O=Contoso",
        "OU=ci-1,O=Contoso",
        r"CN=ci-1,O=Contoso\ ",
        "CN=ci-1,O=contoso",
    ] {
        assert_eq!(ask(rules, certificate(subject, &[])), Authentication::Abstained, "{subject}");
    }
    // The other way round, what is escaped is part of the value.
    assert_eq!(identity(rules, certificate(r"CN=ci-1\,O\=Evil,O=Contoso", &[])).subject, "ci-1,O=Evil");
}

#[test]
fn subjects_are_taken_apart_as_rfc_4514_says() {
    let parts = |text: &str| parse(text).unwrap();
    let of = |pairs: &[&[(&str, &str)]]| -> Vec<Vec<(String, String)>> {
        pairs.iter().map(|part| part.iter().map(|(kind, value)| ((*kind).to_owned(), (*value).to_owned())).collect()).collect()
    };
    assert_eq!(parts(""), of(&[]));
    assert_eq!(parts("cn = a b , O= c"), of(&[&[("CN", "a b")], &[("O", "c")]]));
    assert_eq!(parts("OU=Sales+CN=J.  Smith,DC=example"), of(&[&[("OU", "Sales"), ("CN", "J.  Smith")], &[("DC", "example")]]));
    assert_eq!(parts(r"CN=James \22Jim\22 Smith\, III"), of(&[&[("CN", "James \"Jim\" Smith, III")]]));
    assert_eq!(parts(r"CN=Lu\C4\8Di\C4\87"), of(&[&[("CN", "Lučić")]]));
    assert_eq!(parts(r"CN=a\\,O=b"), of(&[&[("CN", "a\\")], &[("O", "b")]]));
    assert_eq!(parts(r"CN=a\ ,O=b"), of(&[&[("CN", "a ")], &[("O", "b")]]));
    assert_eq!(parts("1.3.6.1.4.1=#04024869"), of(&[&[("1.3.6.1.4.1", "#04024869")]]));
    for text in ["CN", "CN=a,", ",", "=a", "C N=a", r"CN=a\", r"CN=a\zz", r"CN=a\F", r"CN=\FF"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_pattern_can_leave_open_what_follows() {
    let matches = |pattern: &str, subject: &str| SubjectPattern::parse(pattern).unwrap().matches(&parse(subject).unwrap());
    assert!(matches("CN=ci-?, O=Contoso Ltd, *", "CN=ci-1,O=Contoso Ltd,L=Berlin,C=DE"));
    assert!(matches("CN=ci-?,O=Contoso Ltd,*", "CN=ci-1,O=Contoso Ltd"));
    assert!(!matches("CN=ci-?,O=Contoso Ltd,*", "CN=ci-1"));
    assert!(!matches("CN=ci-?,O=Contoso Ltd,*", "OU=x,CN=ci-1,O=Contoso Ltd"));
    assert!(matches("cn=a+OU=b", "OU=b+CN=a"), "the order within a part is none");
    assert!(!matches("CN=*+CN=*", "CN=a"));
    assert!(matches("O=*", "O=\u{e9}"));
}

#[test]
fn alternative_names_are_matched_any_of_them_with_any_pattern() {
    let rules = r#"{"names":["dns:*.ci.example.com","uri:spiffe://example.com/ci/*"],"user":"ci"}"#;
    for names in [&["dns:a.ci.example.com"][..], &["dns:A.CI.example.COM"], &["ip:10.0.0.1", "uri:spiffe://example.com/ci/x"]] {
        assert_eq!(identity(rules, certificate("", names)).subject, "ci");
    }
    for names in [
        &[][..],
        &["dns:ci.example.com"],
        &["dns:a.ci.example.com.evil.org"],
        &["email:a.ci.example.com"],
        &["uri:dns:a.ci.example.com"],
    ] {
        assert_eq!(ask(rules, certificate("CN=a.ci.example.com", names)), Authentication::Abstained, "{names:?}");
    }
}

#[test]
fn a_fingerprint_is_one_certificate() {
    let colons = vec!["AA"; 32].join(":");
    assert_eq!(identity(&format!(r#"{{"fingerprints":["{colons}"],"user":"one"}}"#), certificate("CN=x", &[])).subject, "one");
    let other = "b".repeat(64);
    assert_eq!(
        ask(&format!(r#"{{"fingerprints":["{other}"],"user":"one"}}"#), certificate("CN=x", &[])),
        Authentication::Abstained
    );
}

#[test]
fn all_that_a_rule_names_has_to_match() {
    let rule = format!(r#"{{"subject":"CN=a","names":["dns:a"],"fingerprints":["{}"]}}"#, "a".repeat(64));
    assert_eq!(identity(&rule, certificate("CN=a", &["dns:a"])).subject, "a");
    assert_eq!(ask(&rule, certificate("CN=b", &["dns:a"])), Authentication::Abstained);
    assert_eq!(ask(&rule, certificate("CN=a", &["dns:b"])), Authentication::Abstained);
    let another = Certificate { fingerprint: "c".repeat(64), ..certificate("CN=a", &["dns:a"]) };
    assert_eq!(ask(&rule, another), Authentication::Abstained);
}

#[test]
fn the_users_name_is_made_of_what_the_certificate_has_once() {
    let user = |template: &str, names: &str| format!(r#"{{"subject":"CN=*,OU=*,O=*,UID=*",{names}"user":"{template}"}}"#);
    let shown =
        || certificate("CN=ci,OU=build,O=Contoso Ltd,UID=7", &["dns:a.example.com", "email:a@example.com", "uri:spiffe://x/y"]);
    for (template, names, expected) in [
        ("{cn}", "", "ci"),
        ("mtls:{ou}/{cn}", "", "mtls:build/ci"),
        ("{o}", "", "Contoso Ltd"),
        ("{uid}{dns}", r#""names":["dns:*.example.com"],"#, "7a.example.com"),
        ("{email}", r#""names":["email:*@example.com"],"#, "a@example.com"),
        ("{uri}", r#""names":["uri:spiffe://x/*"],"#, "spiffe://x/y"),
        ("{subject}", "", "CN=ci,OU=build,O=Contoso Ltd,UID=7"),
        ("robot", "", "robot"),
    ] {
        assert_eq!(identity(&user(template, names), shown()).subject, expected);
    }
    assert_eq!(identity(&user("{fingerprint}", ""), shown()).subject, "a".repeat(64));
    let open = |template: &str| format!(r#"{{"subject":"CN=*,*","user":"{template}"}}"#);
    let pinned = format!(r#"{{"fingerprints":["{}"],"user":"{{dns}}"}}"#, "a".repeat(64));
    assert_eq!(rejection(&pinned, certificate("CN=a,O=b", &[])), "rule 1: the certificate has no dns: to make a name of");
    assert!(rejection(&open("{cn}"), certificate("CN=a,CN=b", &[])).contains("more than one CN"));
    let by_name = r#"{"names":["dns:*"],"user":"{dns}"}"#;
    assert!(rejection(by_name, certificate("CN=a", &["dns:a", "dns:b"])).contains("more than one dns:"));
    assert!(rejection(&open("{cn}"), certificate("CN=", &[])).contains("no name of 1 to 256 bytes"));
    assert!(rejection(&open("{cn}"), certificate(r"CN=a\0Ab", &[])).contains("no name of 1 to 256 bytes"));
    assert!(rejection(&open("{cn}"), certificate(&format!("CN={}", "x".repeat(257)), &[])).contains("no name"));
}

#[test]
fn a_name_that_the_rule_does_not_constrain_stops_the_start() {
    let fingerprint = "a".repeat(64);
    for (rule, takes) in [
        // Without a `user` it is the subject's CN.
        (r#"{"names":["dns:*.ci.example.com"]}"#, "the CN of the subject"),
        (r#"{"subject":"O=Contoso"}"#, "the CN of the subject"),
        (r#"{"subject":"O=Contoso,*","user":"x-{cn}"}"#, "the CN of the subject"),
        (r#"{"subject":"CN=a,*","user":"{cn}.{ou}"}"#, "the OU of the subject"),
        (r#"{"subject":"CN=a","user":"{dns}"}"#, "the name that begins with `dns:`"),
        (r#"{"names":["uri:spiffe://x/*"],"user":"{dns}"}"#, "the name that begins with `dns:`"),
        (r#"{"names":["dns:a","uri:spiffe://x/*"],"user":"{dns}"}"#, "the name that begins with `dns:`"),
        (r#"{"subject":"CN=a,*","user":"{subject}"}"#, "all of the subject"),
        (r#"{"names":["dns:a"],"user":"{subject}"}"#, "all of the subject"),
    ] {
        let text = refusal(rule);
        assert!(text.starts_with("rules[1].user: ") && text.contains(takes), "{rule}: {text}");
    }
    for rule in [
        r#"{"subject":"CN=*","names":["dns:*"],"user":"{cn}{dns}"}"#.to_owned(),
        r#"{"names":["dns:a","dns:b"],"user":"{dns}"}"#.to_owned(),
        r#"{"names":["dns:a"],"user":"{fingerprint}"}"#.to_owned(),
        format!(r#"{{"fingerprints":["{fingerprint}"]}}"#),
        format!(r#"{{"fingerprints":["{fingerprint}"],"user":"{{subject}}{{uri}}"}}"#),
    ] {
        assert!(configure::<Certificates>(&format!(r#"{{"rules":[{rule}]}}"#)).is_ok(), "{rule}");
    }
}

#[test]
fn a_star_of_a_uri_stays_between_two_slashes() {
    let rules = r#"{"names":["uri:spiffe://example.com/ns/*/sa/ci-?"],"user":"ci"}"#;
    let is_ci = |uri: &str| ask(rules, certificate("", &[uri])) != Authentication::Abstained;
    assert!(is_ci("uri:spiffe://example.com/ns/team/sa/ci-1"));
    for other in [
        "uri:spiffe://example.com/ns/team/x/sa/ci-1",
        "uri:spiffe://example.com/ns/team/sa/ci-1/x",
        "uri:spiffe://example.com/ns/sa/ci-1",
        "uri:spiffe://example.com/ns/team/sa/ci-/",
        "uri:spiffe:/example.com/ns/team/sa/ci-1",
        "uri:spiffe://evil/example.com/ns/team/sa/ci-1",
        "uri:spiffe://EXAMPLE.com/ns/team/sa/ci-1",
        "dns:spiffe://example.com/ns/team/sa/ci-1",
    ] {
        assert!(!is_ci(other), "{other}");
    }
}

#[test]
fn a_certificate_that_has_ended_is_rejected() {
    let host = FakeHost::new().now(1_000).install();
    let shown = certificate("CN=a", &[]);
    host.set_now(shown.expires - 1);
    assert_eq!(identity(r#"{"subject":"CN=a"}"#, shown.clone()).subject, "a");
    host.set_now(shown.expires);
    assert_eq!(rejection(r#"{"subject":"CN=a"}"#, shown), "the certificate has ended");
}

#[test]
fn mistakes_are_named_with_rule_and_key() {
    for (rule, said) in [
        ("{}", "rules[1]: say which certificates"),
        (r#"{"user":"x"}"#, "rules[1]: say which certificates"),
        (r#"{"subject":""}"#, "rules[1].subject: empty"),
        (r#"{"subject":"*"}"#, "rules[1].subject: `*` has a part that is not like `CN=value`"),
        (r#"{"subject":"CN"}"#, "rules[1].subject: `CN` has a part"),
        (r#"{"subject":"CN="}"#, "rules[1].subject: a pattern is never empty"),
        (r#"{"names":[]}"#, "rules[1].names: empty"),
        (r#"{"names":["a.example.com"]}"#, "rules[1].names: `a.example.com` does not begin with"),
        (r#"{"names":["dns:"]}"#, "rules[1].names: `dns:` does not begin with"),
        (r#"{"fingerprints":[]}"#, "rules[1].fingerprints: empty"),
        (r#"{"fingerprints":["abc"]}"#, "rules[1].fingerprints: `abc` is no SHA-256"),
        (r#"{"subject":"CN=a","user":""}"#, "rules[1].user: `` is no name"),
        (r#"{"subject":"CN=a","user":"{name}"}"#, "rules[1].user: `{name}` is nothing of a certificate"),
        (r#"{"subject":"CN=a","user":"{cn"}"#, "rules[1].user: `{cn` has a `{` without a `}`"),
        (r#"{"subject":"CN=a","user":"cn}"}"#, "rules[1].user: `cn}` is no name"),
        (r#"{"subject":"CN=a","groups":[""]}"#, "rules[1].groups: `` is no name"),
        (r#"{"subject":"CN=a","group":["x"]}"#, "rules[1].group: unknown field `group`, expected one of `subject`"),
    ] {
        let text = refusal(rule);
        assert!(text.starts_with(said), "{rule}: {text}");
    }
    assert!(
        matches!(configure::<Certificates>(r#"{"rules":[]}"#), Err(Error::Invalid(text)) if text.starts_with("rules: empty"))
    );
}

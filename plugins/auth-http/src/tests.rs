//! Through the SDK's fake host: what the service is asked, and what its answers mean.

use bulkhead_plugin_sdk::authorizer::Action;
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, access, answer, basic, certificate, configure, context, json};
use serde_json::{Value, json as value};

use super::*;

const URL: &str = "https://auth.example.com/login";
const RULES: &str = "https://auth.example.com/rules";
const PLAIN: &str = r#"{"url":"https://auth.example.com/login"}"#;
const BOTH: &str = r#"{"url":"https://auth.example.com/login","authorize-url":"https://auth.example.com/rules"}"#;

fn host(url: &str, reply: HttpResponse) -> Installed {
    FakeHost::new()
        .now(1_000_000)
        .answer(url, reply)
        .secret("service", "s3cret\n")
        .secret("broken", "a\nb")
        .secret("empty", "")
        .install()
}

fn plugin(settings: &str) -> HttpAuth {
    configure(settings).unwrap_or_else(|error| panic!("{error:?}"))
}

fn login(reply: HttpResponse) -> Result<Authentication> {
    let _host = host(URL, reply);
    plugin(PLAIN).authenticate(&context(), &basic("alice", "hunter2"))
}

fn body(host: &Installed) -> Value {
    let requests = host.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].method.as_str(), requests[0].header("content-type")), ("POST", Some("application/json")));
    serde_json::from_slice(&requests[0].body).unwrap()
}

fn refused(status: u16, body: &str) -> HttpResponse {
    HttpResponse { body: body.into(), ..answer(status) }
}

#[test]
fn the_service_is_asked_with_the_credential_and_where_it_came_from() {
    let host = host(URL, json(r#"{"user":"alice"}"#));
    let answer = plugin(PLAIN).authenticate(&context(), &basic("alice", "hunter2"));
    assert_eq!(answer, Ok(Authentication::accept_for("alice", 30)));
    let expected = value!({
        "version": 1,
        "registry": "default",
        "plugin": "plugin",
        "request": {"id": "request-1", "address": "192.0.2.1", "user-agent": "docker/29.0.0", "encrypted": true},
        "credential": {"kind": "basic", "user": "alice", "secret": "hunter2"},
    });
    assert_eq!(body(&host), expected);
    assert_eq!(host.requests()[0].header("authorization"), None);
}

#[test]
fn an_identity_is_taken_over_with_groups_claims_end_and_reuse() {
    let reply = r#"{"user":"alice","groups":["ops","dev"],"claims":{"team":"build"},"expires":1767225600,"reuse-seconds":5}"#;
    let expected = Identity {
        expires: Some(1_767_225_600_000),
        ..Identity::new("alice").with_groups(["ops", "dev"]).with_claim("team", "build")
    };
    assert_eq!(login(json(reply)), Ok(Authentication::accept_for(expected, 5)));
}

#[test]
fn only_kinds_of_credentials_that_the_settings_name_leave_the_registry() {
    let all =
        [basic("alice", "hunter2"), Credential::Bearer("t0ken".into()), Credential::Certificate(certificate("CN=a", &["dns:a"]))];
    let asked = [
        value!({"kind": "basic", "user": "alice", "secret": "hunter2"}),
        value!({"kind": "bearer", "token": "t0ken"}),
        value!({"kind": "certificate", "subject": "CN=a", "names": ["dns:a"], "fingerprint": "a".repeat(64), "expires": 1_767_229_200}),
    ];
    for (index, kind) in ["basic", "bearer", "certificate"].into_iter().enumerate() {
        let settings = format!(r#"{{"url":"{URL}","credentials":["{kind}"]}}"#);
        for (other, credential) in all.iter().enumerate() {
            let host = host(URL, json(r#"{"user":"alice"}"#));
            let answer = plugin(&settings).authenticate(&context(), credential);
            if index == other {
                assert_eq!(answer, Ok(Authentication::accept_for("alice", 30)));
                assert_eq!(body(&host)["credential"], asked[index]);
            } else {
                assert_eq!(answer, Ok(Authentication::Abstained));
                assert_eq!(host.requests(), [], "nothing was sent");
            }
        }
    }
    let host = host(URL, json(r#"{"user":"alice"}"#));
    assert_eq!(plugin(PLAIN).authenticate(&context(), &all[1]), Ok(Authentication::Abstained), "a token is not sent by default");
    assert_eq!(host.requests(), []);
}

#[test]
fn a_status_says_wrong_unknown_or_that_nobody_can_say() {
    assert_eq!(login(answer(401)), Ok(Authentication::reject("the service answers 401")));
    assert_eq!(login(refused(403, r#"{"reason":"locked\nout"}"#)), Ok(Authentication::reject("locked\\nout")));
    assert_eq!(login(refused(401, r#"{"message":"no"}"#)), Ok(Authentication::reject("the service answers 401")));
    assert!(
        matches!(login(refused(401, &format!(r#"{{"reason":"{}"}}"#, "x".repeat(999)))), Ok(Authentication::Rejected(text)) if text.len() == 200)
    );
    assert_eq!(login(answer(404)), Ok(Authentication::Abstained));
    for status in [0, 100, 201, 202, 204, 301, 302, 307, 400, 405, 407, 410, 418, 429, 500, 502, 503, 504] {
        let reply = HttpResponse { status, ..json(r#"{"user":"alice"}"#) };
        assert!(matches!(login(reply), Err(Error::Unavailable(away)) if away.reason.contains(&status.to_string())), "{status}");
    }
}

#[test]
fn an_answer_that_is_not_understood_lets_nobody_in() {
    for reply in [
        "",
        "<html>",
        "null",
        "[]",
        "{}",
        r#""alice""#,
        r#"{"user":7}"#,
        r#"{"user":null}"#,
        r#"{"name":"alice"}"#,
        r#"{"user":"alice","group":["ops"]}"#,
        r#"{"user":"alice","Expires":1}"#,
        r#"{"user":"alice","expires":"2026-01-01T00:00:00Z"}"#,
        r#"{"user":"alice","expires":-1}"#,
        r#"{"user":"alice","claims":{"a":1}}"#,
        r#"{"user":"alice","reuse-seconds":-1}"#,
        r#"{"user":"alice","user":"bob"}"#,
        r#"{"user":"alice"} {"user":"bob"}"#,
    ] {
        assert!(matches!(login(json(reply)), Err(Error::Unavailable(_))), "{reply}");
    }
    assert!(matches!(login(json(r#"{"user":"alice","expires":18446744073709551615}"#)), Err(Error::Internal(_))));
}

#[test]
fn a_service_that_is_away_or_not_granted_lets_nobody_in() {
    let _host = FakeHost::new().failure(URL, Error::unavailable("no route")).install();
    assert!(matches!(plugin(PLAIN).authenticate(&context(), &basic("a", "b")), Err(Error::Unavailable(_))));
    let _host = FakeHost::new().install();
    assert!(matches!(plugin(PLAIN).authenticate(&context(), &basic("a", "b")), Err(Error::Denied(_))));
}

#[test]
fn the_service_knows_by_a_secret_who_asks() {
    let with = |more: &str| format!(r#"{{"url":"{URL}","secret":"service"{more}}}"#);
    let header = |settings: &str, name: &str| {
        let host = host(URL, json(r#"{"user":"alice"}"#));
        plugin(settings).authenticate(&context(), &basic("alice", "hunter2")).unwrap();
        host.requests()[0].header(name).map(str::to_owned)
    };
    assert_eq!(header(&with(""), "authorization").as_deref(), Some("Bearer s3cret"));
    let other = with(r#","secret-header":"X-Api-Key""#);
    assert_eq!(header(&other, "x-api-key").as_deref(), Some("s3cret"));
    assert_eq!(header(&other, "authorization"), None);
    for (name, is_denied) in [("other", true), ("broken", false), ("empty", false)] {
        let host = host(URL, json(r#"{"user":"alice"}"#));
        let answer = plugin(&with("").replace("service", name)).authenticate(&context(), &basic("alice", "hunter2"));
        assert!(matches!((&answer, is_denied), (Err(Error::Denied(_)), true) | (Err(Error::Internal(_)), false)), "{answer:?}");
        assert_eq!(host.requests(), [], "nothing was sent without it");
    }
}

#[test]
fn neither_credentials_nor_the_secret_are_in_errors_or_in_the_log() {
    for reply in [answer(500), answer(401), json("nonsense")] {
        let host = host(URL, reply);
        let mut plugin = plugin(&format!(r#"{{"url":"{URL}","secret":"service"}}"#));
        let said = format!("{:?}", plugin.authenticate(&context(), &basic("alice", "hunter2")));
        assert!(!said.contains("hunter2") && !said.contains("s3cret"), "{said}");
        assert_eq!(host.log(), []);
    }
}

#[test]
fn without_a_url_for_it_nothing_is_asked_about_accesses() {
    let host = host(URL, answer(500));
    let alice = Identity::new("alice").vouched_by("plugin");
    let verdict = plugin(PLAIN).authorize(&context(), Some(&alice), &access(Action::Pull, Some("a")));
    assert_eq!(verdict, Ok(Verdict::Abstain));
    assert_eq!(host.requests(), []);
}

#[test]
fn all_accesses_of_a_request_are_asked_about_at_once() {
    let reply = r#"{"verdicts":[{"verdict":"allow","reason":"maintainer"},{"verdict":"deny","reason":"frozen"},{"verdict":"abstain"}],"reuse-seconds":4}"#;
    let host = host(RULES, json(reply));
    let mut plugin = plugin(BOTH);
    let alice = Identity::new("alice").with_groups(["ops"]).with_claim("team", "build").vouched_by("staff");
    let accesses = [
        access(Action::Push, Some("team/app")),
        access(Action::WriteMetadata, Some("a")),
        access(Action::ListRepositories, None),
    ];
    let verdicts = plugin.authorize_all(&context(), Some(&alice), &accesses).unwrap();
    assert_eq!(verdicts, [Verdict::allow_because("maintainer"), Verdict::deny("frozen"), Verdict::Abstain]);
    assert_eq!(plugin.reuse(), 4);
    let asked = body(&host);
    assert_eq!(asked["caller"], value!({"vouched-by": "staff", "user": "alice", "groups": ["ops"], "claims": {"team": "build"}}));
    assert_eq!(
        asked["accesses"],
        value!([
            {"action": "push", "repository": "team/app"},
            {"action": "write-metadata", "repository": "a"},
            {"action": "list", "repository": null}
        ])
    );
    assert_eq!((asked.get("credential"), &asked["registry"]), (None, &value!("default")));
}

#[test]
fn an_anonymous_caller_is_none_and_how_long_a_verdict_is_reused_is_a_setting_too() {
    let host = host(RULES, json(r#"{"verdicts":[{"verdict":"allow"}]}"#));
    let mut plugin = plugin(&BOTH.replace(r#"{"url""#, r#"{"reuse-seconds":9,"url""#));
    assert_eq!(plugin.authorize(&context(), None, &access(Action::Pull, Some("a"))), Ok(Verdict::allow()));
    assert_eq!((body(&host)["caller"].clone(), plugin.reuse()), (Value::Null, 9));
}

#[test]
fn verdicts_that_do_not_fit_or_do_not_come_are_errors() {
    for reply in [
        json(r#"{"verdicts":[]}"#),
        json(r#"{"verdicts":[{"verdict":"allow"},{"verdict":"allow"}]}"#),
        json(r#"{"verdicts":[{"verdict":"Allow"}]}"#),
        json(r#"{"verdicts":["allow"]}"#),
        json(r#"{"verdicts":[{"verdict":"allow","until":5}]}"#),
        json(r#"{"verdicts":[{"verdict":"allow"}],"reuse":5}"#),
        json("{}"),
        answer(204),
        answer(401),
        answer(403),
        answer(404),
        answer(500),
    ] {
        let _host = host(RULES, reply.clone());
        let verdict = plugin(BOTH).authorize(&context(), None, &access(Action::Pull, Some("a")));
        assert!(matches!(verdict, Err(Error::Unavailable(_))), "{reply:?}: {verdict:?}");
    }
}

#[test]
fn settings_that_make_no_sense_stop_the_start() {
    let refusal = |settings: &str| match configure::<HttpAuth>(settings) {
        Err(Error::Invalid(text)) => text,
        other => panic!("should be refused as invalid, was {:?}", other.err()),
    };
    assert!(refusal("{}").contains("missing field `url`"));
    for url in ["auth.example.com", "ftp://a/", "https://", "https://u:p@a/", "https://a/ b"] {
        assert!(refusal(&format!(r#"{{"url":"{url}"}}"#)).starts_with("url: `"), "{url}");
        assert!(refusal(&format!(r#"{{"url":"{URL}","authorize-url":"{url}"}}"#)).starts_with("authorize-url: `"), "{url}");
    }
    for header in ["", "a b", "a:", "Content-Type"] {
        let text = refusal(&format!(r#"{{"url":"{URL}","secret-header":"{header}"}}"#));
        assert!(text.starts_with("secret-header: `"), "{text}");
    }
    assert!(refusal(&format!(r#"{{"url":"{URL}","credentials":["cookie"]}}"#)).starts_with("credentials[0]: unknown variant"));
    assert!(refusal(&format!(r#"{{"url":"{URL}","urls":1}}"#)).starts_with("urls: unknown field `urls`, expected one of `url`"));
}

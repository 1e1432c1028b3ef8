//! Where keys come from, and when they are read again.

use bulkhead_plugin_sdk::testing::{FakeHost, answer, json};

use super::*;

const FILE: &str = "; mine\n[other]\naws_access_key_id=A0\naws_secret_access_key=S0\n\n[default]\naws_access_key_id = A1\n\
                    aws_secret_access_key = S1=\nregion = x\n[ci]\naws_access_key_id=A2\naws_secret_access_key=S2\naws_session_token=T2\n";
const IMDS: &str = "http://169.254.169.254";

fn settings(json: &str) -> Settings {
    serde_json::from_str(json).unwrap()
}

fn from(json: &str) -> Result<Credentials> {
    Credentials::new(settings(json))
}

fn refusal(json: &str) -> String {
    match from(json).err() {
        Some(Error::Invalid(text) | Error::Denied(text)) => text,
        other => panic!("{json} must be refused, was {other:?}"),
    }
}

fn given(id: &str, expiration: &str) -> HttpResponse {
    json(format!(r#"{{"Code":"Success","AccessKeyId":"{id}","SecretAccessKey":"S","Token":"T","Expiration":"{expiration}"}}"#))
}

fn plain(body: &str) -> HttpResponse {
    HttpResponse { body: body.into(), ..answer(200) }
}

#[test]
fn a_secret_that_was_changed_is_used_after_a_minute_or_a_refusal() {
    let host = FakeHost::new().now(0).secret("key", "S1\n").install();
    let mut credentials = from(r#"{"access-key-id":"A","secret-access-key":"key"}"#).unwrap();
    assert_eq!(credentials.keys().unwrap().secret, "S1");
    let host = {
        drop(host);
        FakeHost::new().now(59_999).secret("key", "S2").install()
    };
    assert_eq!(credentials.keys().unwrap().secret, "S1");
    host.set_now(60_000);
    assert_eq!(credentials.keys().unwrap().secret, "S2");
    assert_eq!(credentials.renew(), Ok(false));
    let _host = {
        drop(host);
        FakeHost::new().now(60_001).secret("key", "S3").install()
    };
    assert_eq!(credentials.renew(), Ok(true));
    assert_eq!(credentials.keys().unwrap().secret, "S3");
}

#[test]
fn an_id_may_be_a_secret_and_a_token_is_one() {
    let _host = FakeHost::new().secret("id", "A").secret("key", "S").secret("token", "T").install();
    let mut credentials = from(r#"{"access-key-id":"secret:id","secret-access-key":"key","session-token":"token"}"#).unwrap();
    assert!(credentials.keys().unwrap() == Keys { id: "A".into(), secret: "S".into(), token: Some("T".into()) });
}

#[test]
fn a_file_has_the_keys_of_several_profiles() {
    let _host = FakeHost::new().secret("aws", FILE).install();
    let keys = from(r#"{"file":"aws"}"#).unwrap().keys().unwrap();
    assert_eq!((keys.id.as_str(), keys.secret.as_str(), keys.token), ("A1", "S1=", None));
    let keys = from(r#"{"file":"aws","profile":"ci"}"#).unwrap().keys().unwrap();
    assert_eq!((keys.id.as_str(), keys.token.as_deref()), ("A2", Some("T2")));
    let text = refusal(r#"{"file":"aws","profile":"none"}"#);
    assert!(text.starts_with("credentials.file: ") && !text.contains("S1"), "{text}");
}

#[test]
fn what_is_not_granted_or_makes_no_sense_stops_the_start() {
    let _host = FakeHost::new().secret("key", "S").secret("empty", "").install();
    for (json, begins) in [
        ("{}", "credentials: give"),
        (r#"{"access-key-id":"A"}"#, "credentials: give"),
        (r#"{"file":"key","metadata":"http://a"}"#, "credentials: give"),
        (
            r#"{"access-key-id":"A","secret-access-key":"none"}"#,
            "credentials.secret-access-key: the secret `none` is not granted",
        ),
        (r#"{"access-key-id":"A","secret-access-key":"empty"}"#, "credentials: a key or token is empty"),
        (r#"{"access-key-id":"A","secret-access-key":"key","session-token":"none"}"#, "credentials.session-token: "),
        (r#"{"file":"none"}"#, "credentials.file: "),
        (r#"{"metadata":"169.254.169.254"}"#, "credentials.metadata: "),
        (r#"{"metadata":"http://169.254.169.254/","metadata-token":"key"}"#, "credentials.metadata-token: "),
        (r#"{"metadata":"http://169.254.170.2/c","metadata-token":"none"}"#, "credentials.metadata-token: "),
    ] {
        let text = refusal(json);
        assert!(text.starts_with(begins), "{json}: {text}");
    }
}

#[test]
fn a_machines_service_is_asked_with_a_token_and_again_before_the_keys_end() {
    let role = format!("{IMDS}/{}", metadata_roles());
    let host = FakeHost::new()
        .now(1_767_225_600_000) // 2026-01-01T00:00:00Z
        .answer(&format!("{IMDS}/latest/api/token"), plain("TOKEN"))
        .answer(&role, plain("registry\n"))
        .answer(&format!("{role}registry"), given("A1", "2026-01-01T06:00:00Z"))
        .answer(&format!("{role}registry"), given("A2", "2026-01-01T12:00:00Z"))
        .install();
    let mut credentials = from(&format!(r#"{{"metadata":"{IMDS}"}}"#)).unwrap();
    assert!(host.requests().is_empty(), "nobody is asked at the start");
    assert_eq!(credentials.keys().unwrap().id, "A1");
    let requests = host.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].header("X-aws-ec2-metadata-token-ttl-seconds")), ("PUT", Some("600")));
    assert!(requests[1..].iter().all(|request| request.header("X-aws-ec2-metadata-token") == Some("TOKEN")));
    host.set_now(1_767_225_600_000 + 6 * 3_600_000 - 300_001);
    assert_eq!(credentials.keys().unwrap().id, "A1");
    host.set_now(1_767_225_600_000 + 6 * 3_600_000 - 300_000);
    assert_eq!(credentials.keys().unwrap().id, "A2");
    assert_eq!(credentials.end(), Some(1_767_225_600_000 + 12 * 3_600_000));
}

fn metadata_roles() -> &'static str {
    "latest/meta-data/iam/security-credentials/"
}

#[test]
fn a_containers_service_gets_its_token_and_its_keys_serve_to_their_end_while_it_is_away() {
    let url = "http://169.254.170.23/v1/credentials";
    let host =
        FakeHost::new().now(1_767_225_600_000).secret("pod", "POD").answer(url, given("A", "2026-01-01T01:00:00Z")).install();
    let mut credentials = from(&format!(r#"{{"metadata":"{url}","metadata-token":"pod"}}"#)).unwrap();
    assert_eq!(credentials.keys().unwrap().token.as_deref(), Some("T"));
    assert_eq!(host.requests()[0].header("authorization"), Some("POD"));
    host.set_answer(url, Ok(answer(503)));
    host.set_now(1_767_225_600_000 + 3_599_999);
    assert_eq!(credentials.keys().unwrap().id, "A");
    host.set_now(1_767_225_600_000 + 3_600_000);
    assert!(matches!(credentials.keys().err(), Some(Error::Unavailable(_))));
}

//! What requests bear, and how it changes.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::testing::json;

use super::*;

const SAS: &str = r#"{"account":"contoso","container":"layers","prefix":"team/","sas":"sas"}"#;
const IDENTITY: &str =
    r#"{"account":"contoso","container":"layers","prefix":"team/","identity":"http://169.254.169.254","client-id":"7"}"#;
const TOKENS: &str = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F&client_id=7";
const NOW: u64 = 1_767_225_600_000;

fn opened(blobs: &mut Blobs) -> HttpRequest {
    match blobs.open("k", None).unwrap() {
        Source::Http(request) => request,
        other => panic!("the host asks the service, was {other:?}"),
    }
}

fn bearer(blobs: &mut Blobs) -> String {
    opened(blobs).header("authorization").unwrap().to_owned()
}

fn token(name: &str, expires: &str) -> HttpResponse {
    json(format!(r#"{{"access_token":"{name}","expires_on":{expires},"token_type":"Bearer"}}"#))
}

#[test]
fn a_rotated_key_is_used_within_a_minute() {
    let (_host, mut blobs) = blobs();
    let old = bearer(&mut blobs);
    let host = FakeHost::new().secret("key", "bmV3\n").install();
    assert_eq!(bearer(&mut blobs), old);
    host.set_now(NOW + 60_000);
    assert_ne!(bearer(&mut blobs), old);
}

#[test]
fn a_refused_request_is_tried_once_more_with_a_new_secret() {
    let (_host, mut blobs) = blobs();
    let url = format!("{BASE}/k");
    let host = FakeHost::new().secret("key", "bmV3").answer(&url, refusal(403, "AuthenticationFailed"));
    let host = host.answer(&url, there("5", "success")).install();
    assert_eq!(blobs.stat("k").unwrap().unwrap().size, 5);
    let requests = host.requests();
    assert_ne!(requests[0].header("authorization"), requests[1].header("authorization"));
    host.set_answer(&url, Ok(refusal(403, "AuthenticationFailed")));
    let Err(Error::Denied(text)) = blobs.stat("k") else { panic!("it is refused") };
    assert_eq!((text.as_str(), host.requests().len()), ("looking at a blob: the service answers 403 AuthenticationFailed", 4));
}

#[test]
fn a_sas_goes_into_every_url_and_never_to_a_client() {
    let _host = FakeHost::new().secret("sas", "?sv=1&sp=rwdl&sig=abc\n").install();
    let mut blobs: Blobs = configure(SAS).unwrap();
    let request = opened(&mut blobs);
    assert_eq!((request.url, request.headers.len()), (format!("{BASE}/k?sv=1&sp=rwdl&sig=abc"), 1));
    let begun = blobs.begin("u1").unwrap();
    let part = part(blobs.next(&begun, 0, None).unwrap());
    assert!(part.request.url.ends_with("&sv=1&sp=rwdl&sig=abc") && part.short.unwrap().url.ends_with("/u1?sv=1&sp=rwdl&sig=abc"));
    assert_eq!(blobs.link("k", 60), Ok(None));
    assert_eq!(blobs.service.source("team/x").unwrap(), format!("{BASE}/x?sv=1&sp=rwdl&sig=abc"));
}

#[test]
fn a_token_is_fetched_once_and_again_five_minutes_before_its_end() {
    let answers = FakeHost::new().answer(TOKENS, token("one", "\"1767229200\"")).answer(TOKENS, token("two", "1767232800"));
    let host = answers.install();
    let mut blobs: Blobs = configure(IDENTITY).unwrap();
    assert_eq!((bearer(&mut blobs), bearer(&mut blobs)), ("Bearer one".to_owned(), "Bearer one".to_owned()));
    assert_eq!(host.requests().len(), 1);
    assert_eq!(host.requests()[0].header("metadata"), Some("true"));
    host.set_now(NOW + 3_600_000 - 300_001);
    assert_eq!(bearer(&mut blobs), "Bearer one");
    host.set_now(NOW + 3_600_000 - 300_000);
    assert_eq!(bearer(&mut blobs), "Bearer two");
    assert_eq!(blobs.link("k", 60), Ok(None));
    let begun = blobs.begin("u1").unwrap();
    assert_eq!(part(blobs.next(&begun, 0, None).unwrap()).request.header("authorization"), Some("Bearer two"));
}

#[test]
fn no_token_is_an_error_that_says_nothing_of_what_came() {
    for (answer, is_away) in [
        (reply(400, &[], "s3cret"), false),
        (reply(429, &[], "s3cret"), true),
        (reply(500, &[], "s3cret"), true),
        (json(r#"{"access_token":"s3cret"}"#), true),
        (json("s3cret"), true),
        (token("", "1767229200"), true),
        (token("s3cret", "\"soon\""), true),
    ] {
        let _host = FakeHost::new().answer(TOKENS, answer).install();
        let mut blobs: Blobs = configure(IDENTITY).unwrap();
        let error = blobs.open("k", None).unwrap_err();
        assert_eq!(matches!(error, Error::Unavailable(_)), is_away, "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

//! What a receiver gets, and what its answers mean.

use bulkhead_plugin_sdk::Header;
use bulkhead_plugin_sdk::testing::{answer, configure, event};
use bulkhead_plugin_sdk::webhook::Action;
use serde_json::{Value, json};

use super::*;

fn post(settings: &str) -> Post {
    configure(settings).unwrap()
}

fn sent(event: &Event) -> (HttpRequest, Value) {
    let mut requests = post(r#"{"url":"https://ci.example.com/hook"}"#).format(event).unwrap();
    assert_eq!(requests.len(), 1);
    let request = requests.remove(0);
    let body = serde_json::from_slice(&request.body).unwrap();
    (request, body)
}

#[test]
fn a_push_is_posted_in_dockers_envelope() {
    let (request, body) = sent(&event(Action::Push));
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://ci.example.com/hook"));
    assert_eq!(request.header("content-type"), Some("application/vnd.docker.distribution.events.v2+json"));
    let expected = json!({"events": [{
        "id": "6f1f7c1e-0d2a-4c4b-9f0e-3d1a5b7c9e00",
        "timestamp": "2026-01-02T03:04:05.678Z",
        "action": "push",
        "target": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "size": 527,
            "digest": format!("sha256:{}", "ab".repeat(32)),
            "length": 527,
            "repository": "team/app",
            "tag": "1.0",
        },
        "request": {
            "id": "request-1",
            "addr": "192.0.2.1",
            "host": "registry.example.com",
            "method": "PUT",
            "useragent": "docker/29.0.0",
        },
        "actor": {"name": "alice"},
        "source": {"addr": "registry.example.com", "instanceID": "default"},
    }]});
    assert_eq!(body, expected);
}

#[test]
fn a_mount_names_where_it_came_from_and_an_anonymous_pull_nobody() {
    let mut mount = event(Action::Mount);
    mount.target.as_mut().unwrap().mounted_from = Some("team/base".into());
    assert_eq!(sent(&mount).1["events"][0]["target"]["fromRepository"], "team/base");
    let mut pull = event(Action::Pull);
    pull.actor = None;
    assert_eq!(sent(&pull).1["events"][0]["actor"], json!({}));
}

#[test]
fn tags_are_pushes_and_deletes_with_a_tag() {
    for (action, name) in [(Action::Tag, "push"), (Action::Untag, "delete"), (Action::Delete, "delete")] {
        let body = sent(&event(action)).1;
        assert_eq!((&body["events"][0]["action"], &body["events"][0]["target"]["tag"]), (&json!(name), &json!("1.0")));
    }
}

#[test]
fn a_ping_has_an_empty_target() {
    let body = sent(&event(Action::Ping)).1;
    assert_eq!((&body["events"][0]["action"], &body["events"][0]["target"]), (&json!("ping"), &json!({})));
}

#[test]
fn the_same_event_gives_the_same_request() {
    assert_eq!(sent(&event(Action::Push)), sent(&event(Action::Push)));
}

#[test]
fn headers_of_the_settings_are_sent() {
    let mut plugin = post(r#"{"url":"http://ci/","headers":{"Authorization":"Bearer x","Content-Type":"application/json"}}"#);
    let request = plugin.format(&event(Action::Push)).unwrap().remove(0);
    assert_eq!(request.header("authorization"), Some("Bearer x"));
    let types: Vec<&Header> = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-type")).collect();
    assert!(matches!(&types[..], [one] if one.value == "application/json"));
}

#[test]
fn answers_are_delivered_tried_again_or_given_up() {
    let mut plugin = post(r#"{"url":"https://ci.example.com/hook"}"#);
    for status in [200, 202, 204, 301, 308] {
        assert_eq!(plugin.judge(&answer(status)), Judgement::Delivered, "{status}");
    }
    for status in [408, 425, 429, 500, 502, 503] {
        assert_eq!(plugin.judge(&answer(status)), Judgement::Retry(None), "{status}");
    }
    for status in [400, 401, 403, 404, 410, 422, 0, 600] {
        assert!(
            matches!(plugin.judge(&answer(status)), Judgement::GiveUp(text) if text.contains(&status.to_string())),
            "{status}"
        );
    }
}

#[test]
fn retry_after_is_honoured_where_it_is_seconds() {
    let mut plugin = post(r#"{"url":"https://ci.example.com/hook"}"#);
    let busy =
        |value: &str| HttpResponse { headers: vec![Header { name: "Retry-After".into(), value: value.into() }], ..answer(429) };
    assert_eq!(plugin.judge(&busy("120")), Judgement::Retry(Some(120)));
    assert_eq!(plugin.judge(&busy("Wed, 21 Oct 2026 07:28:00 GMT")), Judgement::Retry(None));
    assert_eq!(plugin.judge(&busy("-1")), Judgement::Retry(None));
}

#[test]
fn settings_that_make_no_request_stop_the_start() {
    for settings in [
        "{}",
        r#"{"url":"ci.example.com"}"#,
        r#"{"url":"https://"}"#,
        r#"{"url":"ftp://ci/"}"#,
        r#"{"url":"https://ci/ x"}"#,
        r#"{"url":"https://ci/","headers":{"a b":"c"}}"#,
        r#"{"url":"https://ci/","headers":{"a":"b\r\nc: d"}}"#,
        r#"{"url":"https://ci/","header":{}}"#,
    ] {
        assert!(matches!(configure::<Post>(settings), Err(Error::Invalid(_))), "{settings}");
    }
}

//! Webhooks through the Wasm boundary, and the requests that the host sends for them.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::sync::Arc;

use bulkhead_core::ports::event::{Event, EventAction, EventTarget, HttpRequest, Judgement, WebhookPlugin};
use bulkhead_core::ports::plugin::PluginError;
use bulkhead_plugin::HttpGrant;
use serde_json::json;
use support::{server, spec, try_load};

fn push() -> Event {
    Event {
        id: "0".repeat(32),
        action: EventAction::Push,
        registry: "default".to_owned(),
        host: "registry.example.com".to_owned(),
        at: 1_767_225_600_000,
        target: Some(EventTarget {
            repository: "team/app".to_owned(),
            digest: format!("sha256:{}", "a".repeat(64)).parse().unwrap(),
            media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
            size: 7,
            tag: Some("v1".to_owned()),
            mounted_from: None,
            artifact_type: None,
        }),
        actor: Some("ann".to_owned()),
        request_id: "0123456789abcdef".to_owned(),
        method: "PUT".to_owned(),
        user_agent: None,
        address: "192.0.2.7:4711".to_owned(),
    }
}

async fn hook(name: &str, behaviour: Option<&str>, origin: &str) -> Arc<dyn WebhookPlugin> {
    let mut settings = json!({"url": format!("{origin}/hook")});
    if let Some(behaviour) = behaviour {
        settings["behaviour"] = behaviour.into();
    }
    let mut spec = spec(name, settings);
    spec.grants.http = HttpGrant { origins: vec![origin.parse().unwrap()], body: 64 };
    try_load(spec).await.unwrap().webhook(&"default".parse().unwrap()).unwrap()
}

#[tokio::test]
async fn an_event_becomes_a_request_that_is_sent_and_judged() {
    let origin = server(b"HTTP/1.1 202 x\r\ncontent-length: 2\r\nx-a: b\r\nconnection: close\r\n\r\nok".to_vec()).await;
    let hook = hook("webhook-http", None, &origin).await;
    let mut requests = hook.format(&push()).await.unwrap();
    assert_eq!((requests.len(), requests[0].method.as_str()), (1, "POST"));
    assert!(String::from_utf8_lossy(&requests[0].body).contains("team/app"));
    let answer = hook.send(requests.remove(0)).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (202, &b"ok"[..]));
    assert!(answer.headers.contains(&("x-a".to_owned(), "b".to_owned())));
    assert_eq!(hook.judge(answer).await.unwrap(), Judgement::Delivered);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_never_followed() {
    let origin =
        server(b"HTTP/1.1 302 x\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec())
            .await;
    let hook = hook("hostile-webhook", Some("redirect"), &origin).await;
    let mut requests = hook.format(&push()).await.unwrap();
    let answer = hook.send(requests.remove(0)).await.unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(hook.judge(answer).await.unwrap(), Judgement::Delivered);
}

#[tokio::test]
async fn nothing_is_sent_to_what_is_not_granted() {
    let hook = hook("hostile-webhook", Some("metadata"), "http://127.0.0.1:9").await;
    for request in hook.format(&push()).await.unwrap() {
        let answer = hook.send(request.clone()).await;
        assert!(matches!(answer, Err(PluginError::NotGranted(_))), "{}: {answer:?}", request.url);
    }
}

#[tokio::test]
async fn an_answer_beyond_its_limit_and_a_server_that_is_away_are_unavailable() {
    let long = format!("HTTP/1.1 200 x\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{}", "x".repeat(100));
    let origin = server(long.into_bytes()).await;
    let hook = hook("webhook-http", None, &origin).await;
    let request = |url: String| HttpRequest { method: "POST".to_owned(), url, headers: vec![], body: b"x".to_vec() };
    assert!(matches!(hook.send(request(format!("{origin}/hook"))).await, Err(PluginError::Unavailable { .. })));
    let away = self::hook("webhook-http", None, "http://127.0.0.1:1").await;
    assert!(matches!(away.send(request("http://127.0.0.1:1/hook".to_owned())).await, Err(PluginError::Unavailable { .. })));
}

#[tokio::test]
async fn localhost_is_reached_where_it_is_granted_by_that_name() {
    let origin = server(b"HTTP/1.1 200 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec()).await;
    let named = origin.replace("127.0.0.1", "localhost");
    let hook = hook("webhook-http", None, &named).await;
    let request = |url: String| HttpRequest { method: "GET".to_owned(), url, headers: vec![], body: vec![] };
    assert_eq!(hook.send(request(format!("{named}/"))).await.unwrap().status, 200);
    assert!(matches!(hook.send(request(format!("{origin}/"))).await, Err(PluginError::NotGranted(_))));
}

#[tokio::test]
async fn a_name_that_stands_for_the_host_itself_is_refused_by_its_address() {
    // `localhost` alone may; a name within it is loopback for resolvers that know RFC 6761, and unknown to others.
    let hook = hook("webhook-http", None, "http://hook.localhost:9").await;
    let request =
        HttpRequest { method: "POST".to_owned(), url: "http://hook.localhost:9/".to_owned(), headers: vec![], body: vec![] };
    assert!(matches!(hook.send(request).await, Err(PluginError::NotGranted(_) | PluginError::Unavailable { .. })));
}

#[tokio::test]
async fn too_many_requests_for_one_event_are_nonsense_and_a_panic_is_a_trap() {
    let hostile = async |behaviour: &str| hook("hostile-webhook", Some(behaviour), "http://127.0.0.1:9").await;
    assert!(matches!(
        hostile("many-requests").await.format(&push()).await,
        Err(PluginError::Nonsense(_) | PluginError::Trapped(_))
    ));
    assert!(matches!(hostile("panic").await.format(&push()).await, Err(PluginError::Trapped(_))));
    assert!(matches!(hostile("huge-body").await.format(&push()).await, Err(PluginError::Trapped(_) | PluginError::Nonsense(_))));
    assert!(matches!(hostile("loop").await.format(&push()).await, Err(PluginError::TimedOut(_))));
}

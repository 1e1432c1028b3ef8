use std::time::Duration;

use super::*;
use crate::testing::{NOW, World, request};

const SPOOFED: [(&str, &str); 2] = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-proto", "https")];

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    headers
}

fn from(peer: &Peer, lines: &[(&str, &str)]) -> (String, String, bool) {
    let origin = peer.origin(&headers(lines), NOW);
    (origin.address.to_string(), origin.source.to_string(), origin.encrypted)
}

fn told(address: &str, source: &str, encrypted: bool) -> (String, String, bool) {
    (address.to_owned(), source.to_owned(), encrypted)
}

#[test]
fn a_header_of_who_is_no_proxy_is_not_believed() {
    let world = World::behind(&["10.0.0.0/8"]);
    for address in ["192.0.2.1:40000", "11.0.0.1:40000", "[2001:db8::1]:40000"] {
        let (address, source) = (address, address.rsplit_once(':').unwrap().0.trim_matches(['[', ']']));
        assert_eq!(from(&world.peer_at(address, None), &SPOOFED), told(address, source, false));
    }
    // Where no proxy is named, nobody is one.
    assert_eq!(from(&World::new().peer_at("127.0.0.1:1", None), &SPOOFED), told("127.0.0.1:1", "127.0.0.1", false));
}

#[test]
fn a_proxys_request_is_its_clients() {
    let world = World::behind(&["10.0.0.0/8", "2001:db8:1::/48"]);
    let proxy = world.peer_at("10.0.0.1:40000", None);
    assert_eq!(from(&proxy, &SPOOFED), told("198.51.100.1", "198.51.100.1", true));
    assert_eq!(from(&proxy, &SPOOFED[..1]), told("198.51.100.1", "198.51.100.1", false));
    assert_eq!(from(&proxy, &[]), told("10.0.0.1:40000", "10.0.0.1", false));
    let chain = [("x-forwarded-for", "203.0.113.9, 198.51.100.1, 10.0.0.2")];
    assert_eq!(from(&proxy, &chain), told("198.51.100.1", "198.51.100.1", false));
    let proxy = world.peer_at("[2001:db8:1::1]:40000", None);
    assert_eq!(from(&proxy, &[("x-forwarded-for", "2001:db8:2::1")]), told("2001:db8:2::1", "2001:db8:2::1", false));
}

#[test]
fn an_ipv4_address_is_one_over_a_socket_for_both() {
    let world = World::behind(&["10.0.0.1"]);
    assert_eq!(from(&world.peer_at("[::ffff:192.0.2.1]:7", None), &[]), told("192.0.2.1:7", "192.0.2.1", false));
    assert_eq!(from(&world.peer_at("[::ffff:10.0.0.1]:7", None), &SPOOFED), told("198.51.100.1", "198.51.100.1", true));
}

#[test]
fn a_proxy_may_say_that_its_client_did_not_use_tls() {
    let proxy = World::behind(&["10.0.0.1"]).peer_at("10.0.0.1:1", Some("CN=proxy"));
    assert!(from(&proxy, &[]).2 && from(&proxy, &SPOOFED).2);
    assert!(!from(&proxy, &[("x-forwarded-proto", "http")]).2);
}

#[test]
fn a_certificate_is_the_clients_as_long_as_it_is_valid() {
    let peer = World::new().peer_at("192.0.2.1:1", Some("CN=alice"));
    let shown = |at| peer.origin(&HeaderMap::new(), at).certificate.map(|certificate| certificate.subject.clone());
    assert_eq!(shown(NOW).as_deref(), Some("CN=alice"));
    assert_eq!(shown(NOW.after(Duration::from_secs(60))), None);
}

#[test]
fn a_proxys_certificate_says_nothing_about_its_clients() {
    let proxy = World::behind(&["10.0.0.1"]).peer_at("10.0.0.1:1", Some("CN=alice"));
    assert_eq!(proxy.origin(&HeaderMap::new(), NOW).certificate, None);
    assert_eq!(proxy.origin(&headers(&SPOOFED), NOW).certificate, None);
}

#[test]
fn another_sites_page_may_not_use_its_readers_certificate() {
    let peer = World::new().peer_at("192.0.2.1:1", Some("CN=alice"));
    let shown = |site| peer.origin(&headers(&[("sec-fetch-site", site)]), NOW).certificate.is_some();
    assert!(shown("same-origin") && shown("none"));
    assert!(!shown("cross-site") && !shown("same-site") && !shown(""));
}

#[tokio::test]
async fn a_challenge_through_a_proxy_names_the_scheme_that_its_client_used() {
    let world = World::behind(&["10.0.0.1"]);
    for (address, scheme) in [("10.0.0.1:1", "https"), ("10.0.0.2:1", "http")] {
        let ask = request("GET", "/v2/").header("x-forwarded-proto", "https");
        let answer = world.send_from(&world.peer_at(address, None), ask).await;
        let realm = format!("Bearer realm=\"{scheme}://registry.test:5000/oauth2/token\"");
        assert!(answer.status == 401 && answer.header("www-authenticate").starts_with(&realm), "{address}");
    }
}

#[tokio::test]
async fn a_certificate_lets_its_holder_in_and_a_header_counts_before_it() {
    let world = World::new();
    let ask = || request("GET", "/v2/");
    let alice = world.peer_at("192.0.2.1:1", Some("CN=alice"));
    assert_eq!(world.send_from(&alice, ask()).await.status, 200);
    let wrong = ask().header("authorization", crate::testing::basic("alice", "wrong"));
    assert_eq!(world.send_from(&alice, wrong).await.refusal(), (401, "UNAUTHORIZED".to_owned()));
    assert_eq!(world.send_from(&alice, ask().header("authorization", "Basic !")).await.status, 401);
    // Nobody in the chain knows this one, so whoever shows it is nobody.
    let stranger = world.peer_at("192.0.2.1:1", Some("O=stranger"));
    assert_eq!(world.send_from(&stranger, ask()).await.refusal(), (401, "UNAUTHORIZED".to_owned()));
    let public = request("GET", "/v2/public/a/manifests/v1");
    assert_eq!(world.send_from(&stranger, public).await.refusal(), (404, "MANIFEST_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn a_token_is_had_by_a_certificate_too() {
    let world = World::new();
    let alice = world.peer_at("192.0.2.1:1", Some("CN=alice"));
    let answer = world.send_from(&alice, request("GET", "/oauth2/token?scope=repository:a:push")).await;
    assert_eq!(answer.json()["scope"], "repository:a:push");
    // It is a token like any other, over any connection.
    let bearer = format!("Bearer {}", answer.json()["token"].as_str().unwrap());
    assert_eq!(world.send(request("GET", "/v2/").header("authorization", bearer), "").await.status, 200);
}

//! The fake host keeps to the contracts in `wit/host.wit`.

use super::*;
use crate::accounts::Verification;
use crate::log::Level;
use crate::{Error, HttpRequest, accounts, clock, files, http, kv, log, random, secrets};

fn paths(entries: Vec<files::Entry>) -> Vec<String> {
    entries.into_iter().map(|entry| entry.path).collect()
}

#[test]
fn a_host_that_nobody_installed_grants_nothing() {
    assert!(matches!(files::read("/users", 10), Err(Error::Denied(_))));
    assert!(matches!(http::send(&HttpRequest::get("https://example.com/")), Err(Error::Denied(_))));
    assert!(matches!(secrets::get("token"), Err(Error::Denied(_))));
}

#[test]
fn a_listing_shows_direct_children_in_byte_order_with_directories_marked() {
    let host = FakeHost::new().directory("/blobs").install();
    for path in ["/blobs/a/b", "/blobs/a/c", "/blobs/a-b", "/blobs/a0", "/blobs/z"] {
        host.set_file(path, "x");
    }
    assert_eq!(paths(files::list("/blobs", None, 100).unwrap()), ["/blobs/a-b", "/blobs/a/", "/blobs/a0", "/blobs/z"]);
    assert_eq!(paths(files::list("/blobs/", Some("/blobs/a-b"), 2).unwrap()), ["/blobs/a/", "/blobs/a0"]);
    assert!(files::list("/blobs/none", None, 100).unwrap().is_empty());
}

#[test]
fn no_path_leaves_its_grant() {
    let _host = FakeHost::new().directory("/blobs").file("/users", "").install();
    for path in ["/blobs/../users2", "/users/../../etc/passwd", "../../etc/passwd", "/blobsx", "/users/x", "/blobs//a", "/"] {
        assert!(matches!(files::stat(path), Err(Error::Denied(_))), "{path}");
    }
}

#[test]
fn publishing_moves_once_and_then_conflicts() {
    let host = FakeHost::new().directory("/blobs").install();
    host.set_file("/blobs/UPLOADS/1", "x");
    assert_eq!(files::publish("/blobs/UPLOADS/1", "/blobs/a/b"), Ok(()));
    assert_eq!(host.paths(), ["/blobs/a/b"]);
    host.set_file("/blobs/UPLOADS/2", "y");
    assert_eq!(files::publish("/blobs/UPLOADS/2", "/blobs/a/b"), Err(Error::Conflict));
    assert_eq!(files::publish("/blobs/UPLOADS/2", "/blobs/a"), Err(Error::Conflict));
    assert_eq!(files::publish("/blobs/UPLOADS/3", "/blobs/c"), Err(Error::NotFound));
    assert_eq!(host.file("/blobs/a/b").as_deref(), Some(&b"x"[..]));
}

#[test]
fn answers_come_in_order_and_requests_are_kept() {
    let host = FakeHost::new().answer("https://a/", answer(503)).answer("https://a/", answer(200)).install();
    let request = HttpRequest::post("https://a/", "text/plain", "hello");
    let statuses: Vec<u16> = (0..3).map(|_| http::send(&request).unwrap().status).collect();
    assert_eq!(statuses, [503, 200, 200]);
    assert_eq!(host.requests().len(), 3);
    assert_eq!(host.requests()[0].header("Content-Type"), Some("text/plain"));
}

#[test]
fn a_value_dies_when_its_time_is_over() {
    let host = FakeHost::new().now(1000).install();
    kv::set_for("k", b"v", 2).unwrap();
    host.set_now(2999);
    assert_eq!(kv::get("k"), Ok(Some(b"v".to_vec())));
    host.set_now(3000);
    assert_eq!(kv::get("k"), Ok(None));
    assert!(kv::set(&"k".repeat(257), b"").is_err());
}

#[test]
fn clock_secrets_log_and_random_are_as_the_test_set_them() {
    let host = FakeHost::new().now(7).seed(1).secret("token", "s3cret\n").install();
    assert_eq!(clock::now(), 7);
    assert_eq!(secrets::text("token").as_deref(), Ok("s3cret"));
    let first: [u8; 16] = random::array();
    assert_ne!(first, random::array(), "two draws differ");
    log::warn!("{} users", 3);
    assert_eq!(host.log(), [LogLine { level: Level::Warn, text: "3 users".into() }]);
}

#[test]
fn a_plugin_is_configured_from_json_as_the_host_does_it() {
    struct Nothing;
    impl Plugin for Nothing {
        type Settings = crate::NoSettings;
        fn new(_: crate::NoSettings) -> Result<Self> {
            Ok(Self)
        }
    }
    assert!(configure::<Nothing>("").is_ok());
    assert!(matches!(configure::<Nothing>(r#"{"a":1}"#), Err(Error::Invalid(_))));
}

#[test]
fn a_push_is_an_image_with_the_tags_of_the_test() {
    let change = push(&[tag("v1", None), tag("latest", Some(&digest(7)))]);
    assert_eq!(change.tags(), ["v1", "latest"]);
    let Change::PutManifest(pushed) = change else { panic!("a push, was {change:?}") };
    let body: serde_json::Value = serde_json::from_slice(&pushed.body).unwrap();
    assert_eq!((body["mediaType"].as_str(), pushed.tags[1].now.clone()), (Some(pushed.media_type.as_str()), Some(digest(7))));
    assert_ne!(digest(1), digest(2));
}

#[test]
fn accounts_are_denied_unless_granted_and_are_as_the_test_set_them() {
    let ci = account("ci", Kind::ServicePrincipal);
    {
        let _host = FakeHost::new().install();
        assert!(matches!(accounts::verify("ci", "s3cret"), Err(Error::Denied(_))));
        assert!(matches!(accounts::find("ci", None), Err(Error::Denied(_))));
    }
    let host = FakeHost::new().accounts().install();
    assert_eq!((accounts::verify("ci", "s3cret"), accounts::find("ci", None)), (Ok(Verification::Unknown), Ok(None)));
    host.set_account(ci.clone(), "s3cret");
    assert!(matches!(accounts::verify("ci", "s3cret"), Ok(Verification::Right(checked)) if checked.proof == "1"));
    assert!(matches!(accounts::verify("ci", "other"), Ok(Verification::Wrong(_))));
    assert_eq!((accounts::find("ci", Some("1")), accounts::find("ci", Some("2"))), (Ok(Some(ci)), Ok(None)));
    host.remove_account("ci");
    assert_eq!(accounts::find("ci", Some("1")), Ok(None));
    for name in ["", &"x".repeat(129)] {
        assert!(matches!(accounts::find(name, None), Err(Error::Invalid(_))), "the host takes no such name");
    }
}

#[test]
fn an_answer_can_be_changed_while_a_plugin_lives() {
    let host = FakeHost::new().answer("https://a/", answer(503)).install();
    host.set_answer("https://a/", Ok(json("{}")));
    let got = http::send(&HttpRequest::get("https://a/")).unwrap();
    assert_eq!((got.status, got.header("content-type"), &got.body[..]), (200, Some("application/json"), &b"{}"[..]));
    host.set_answer("https://a/", Err(Error::unavailable("gone")));
    assert!(http::send(&HttpRequest::get("https://a/")).is_err());
}

#[test]
fn a_service_answers_what_no_other_answer_is_set_for() {
    let echo = |request: &HttpRequest| Ok(json(request.url.clone()));
    let _host = FakeHost::new().service("https://a:8443", echo).answer("https://a:8443/set", answer(204)).install();
    assert_eq!(http::send(&HttpRequest::get("https://a:8443/x?y")).unwrap().body, b"https://a:8443/x?y");
    assert_eq!(http::send(&HttpRequest::get("https://a:8443/set")).unwrap().status, 204);
    assert!(http::send(&HttpRequest::get("https://a/x")).is_err(), "another origin");
}

//! Events reach the receiver at least once, in the envelope that `registry:2` sends, over failures, kills and restarts.

use bulkhead_tests::config::Config;
use bulkhead_tests::image::{Image, media};
use bulkhead_tests::receiver::{Answer, Received, Receiver, events};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use serde_json::Value;

const ENVELOPE: &str = "application/vnd.docker.distribution.events.v2+json";

fn of_manifest(event: &Value, tag: &str) -> bool {
    event["action"] == "push" && event["target"]["tag"] == tag
}

fn has_tag(received: &[Received], tag: &str) -> bool {
    events(received).iter().any(|event| of_manifest(event, tag))
}

#[test]
fn a_push_is_told_in_the_envelope_of_docker_registry() {
    let receiver = Receiver::start([]);
    let server = Server::start(&Config::standard().webhook_http(&receiver.origin()));
    let image = Image::docker(1, &[100]);
    let alice = server.client_of(bulkhead_tests::users::ALICE);
    registry::push_image(&alice, "team/app", "v1", &image);

    let received = receiver.wait_until("the push", |received| has_tag(received, "v1"));
    for request in &received {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/hook"));
        assert_eq!(request.header("Content-Type"), Some(ENVELOPE));
    }
    let event = events(&received).into_iter().find(|event| of_manifest(event, "v1")).unwrap();
    assert!(event["id"].as_str().is_some_and(|id| !id.is_empty()), "{event}");
    assert!(event["timestamp"].as_str().is_some_and(|time| time.ends_with('Z') || time.contains('+')), "{event}");
    let target = &event["target"];
    assert_eq!(target["repository"], "team/app");
    assert_eq!(target["digest"], image.manifest.digest.as_str());
    assert_eq!(target["mediaType"], media::DOCKER_MANIFEST);
    assert_eq!(target["size"], image.manifest.bytes.len());
    assert_eq!(target["length"], image.manifest.bytes.len());
    assert_eq!(event["request"]["host"], server.host().as_str());
    assert_eq!(event["request"]["method"], "PUT");
    assert!(event["request"]["id"].is_string(), "{event}");
    assert_eq!(event["actor"]["name"], "alice");
    assert!(event["source"].is_object(), "{event}");
}

#[test]
fn a_delete_is_told() {
    let receiver = Receiver::start([]);
    let server = Server::start(&Config::open().webhook_http(&receiver.origin()));
    let image = Image::oci(1, &[100]);
    registry::push_image(&server.client(), "a/app", "v1", &image);
    server.client().delete(&format!("/v2/a/app/manifests/{}", image.manifest.digest)).expect(202);
    receiver.wait_until("the delete", |received| {
        events(received)
            .iter()
            .any(|event| event["action"] == "delete" && event["target"]["digest"] == image.manifest.digest.as_str())
    });
}

#[test]
fn an_event_is_sent_again_until_the_receiver_takes_it() {
    let receiver = Receiver::start([Answer::Status(500), Answer::Hangup, Answer::Status(503)]);
    let server = Server::start(&Config::open().webhook_http(&receiver.origin()));
    let image = Image::oci(1, &[100]);
    registry::push_image(&server.client(), "a/app", "v1", &image);

    let received =
        receiver.wait_until("the push after three failures", |received| received.len() > 3 && has_tag(&received[3..], "v1"));
    let mut ids: Vec<String> =
        events(&received).iter().filter(|event| of_manifest(event, "v1")).map(|event| event["id"].to_string()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "every attempt bears the same identifier");
}

#[test]
fn an_event_outlives_a_kill_of_the_server() {
    let receiver = Receiver::start((0..1000).map(|_| Answer::Status(500)));
    let mut server = Server::start(&Config::open().webhook_http(&receiver.origin()));
    registry::push_image(&server.client(), "a/app", "v1", &Image::oci(1, &[100]));
    receiver.wait_until("a first attempt", |received| !received.is_empty());
    server.kill9();
    let before = receiver.received().len();
    server.restart();
    let received = receiver.wait_until("an attempt of the next life", |received| has_tag(&received[before..], "v1"));
    assert!(received.len() > before);
}

#[test]
fn an_event_whose_receiver_was_away_arrives_after_a_restart() {
    let gone = Receiver::start([]);
    let origin = gone.origin();
    drop(gone);
    let mut server = Server::start(&Config::open().webhook_http(&origin));
    registry::push_image(&server.client(), "a/app", "v1", &Image::oci(1, &[100]));
    server.stop();

    // The same hook, now at an address where somebody listens.
    let receiver = Receiver::start([]);
    server.write_config(&Config::open().webhook_http(&receiver.origin()));
    server.restart();
    let received = receiver.wait_until("the push", |received| has_tag(received, "v1"));
    assert!(!received.is_empty());
}

#[test]
fn nothing_is_sent_to_an_origin_that_was_not_granted() {
    let (granted, other) = (Receiver::start([]), Receiver::start([]));
    let hook = format!("component = \"builtin:webhook-http\"\ngrants.http = [\"{}\"]", granted.origin());
    let body = |name: &str, receiver: &Receiver| {
        format!(
            "name = \"{name}\"\nplugin = \"hook\"\nactions = [\"push\"]\nscope = \"**\"\nconfig = {{ url = \"{}/{name}\" }}",
            receiver.origin()
        )
    };
    let config = Config::open().plugin("hook", &hook).webhook(&body("stolen", &other)).webhook(&body("allowed", &granted));
    let mut server = Server::stopped(&config);
    // Refused at start, or when it is tried: either way nothing arrives.
    if server.try_start().is_ok() {
        registry::push_image(&server.client(), "a/app", "v1", &Image::oci(1, &[100]));
        granted.wait_until("the granted hook's event", |received| has_tag(received, "v1"));
        server.log().wait_for("stolen");
        server.stop();
    }
    assert!(other.received().is_empty(), "{:?}", other.received());
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Receiver::start([]);
    let redirect = Answer::Redirect(format!("{}/elsewhere", other.origin()));
    let receiver = Receiver::start((0..100).map(|_| redirect.clone()));
    let server = Server::start(&Config::open().webhook_http(&receiver.origin()));
    registry::push_image(&server.client(), "a/app", "v1", &Image::oci(1, &[100]));
    receiver.wait_until("an attempt", |received| !received.is_empty());
    server.client().get("/v2/_catalog").expect(200);
    drop(server);
    assert!(other.received().is_empty(), "{:?}", other.received());
}

#[test]
fn only_events_of_the_scope_and_the_actions_are_sent() {
    let receiver = Receiver::start([]);
    let hook = format!("component = \"builtin:webhook-http\"\ngrants.http = [\"{}\"]", receiver.origin());
    let body = format!(
        "name = \"team\"\nplugin = \"hook\"\nactions = [\"push\"]\nscope = \"team/*\"\nconfig = {{ url = \"{}/hook\" }}",
        receiver.origin()
    );
    let server = Server::start(&Config::open().plugin("hook", &hook).webhook(&body));
    let client = server.client();
    let image = Image::oci(1, &[100]);
    registry::push_image(&client, "other/app", "v1", &image);
    registry::push_image(&client, "team/app", "v1", &image);
    client.delete(&format!("/v2/team/app/manifests/{}", image.manifest.digest)).expect(202);
    registry::push_image(&client, "team/last", "v2", &image);

    let received = receiver.wait_until("the last push", |received| has_tag(received, "v2"));
    for event in events(&received) {
        assert_eq!(event["action"], "push", "{event}");
        assert!(event["target"]["repository"].as_str().unwrap().starts_with("team/"), "{event}");
    }
}

#[test]
fn a_refused_push_is_not_told() {
    let receiver = Receiver::start([]);
    let server = Server::start(&Config::open().webhook_http(&receiver.origin()));
    let client = server.client();
    let image = Image::oci(1, &[100]);
    registry::put_manifest(&client, "a/app", "missing", &image.manifest).expect_error(&[400, 404], &["MANIFEST_BLOB_UNKNOWN"]);
    registry::push_image(&client, "a/app", "v1", &image);
    let received = receiver.wait_until("the push", |received| has_tag(received, "v1"));
    assert!(!has_tag(&received, "missing"));
}

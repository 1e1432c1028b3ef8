//! Webhooks that attack their host. Nothing goes where it must not, and other webhooks, pushes and pulls are not disturbed.

use bulkhead_tests::config::Config;
use bulkhead_tests::image::Image;
use bulkhead_tests::places;
use bulkhead_tests::receiver::{Answer, Receiver};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

/// A server whose events go to a hostile webhook first and to an honest one after it.
fn start(behaviour: &str, granted: &Receiver, honest: &Receiver) -> Server {
    let lines = format!(
        "config = {{ behaviour = \"{behaviour}\", url = \"{0}/attack\" }}\ngrants.http = [\"{0}\"]\n\
         limits = {{ memory = \"128MiB\", time = \"300ms\" }}",
        granted.origin()
    );
    let attack = "name = \"attack\"\nplugin = \"attack\"\nactions = [\"push\"]\nscope = \"**\"";
    Server::start(
        &Config::open().guest("attack", &places::guest("hostile-webhook"), &lines).webhook(attack).webhook_http(&honest.origin()),
    )
}

/// Pushes twice; both arrive at the honest receiver, and the registry is whole.
fn assert_others_are_not_disturbed(server: &Server, honest: &Receiver) {
    let client = server.client();
    for tag in ["1", "2"] {
        let image = Image::oci(tag.parse().unwrap(), &[1000]);
        registry::push_image(&client, "a/app", tag, &image);
        registry::assert_whole(&client, "a/app", tag, &image);
        honest.wait_until("the push at the honest webhook", |received| {
            received.iter().any(|request| {
                request.json()["events"].as_array().is_some_and(|events| events.iter().any(|event| event["target"]["tag"] == tag))
            })
        });
    }
    client.get("/healthz").expect(200);
}

/// Runs a behaviour after which the granted receiver, too, must have got nothing.
fn nothing_is_sent(behaviour: &str) {
    let (granted, honest) = (Receiver::start([]), Receiver::start([]));
    let mut server = start(behaviour, &granted, &honest);
    assert_others_are_not_disturbed(&server, &honest);
    server.stop();
    assert!(granted.received().is_empty(), "{behaviour}: {} requests arrived", granted.received().len());
}

#[test]
fn the_honest_behaviour_is_delivered() {
    let (granted, honest) = (Receiver::start([]), Receiver::start([]));
    let server = start("honest", &granted, &honest);
    assert_others_are_not_disturbed(&server, &honest);
    let received = granted.wait_for(1);
    assert_eq!(received[0].target, "/attack");
}

#[test]
fn an_endless_loop_disturbs_no_other_webhook() {
    nothing_is_sent("loop");
}

#[test]
fn a_panic_disturbs_no_other_webhook() {
    nothing_is_sent("panic");
}

#[test]
fn a_body_of_64_mib_is_not_sent() {
    nothing_is_sent("huge-body");
}

#[test]
fn a_hundred_thousand_requests_of_one_event_are_not_sent() {
    nothing_is_sent("many-requests");
}

#[test]
fn a_metadata_service_is_not_asked() {
    nothing_is_sent("metadata");
}

#[test]
fn an_origin_that_was_not_granted_is_not_asked() {
    nothing_is_sent("ungranted");
}

#[test]
fn a_redirect_to_elsewhere_is_not_followed() {
    let (other, honest) = (Receiver::start([]), Receiver::start([]));
    let target = format!("{}/inside", other.origin());
    let granted = Receiver::start((0..1000).map(|_| Answer::Redirect(target.clone())));
    let server = start("redirect", &granted, &honest);
    assert_others_are_not_disturbed(&server, &honest);
    granted.wait_for(1);
    drop(server);
    assert!(other.received().is_empty(), "the redirect was followed");
}

#[test]
fn a_panic_at_the_answer_disturbs_no_other_webhook() {
    let (granted, honest) = (Receiver::start([]), Receiver::start([]));
    let server = start("panic-in-judge", &granted, &honest);
    assert_others_are_not_disturbed(&server, &honest);
    granted.wait_for(1);
}

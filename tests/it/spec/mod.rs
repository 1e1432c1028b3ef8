//! The rules of the OCI distribution specification that bind a registry, one module for each of its sections. `tests/README.md` lists every
//! rule with its test; some are shown by tests elsewhere in this binary. `listing_repositories`, `conditions` and
//! `admission` are what Bulkhead adds to the specification.

mod admission;
mod cancelling;
mod checking;
mod conditions;
mod deleting;
mod endpoints;
mod errors;
mod listing_referrers;
mod listing_repositories;
mod listing_tags;
mod manifests_with_subject;
mod mounting;
mod negotiation;
mod proxying;
mod pulling_blobs;
mod pulling_manifests;
mod pushing_blobs_chunked;
mod pushing_blobs_monolithic;
mod pushing_manifests;
mod pushing_tags;
mod referrers_pages;
mod sparse;
mod warnings;

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::{self, Blob};
use bulkhead_tests::receiver::{Receiver, events};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use serde_json::{Value, json};

/// A server where everybody may do everything, and a client of it.
fn open() -> (Server, Client) {
    open_with(&Config::open())
}

fn open_with(config: &Config) -> (Server, Client) {
    let server = Server::start(config);
    let client = server.client();
    (server, client)
}

/// An empty index with a digest of its own for each number.
fn numbered_index(number: usize) -> Blob {
    image::empty_index(&json!({ "annotations": { "number": number.to_string() } }))
}

fn push_index(client: &Client, repository: &str, reference: &str, index: &Blob) {
    registry::put_manifest(client, repository, reference, index).expect(201);
}

/// Neither the manifest nor any tag of its repository is there.
fn assert_nothing_of(client: &Client, repository: &str, digest: &str) {
    assert_eq!(registry::tags(client, repository), Vec::<String>::new(), "a tag was stored in {repository}");
    registry::get_manifest(client, repository, digest).expect_error(&[404], &["MANIFEST_UNKNOWN", "NAME_UNKNOWN"]);
}

fn assert_digest(response: &Response, digest: &str) {
    assert_eq!(response.header("Docker-Content-Digest"), Some(digest));
}

/// A receiver that hears of every change of a server.
struct Witness {
    receiver: Receiver,
}

/// What the last push of a test is to, so that a witness knows when all is told.
const LAST: &str = "witness/last";

impl Witness {
    /// Starts an open server that tells its changes to a new witness.
    fn open(config: Config) -> (Self, Server, Client) {
        let receiver = Receiver::start([]);
        let (server, client) = open_with(&config.webhook_of(&receiver.origin(), &["push", "delete", "untag", "mount"]));
        (Self { receiver }, server, client)
    }

    /// Makes one more change, waits until it and all expected ones are told, and panics if anything else was. An event is written here as
    /// `push team/app:v1`, or `delete team/app@sha256:...` where it names no tag; a tag that goes
    /// alone is told as `delete team/app:v1`.
    fn assert_told(&self, client: &Client, expected: &[&str]) {
        let last = numbered_index(usize::MAX);
        push_index(client, LAST, "last", &last);
        let others =
            |told: Vec<Value>| -> Vec<String> { told.iter().map(summary).filter(|event| !event.contains(LAST)).collect() };
        let received = self.receiver.wait_until(&format!("{expected:?}"), |received| {
            let told = events(received);
            told.iter().any(|event| event["target"]["repository"] == LAST) && others(told).len() >= expected.len()
        });
        let mut told = others(events(&received));
        told.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(told, expected);
    }
}

fn summary(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let target = &event["target"];
    let place = match target["tag"].as_str() {
        Some(tag) => format!(":{tag}"),
        None => format!("@{}", text(&target["digest"])),
    };
    format!("{} {}{place}", text(&event["action"]), text(&target["repository"]))
}

//! The rules of the OCI distribution specification that bind a registry, one module for each of its sections. `tests/README.md` lists every
//! rule with its test; some are shown by tests elsewhere in this binary. `listing_repositories`, `conditions` and
//! what begins with `admission` are what Bulkhead adds to the specification.

mod admission;
mod admission_content;
mod admission_failures;
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

use std::collections::BTreeMap;
use std::sync::Barrier;

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

fn assert_points_to(client: &Client, repository: &str, tag: &str, index: &Blob) {
    assert_digest(&client.head(&format!("/v2/{repository}/manifests/{tag}")).expect(200), &index.digest);
}

fn assert_absent(client: &Client, repository: &str, index: &Blob) {
    let head = client.head(&format!("/v2/{repository}/manifests/{}", index.digest));
    assert_eq!(head.status, 404, "a refused manifest was stored in {repository}");
}

/// The texts of an answer's warnings, each in the one form that the specification allows, and all of them within its bound.
fn warnings(answer: &Response) -> Vec<String> {
    let values = answer.all("Warning");
    assert!(values.iter().map(|value| value.len()).sum::<usize>() <= 4096, "more than 4096 bytes of warnings");
    let texts = values.into_iter().map(|value| {
        let text = value.strip_prefix("299 - \"").and_then(|rest| rest.strip_suffix('"'));
        let text = text.unwrap_or_else(|| panic!("a code, an agent and a text, and no date: {value}"));
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{value}");
        let unescaped = text.replace("\\\\", "").replace("\\\"", "");
        assert!(!unescaped.contains(['"', '\\']), "a quote within the text is escaped: {value}");
        text.to_owned()
    });
    texts.collect()
}

/// All of these at once, each by a thread of its own; the answers' statuses, in the same order.
fn race<T: Send>(racers: Vec<T>, run: impl Fn(T) -> Response + Sync) -> Vec<u16> {
    let start = Barrier::new(racers.len());
    std::thread::scope(|scope| {
        let (start, run) = (&start, &run);
        let run_one = |racer: T| {
            scope.spawn(move || {
                start.wait();
                run(racer).status
            })
        };
        let running: Vec<_> = racers.into_iter().map(run_one).collect();
        running.into_iter().map(|racer| racer.join().unwrap()).collect()
    })
}

fn assert_digest(response: &Response, digest: &str) {
    assert_eq!(response.header("Docker-Content-Digest"), Some(digest));
}

/// A receiver that hears of every change of a server.
pub(crate) struct Witness {
    receiver: Receiver,
}

/// Where a witness makes changes of its own, so that it knows when all is told.
const LAST: &str = "witness/last";

impl Witness {
    /// Starts an open server that tells its changes to a new witness.
    fn open(config: Config) -> (Self, Server, Client) {
        let (witness, server) = Self::of(config);
        let client = server.client();
        (witness, server, client)
    }

    /// Starts a server that tells its changes to a new witness.
    pub(crate) fn of(config: Config) -> (Self, Server) {
        let witness = Self { receiver: Receiver::start([]) };
        let server = Server::start(&witness.told_by(config));
        (witness, server)
    }

    /// The configuration of a server that tells its changes to this witness.
    pub(crate) fn told_by(&self, config: Config) -> Config {
        config.webhook_of(&self.receiver.origin(), &["push", "delete", "untag", "mount"])
    }

    /// Panics unless these events, and no others, are told of all changes so far. An event is written here as
    /// `push team/app:v1`, or `delete team/app@sha256:...` where it names no tag; a tag that goes
    /// alone is told as `delete team/app:v1`.
    ///
    /// Some events are under way at once, but none sets out before those are sent that were due before it was taken up. So what comes
    /// after a first change has arrived comes after all that was made before that one.
    pub(crate) fn assert_told(&self, client: &Client, expected: &[&str]) {
        for (number, marker) in ["first", "second"].into_iter().enumerate() {
            push_index(client, LAST, marker, &numbered_index(usize::MAX - number));
            self.receiver.wait_until(marker, |received| {
                let told = events(received);
                told.iter().any(|event| event["target"]["repository"] == LAST && event["target"]["tag"] == marker)
            });
        }
        let told = events(&self.receiver.received());
        // At least once: what is sent again bears the same identifier.
        let by_id: BTreeMap<&str, &Value> =
            told.iter().map(|event| (event["id"].as_str().expect("an event has an id"), event)).collect();
        let mut told: Vec<String> = by_id.into_values().map(summary).filter(|event| !event.contains(LAST)).collect();
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

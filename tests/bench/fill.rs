//! What the lists are measured on: put there once for each server, when the first row needs it, and checked by what the rows read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bulkhead_tests::http::percent_encode;
use bulkhead_tests::image::{self, Blob, media};
use bulkhead_tests::registry;
use serde_json::json;

use crate::connection::Connection;
use crate::rows::put_manifest;
use crate::servers::{Contestant, Side};

/// How many repositories there are for the catalog.
pub const REPOSITORIES: usize = 10_000;
/// How many manifests refer to one.
pub const REFERRERS: usize = 1000;
/// Of these, so many are of [`RARE_TYPE`].
pub const RARE: usize = 100;
/// An artifact type that few referrers have.
pub const RARE_TYPE: &str = "application/vnd.example.signature.v1";
/// An artifact type that the others have.
const COMMON_TYPE: &str = "application/vnd.example.sbom.v1+json";

/// The repository with the many tags.
pub const TAGGED: &str = "bench/tags";
/// The repository with the referrers.
pub const REFERRED: &str = "bench/referrers";
/// Tags in one PUT: as many as the server takes.
const TAGS_AT_ONCE: usize = 100;
/// Connections that fill.
const CONNECTIONS: usize = 16;

/// What of it is there already.
#[derive(Default)]
pub struct Filled {
    tags: OnceLock<()>,
    repositories: OnceLock<()>,
    referrers: OnceLock<String>,
}

/// How many tags [`TAGGED`] gets.
pub const fn tags_of(side: Side) -> usize {
    match side {
        Side::Ours => 100_000,
        Side::Peer => 10_000,
    }
}

/// The tag of this number; their order is that of the numbers.
pub fn tag(number: usize) -> String {
    format!("v{number:06}")
}

/// The repository of this number; these come before all others, in the order of their numbers.
pub fn repository(number: usize) -> String {
    format!("aa/r{number:05}")
}

/// The smallest manifest that both servers take: an index of nothing.
fn empty_index() -> Blob {
    let value = json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [] });
    Blob::new(media::OCI_INDEX, serde_json::to_vec(&value).expect("a JSON value can be written"))
}

/// Makes [`TAGGED`] and its tags.
pub fn tags(contestant: &Contestant) {
    contestant.filled.tags.get_or_init(|| {
        let (manifest, host, count) = (empty_index(), contestant.address, tags_of(contestant.side()));
        tell(contestant, &format!("{count} tags"), || match contestant.side() {
            Side::Ours => share(count / TAGS_AT_ONCE, contestant, |connection, number| {
                let tags = (number * TAGS_AT_ONCE..(number + 1) * TAGS_AT_ONCE).map(|number| format!("tag={}", tag(number)));
                let reference = format!("{}?{}", manifest.digest, tags.collect::<Vec<_>>().join("&"));
                let put = put_manifest(host, TAGGED, &reference, &manifest);
                assert_eq!(connection.exchange(&put).status, 201, "a push with {TAGS_AT_ONCE} tags is taken");
            }),
            // It takes no tags beside a digest.
            Side::Peer => share(count, contestant, |connection, number| {
                let put = put_manifest(host, TAGGED, &tag(number), &manifest);
                assert_eq!(connection.exchange(&put).status, 201);
            }),
        });
    });
}

/// Makes the repositories: with a manifest, which is what our catalog lists, and with a blob, which is what the peer's lists. The
/// peer gets no manifests there: their files would take minutes to remove.
pub fn repositories(contestant: &Contestant) {
    contestant.filled.repositories.get_or_init(|| {
        let (manifest, host, source) = (empty_index(), contestant.address, "bench/blobs");
        let blob = registry::push_blob(&contestant.client(), source, b"{}");
        tell(contestant, &format!("{REPOSITORIES} repositories"), || {
            share(REPOSITORIES, contestant, |connection, number| {
                let repository = repository(number);
                let mount = format!(
                    "POST /v2/{repository}/blobs/uploads/?mount={}&from={} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n",
                    percent_encode(&blob),
                    percent_encode(source)
                );
                assert_eq!(connection.exchange(mount.as_bytes()).status, 201);
                if contestant.side() == Side::Ours {
                    assert_eq!(connection.exchange(&put_manifest(host, &repository, "latest", &manifest)).status, 201);
                }
            });
        });
    });
}

/// Makes a manifest and what refers to it; the manifest's digest.
pub fn referrers(contestant: &Contestant) -> &str {
    contestant.filled.referrers.get_or_init(|| {
        let (client, host) = (contestant.client(), contestant.address);
        let subject = empty_index();
        registry::put_manifest(&client, REFERRED, "latest", &subject).expect(201);
        let empty = Blob::new("application/vnd.oci.empty.v1+json", b"{}".to_vec());
        registry::push_blob(&client, REFERRED, &empty.bytes);
        tell(contestant, &format!("{REFERRERS} referrers"), || {
            share(REFERRERS, contestant, |connection, number| {
                let mut value = image::manifest(media::OCI_MANIFEST, &empty, vec![empty.descriptor()]);
                value["artifactType"] = json!(if number < RARE { RARE_TYPE } else { COMMON_TYPE });
                value["subject"] = subject.descriptor();
                value["annotations"] = json!({ "org.opencontainers.image.title": format!("statement {number}") });
                let manifest = Blob::json(media::OCI_MANIFEST, &value);
                assert_eq!(connection.exchange(&put_manifest(host, REFERRED, &manifest.digest, &manifest)).status, 201);
            });
        });
        subject.digest
    })
}

/// Does it for each number below `count`, over some connections.
fn share(count: usize, contestant: &Contestant, action: impl Fn(&mut Connection, usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut connection = Connection::open(contestant.address);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    action(&mut connection, number);
                }
            });
        }
    });
}

/// Says what is being put where, since it may take minutes.
fn tell(contestant: &Contestant, what: &str, action: impl FnOnce()) {
    let started = Instant::now();
    action();
    eprintln!("({what} put into {} in {:.1} s)", contestant.name, started.elapsed().as_secs_f64());
}

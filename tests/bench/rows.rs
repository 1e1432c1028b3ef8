//! What is measured. Each row does the same to both servers, and checks what they answer.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bulkhead_tests::digest::{self, Hasher, Pattern};
use bulkhead_tests::http::{Client, percent_encode};
use bulkhead_tests::image::{self, Blob, Image, media};
use bulkhead_tests::registry;

use crate::connection::Connection;
use crate::content::Body;
use crate::servers::{Contestant, Side, cpu_seconds};
use crate::{listing, logins};

/// How much each row does.
#[derive(Clone, Copy)]
pub struct Setting {
    /// The size of a large blob.
    pub mib: u64,
    /// How long a rate is measured.
    pub seconds: u64,
}

/// What one run of a row took.
pub struct Figures {
    /// What was moved or answered, in the row's unit.
    pub units: f64,
    /// On the wall's clock.
    pub seconds: f64,
    /// Of the server.
    pub cpu_seconds: f64,
}

/// Who can do what a row measures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Contenders {
    /// Both servers.
    Both,
    /// The peer has no such feature.
    OursAlone,
}

/// A line of the table.
pub struct Row {
    /// As the command line has it.
    pub name: &'static str,
    /// As the table has it.
    pub title: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// Does it once, with content that this seed makes new.
    pub run: fn(&Contestant, Setting, u64) -> Figures,
    contenders: Contenders,
}

impl Row {
    /// Whether this side has what is measured.
    pub fn has(&self, side: Side) -> bool {
        side == Side::Ours || self.contenders == Contenders::Both
    }
}

type Run = fn(&Contestant, Setting, u64) -> Figures;

const fn both(name: &'static str, title: &'static str, unit: &'static str, run: Run) -> Row {
    Row { name, title, unit, run, contenders: Contenders::Both }
}

const fn ours(name: &'static str, title: &'static str, unit: &'static str, run: Run) -> Row {
    Row { name, title, unit, run, contenders: Contenders::OursAlone }
}

/// All rows. The small writes come first: removing large files slows the file system for minutes. The lists come after them, since
/// they fill the catalog. The peer gets a tenth of the tags, because it keeps 40 KiB of files for each; it knows no pages of tags.
pub const ROWS: &[Row] = &[
    both("small-push", "push of a 1 KiB blob, 16 at once", "/s", small_push),
    both("manifest-put", "PUT of a new manifest and tag, 16 at once", "/s", manifest_put),
    both("tag-put", "PUT of a new tag, the manifest known, 16", "/s", tag_put),
    both("manifest-get", "manifest GET by tag, 32 connections", "/s", manifest_get),
    both("manifest-get-close", "the same, a new connection each", "/s", manifest_get_close),
    both("manifest-get-token", "the same, kept alive, ours with a token", "/s", manifest_get_token),
    ours("manifest-get-basic", "the same, a password each, bcrypt 10, remembered", "/s", logins::manifest_get_basic),
    ours("token", "tokens by two plugins, nothing remembered, 32", "/s", logins::token),
    both("tags-start", "1,000 of 100,000 tags (theirs: all of 10,000)", "/s", listing::tags_start),
    both("tags-middle", "the same, from the middle", "/s", listing::tags_middle),
    both("tags-end", "the same, at the end", "/s", listing::tags_end),
    both("catalog-start", "1,000 of 10,000 repositories", "/s", listing::catalog_start),
    both("catalog-middle", "the same, from the middle", "/s", listing::catalog_middle),
    both("catalog-end", "the same, at the end", "/s", listing::catalog_end),
    ours("referrers", "all 1,000 referrers of a manifest", "/s", listing::referrers),
    ours("referrers-filter", "100 of them, by artifactType", "/s", listing::referrers_of_a_type),
    both("push", "push of a large blob, in chunks", "MB/s", push),
    both("pull", "pull of a large blob", "MB/s", pull),
];

/// What the rows push to.
pub const REPOSITORY: &str = "bench/app";

/// Does it, and takes the time and the processor time that it takes.
pub fn timed(pid: u32, action: impl FnOnce() -> f64) -> Figures {
    let (cpu, started) = (cpu_seconds(pid), Instant::now());
    let units = action();
    Figures { units, seconds: started.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds(pid) - cpu }
}

/// Repeats `action` from so many threads until the time is over; how often it was done. `action` gets the thread's own state, and a
/// number that no other call gets.
pub fn repeat<S>(threads: u64, seconds: u64, begin: impl Fn() -> S + Sync, action: impl Fn(&mut S, u64) + Sync) -> f64 {
    let count = AtomicU64::new(0);
    let end = Instant::now() + Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut state = begin();
                while Instant::now() < end {
                    action(&mut state, count.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
    count.into_inner() as f64
}

fn small_push(contestant: &Contestant, setting: Setting, seed: u64) -> Figures {
    let host = contestant.address;
    timed(contestant.pid(), || {
        repeat(
            16,
            setting.seconds,
            || Connection::open(host),
            |connection, number| {
                let mut bytes = Pattern::bytes(number + 1, 1024);
                bytes[..8].copy_from_slice(&seed.to_le_bytes());
                let begin = format!("POST /v2/{REPOSITORY}/blobs/uploads/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
                let begun = connection.exchange(begin.as_bytes());
                assert_eq!(begun.status, 202);
                let upload = begun.location.expect("an upload has a location");
                let mut put = put_head(host, &upload, &digest::sha256(&bytes), bytes.len());
                put.extend_from_slice(&bytes);
                assert_eq!(connection.exchange(&put).status, 201);
            },
        )
    })
}

fn put_head(host: SocketAddr, upload: &str, digest: &str, length: usize) -> Vec<u8> {
    let separator = if upload.contains('?') { '&' } else { '?' };
    let digest = percent_encode(digest);
    format!(
        "PUT {upload}{separator}digest={digest} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

fn manifest_put(contestant: &Contestant, setting: Setting, seed: u64) -> Figures {
    let base = base_of(contestant, seed);
    put_many(contestant, setting, seed, |number| manifest_of(&base, number))
}

fn tag_put(contestant: &Contestant, setting: Setting, seed: u64) -> Figures {
    let manifest = manifest_of(&base_of(contestant, seed), 0);
    put_many(contestant, setting, seed, |_| manifest.clone())
}

/// The blobs that this seed's manifests name, pushed.
fn base_of(contestant: &Contestant, seed: u64) -> Image {
    let base = Image::docker(seed, &[1000]);
    for blob in base.blobs() {
        registry::push_blob(&contestant.client(), REPOSITORY, &blob.bytes);
    }
    base
}

/// Each PUT has a new tag, and the manifest that `manifest` has for its number.
fn put_many(contestant: &Contestant, setting: Setting, seed: u64, manifest: impl Fn(u64) -> Blob + Sync) -> Figures {
    let host = contestant.address;
    let figures = timed(contestant.pid(), || {
        repeat(
            16,
            setting.seconds,
            || Connection::open(host),
            |connection, number| {
                let request = put_manifest(host, REPOSITORY, &format!("s{seed}-{number}"), &manifest(number));
                assert_eq!(connection.exchange(&request).status, 201);
            },
        )
    });
    let first = registry::get_manifest(&contestant.client(), REPOSITORY, &format!("s{seed}-0")).expect(200);
    assert_eq!(first.body, manifest(0).bytes, "what was put comes back");
    figures
}

/// The PUT of a manifest; `reference` may have a query.
pub fn put_manifest(host: SocketAddr, repository: &str, reference: &str, manifest: &Blob) -> Vec<u8> {
    let (media_type, length) = (&manifest.media_type, manifest.bytes.len());
    let mut request = format!(
        "PUT /v2/{repository}/manifests/{reference} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {media_type}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(&manifest.bytes);
    request
}

/// A manifest of its own for each number, of a usual size.
fn manifest_of(base: &Image, number: u64) -> Blob {
    let mut value = image::manifest(media::DOCKER_MANIFEST, &base.config, vec![base.layers[0].descriptor()]);
    value["annotations"] = serde_json::json!({ "number": number.to_string(), "padding": "x".repeat(700) });
    Blob::json(media::DOCKER_MANIFEST, &value)
}

/// Pushes what is then asked for; the manifest's bytes.
pub fn prepare(client: &Client) -> Vec<u8> {
    let base = Image::docker(1, &[1000]);
    for blob in base.blobs() {
        registry::push_blob(client, REPOSITORY, &blob.bytes);
    }
    let manifest = manifest_of(&base, 0);
    registry::put_manifest(client, REPOSITORY, "latest", &manifest).expect(201);
    manifest.bytes
}

/// A GET of what [`prepare`] pushed, with these headers, each with its end of line.
pub fn manifest_request(host: SocketAddr, headers: &str) -> Vec<u8> {
    format!(
        "GET /v2/{REPOSITORY}/manifests/latest HTTP/1.1\r\nHost: {host}\r\nAccept: {}\r\n{headers}\r\n",
        media::DOCKER_MANIFEST
    )
    .into_bytes()
}

/// Sends it, and compares what comes.
pub fn fetch_manifest(connection: &mut Connection, request: &[u8], expected: &[u8]) {
    connection.send(request);
    let head = connection.head();
    assert_eq!((head.status, head.length), (200, expected.len() as u64));
    let mut seen = 0;
    connection.body(head.length, |piece| {
        assert!(piece == &expected[seen..seen + piece.len()], "another manifest came");
        seen += piece.len();
    });
}

fn manifest_get(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    let expected = prepare(&contestant.client());
    let (host, request) = (contestant.address, manifest_request(contestant.address, ""));
    timed(contestant.pid(), || {
        repeat(32, setting.seconds, || Connection::open(host), |connection, _| fetch_manifest(connection, &request, &expected))
    })
}

fn manifest_get_close(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    let expected = prepare(&contestant.client());
    let (host, request) = (contestant.address, manifest_request(contestant.address, "Connection: close\r\n"));
    timed(contestant.pid(), || {
        repeat(32, setting.seconds, || (), |(), _| fetch_manifest(&mut Connection::open(host), &request, &expected))
    })
}

fn manifest_get_token(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    let (host, client, pid) = contestant.with_tokens();
    let expected = prepare(&client);
    let request = manifest_request(host, &contestant.token_header(REPOSITORY));
    timed(pid, || {
        repeat(32, setting.seconds, || Connection::open(host), |connection, _| fetch_manifest(connection, &request, &expected))
    })
}

fn push(contestant: &Contestant, setting: Setting, seed: u64) -> Figures {
    let mut body = Body::new(seed, setting.mib);
    let digest = body.digest();
    let figures = push_body(contestant, &mut body, &digest);
    verify(contestant, &digest, body.length());
    remove(contestant, &digest);
    figures
}

fn push_body(contestant: &Contestant, body: &mut Body, digest: &str) -> Figures {
    let host = contestant.address;
    timed(contestant.pid(), || {
        let mut connection = Connection::open(host);
        let begin = format!("POST /v2/{REPOSITORY}/blobs/uploads/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
        let upload = connection.exchange(begin.as_bytes()).location.expect("an upload has a location");
        connection.send(format!("PATCH {upload} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n").as_bytes());
        body.for_each_batch(|framed| connection.send(framed));
        connection.send(b"0\r\n\r\n");
        let patched = connection.head();
        assert_eq!(patched.status, 202);
        connection.body(patched.length, |_| ());
        let upload = patched.location.expect("an upload has a location");
        assert_eq!(connection.exchange(&put_head(host, &upload, digest, 0)).status, 201);
        body.length() as f64 / 1e6
    })
}

fn pull(contestant: &Contestant, setting: Setting, seed: u64) -> Figures {
    let mut body = Body::new(seed, setting.mib);
    let digest = body.digest();
    push_body(contestant, &mut body, &digest);
    // Also reads it into the page cache, for both alike.
    verify(contestant, &digest, body.length());
    let host = contestant.address;
    let figures = timed(contestant.pid(), || {
        let mut connection = Connection::open(host);
        connection.send(format!("GET /v2/{REPOSITORY}/blobs/{digest} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        let head = connection.head();
        assert_eq!((head.status, head.length), (200, body.length()));
        connection.body(head.length, |_| ());
        head.length as f64 / 1e6
    });
    remove(contestant, &digest);
    figures
}

/// Pulls the blob and takes its digest.
fn verify(contestant: &Contestant, digest: &str, length: u64) {
    let host = contestant.address;
    let mut connection = Connection::open(host);
    connection.send(format!("GET /v2/{REPOSITORY}/blobs/{digest} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
    let head = connection.head();
    assert_eq!((head.status, head.length), (200, length));
    let mut hasher = Hasher::default();
    connection.body(length, |piece| hasher.write_all(piece).expect("a hasher takes everything"));
    assert_eq!(hasher.finish(), (digest.to_owned(), length), "what was pushed comes back");
}

/// Whether the bytes go at once or at a later collection is the server's affair.
fn remove(contestant: &Contestant, digest: &str) {
    contestant.client().delete(&format!("/v2/{REPOSITORY}/blobs/{digest}")).expect(202);
}

//! The rows that read lists. One client asks for one page after another, so that the rate is the inverse of a page's time.

use std::net::SocketAddr;

use bulkhead_tests::http::percent_encode;
use serde_json::Value;

use crate::connection::Connection;
use crate::fill::{self, RARE, RARE_TYPE, REFERRED, REFERRERS, REPOSITORIES, TAGGED};
use crate::rows::{Figures, Setting, repeat, timed};
use crate::servers::{Contestant, Side};

/// Entries of a page.
const PAGE: usize = 1000;

/// The first tags.
pub fn tags_start(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    tags(contestant, setting, 0)
}

/// Tags from the middle.
pub fn tags_middle(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    tags(contestant, setting, fill::tags_of(contestant.side()) / 2)
}

/// The last tags.
pub fn tags_end(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    tags(contestant, setting, fill::tags_of(contestant.side()) - PAGE)
}

fn tags(contestant: &Contestant, setting: Setting, first: usize) -> Figures {
    fill::tags(contestant);
    let target = format!("/v2/{TAGGED}/tags/list?n={PAGE}{}", after(first, fill::tag));
    let mut expected: Vec<String> = match contestant.side() {
        Side::Ours => (first..first + PAGE).map(fill::tag).collect(),
        // It answers with all tags, whatever `n` and `last` say.
        Side::Peer => (0..fill::tags_of(Side::Peer)).map(fill::tag).collect(),
    };
    let mut found = names(contestant, &target, "tags");
    if contestant.side() == Side::Peer {
        // In no order, too.
        found.sort();
        expected.sort();
    }
    assert_eq!(found, expected, "the tags of {target}");
    rate(contestant, setting, &target, Reach::OnePage)
}

/// The first repositories.
pub fn catalog_start(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    catalog(contestant, setting, 0)
}

/// Repositories from the middle.
pub fn catalog_middle(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    catalog(contestant, setting, REPOSITORIES / 2)
}

/// The last repositories of those that were put there for this.
pub fn catalog_end(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    catalog(contestant, setting, REPOSITORIES - PAGE)
}

fn catalog(contestant: &Contestant, setting: Setting, first: usize) -> Figures {
    fill::repositories(contestant);
    let target = format!("/v2/_catalog?n={PAGE}{}", after(first, fill::repository));
    let expected: Vec<String> = (first..first + PAGE).map(fill::repository).collect();
    assert_eq!(names(contestant, &target, "repositories"), expected, "the repositories of {target}");
    rate(contestant, setting, &target, Reach::OnePage)
}

/// All that refers to a manifest.
pub fn referrers(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    refer(contestant, setting, "", REFERRERS)
}

/// What refers to it and is of one type.
pub fn referrers_of_a_type(contestant: &Contestant, setting: Setting, _: u64) -> Figures {
    refer(contestant, setting, &format!("?artifactType={}", percent_encode(RARE_TYPE)), RARE)
}

fn refer(contestant: &Contestant, setting: Setting, query: &str, expected: usize) -> Figures {
    let subject = fill::referrers(contestant);
    let target = format!("/v2/{REFERRED}/referrers/{subject}{query}");
    assert_eq!(entries(contestant, &target, Reach::Whole, "manifests").len(), expected, "the referrers of {target}");
    rate(contestant, setting, &target, Reach::Whole)
}

/// The `last` that makes a page begin with the entry of this number.
fn after(first: usize, name: fn(usize) -> String) -> String {
    first.checked_sub(1).map(|last| format!("&last={}", percent_encode(&name(last)))).unwrap_or_default()
}

/// How far a list is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The client chose the page's length.
    OnePage,
    /// The server did: to the end.
    Whole,
}

/// Reads a list from this page on; the bodies.
fn read(connection: &mut Connection, host: SocketAddr, target: &str, reach: Reach) -> Vec<Vec<u8>> {
    let mut pages = Vec::new();
    let mut next = Some(target.to_owned());
    while let Some(target) = next {
        let mut body = Vec::new();
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let head = connection.exchange_with(request.as_bytes(), |piece| body.extend_from_slice(piece));
        assert_eq!(head.status, 200, "{target}: {}", String::from_utf8_lossy(&body));
        pages.push(body);
        next = head.next.filter(|_| reach == Reach::Whole);
    }
    pages
}

/// The entries below this member of the list's pages.
fn entries(contestant: &Contestant, target: &str, reach: Reach, member: &str) -> Vec<Value> {
    let pages = read(&mut Connection::open(contestant.address), contestant.address, target, reach);
    let mut entries = Vec::new();
    for page in pages {
        let mut page: Value = serde_json::from_slice(&page).expect("a list is JSON");
        entries.append(page[member].as_array_mut().expect("a list has entries"));
    }
    entries
}

fn names(contestant: &Contestant, target: &str, member: &str) -> Vec<String> {
    let entries = entries(contestant, target, Reach::OnePage, member);
    entries.iter().map(|name| name.as_str().expect("a name is a string").to_owned()).collect()
}

/// How often it can be read.
fn rate(contestant: &Contestant, setting: Setting, target: &str, reach: Reach) -> Figures {
    let host = contestant.address;
    timed(contestant.pid(), || {
        repeat(1, setting.seconds, || Connection::open(host), |connection, _| drop(read(connection, host, target, reach)))
    })
}

//! "Pulling blobs", with ranges as RFC 9110, section 14 has them.

use std::io::{self, Write};

use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

use super::{assert_digest, open};

const SIZE: usize = 10_000;

/// `a/app` with a blob of [`SIZE`] bytes.
fn with_blob() -> (Server, Client, Vec<u8>, String) {
    let (server, client) = open();
    let bytes = Pattern::bytes(1, SIZE);
    let digest = registry::push_blob(&client, "a/app", &bytes);
    (server, client, bytes, digest)
}

fn range(client: &Client, digest: &str, header: &str) -> Response {
    client.request("GET", &format!("/v2/a/app/blobs/{digest}")).header("Range", header).send()
}

/// The parts of a `multipart/byteranges` answer (RFC 9110, 14.6): first byte, last byte, content; in the order in which they came.
fn parts(answer: &Response) -> Vec<(usize, usize, Vec<u8>)> {
    let content_type = answer.header("Content-Type").expect("an answer has a type");
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect(content_type).trim_matches('"');
    let delimiter = format!("--{boundary}").into_bytes();
    let mut parts = Vec::new();
    let mut rest = after(&answer.body, &delimiter).expect("the body has a first delimiter");
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let content = after(part, b"\r\n\r\n").expect("a part has a head");
        let head = String::from_utf8(part[..part.len() - content.len()].to_vec()).unwrap().to_ascii_lowercase();
        assert!(head.contains("content-type: application/octet-stream"), "{head}");
        let place =
            head.split("content-range: bytes ").nth(1).and_then(|line| line.split("\r\n").next()).expect("a part has its place");
        let (place, size) = place.split_once('/').unwrap();
        assert_eq!(size, SIZE.to_string());
        let (first, last) = place.split_once('-').map(|(first, last)| (first.parse().unwrap(), last.parse().unwrap())).unwrap();
        let length: usize = last - first + 1;
        parts.push((first, last, content[..length].to_vec()));
        rest = content[length..]
            .strip_prefix(b"\r\n")
            .and_then(|rest| rest.strip_prefix(delimiter.as_slice()))
            .expect("a delimiter");
    }
    assert!(rest.starts_with(b"--"), "the last delimiter ends the body");
    parts
}

fn after<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let place = bytes.windows(wanted.len()).position(|window| window == wanted)?;
    Some(&bytes[place + wanted.len()..])
}

#[test]
fn a_blob_is_named_by_the_digest_that_it_was_pushed_under() {
    let (_server, client, bytes, digest) = with_blob();
    let pulled = registry::get_blob(&client, "a/app", &digest).expect(200);
    assert_digest(&pulled, &digest);
    assert_eq!(pulled.body, bytes);

    let sha512 = digest::sha512(&bytes);
    let upload = registry::begin(&client, "a/app");
    client.request("PUT", &upload).query("digest", &sha512).body(bytes.clone()).send().expect(201);
    let pulled = registry::get_blob(&client, "a/app", &sha512).expect(200);
    assert_digest(&pulled, &sha512);
    assert_eq!(pulled.body, bytes);
    assert_digest(&registry::get_blob(&client, "a/app", &digest).expect(200), &digest);
}

#[test]
fn several_ranges_are_answered_with_a_part_for_each() {
    let (_server, client, bytes, digest) = with_blob();
    for (header, expected) in [
        ("bytes=0-9,100-199", vec![(0, 9), (100, 199)]),
        ("bytes=500-599, 0-0 ,-10", vec![(0, 0), (500, 599), (9990, 9999)]),
        ("bytes=9000-,0-99", vec![(0, 99), (9000, 9999)]),
        // What lies outside is left out.
        ("bytes=0-9,20000-20009,50-59", vec![(0, 9), (50, 59)]),
    ] {
        let answer = range(&client, &digest, header).expect(206);
        assert!(answer.complete, "{header}");
        assert_digest(&answer, &digest);
        assert_eq!(answer.header("Content-Range"), None, "{header}");
        assert_eq!(answer.header("Content-Length"), Some(answer.body.len().to_string().as_str()), "{header}");
        let mut found = parts(&answer);
        found.sort();
        for (first, last, content) in &found {
            assert_eq!(content, &bytes[*first..=*last], "{header}");
        }
        assert_eq!(found.iter().map(|(first, last, _)| (*first, *last)).collect::<Vec<_>>(), expected, "{header}");
    }
}

#[test]
fn ranges_that_overlap_or_touch_are_one() {
    let (_server, client, bytes, digest) = with_blob();
    for (header, first, last) in [
        ("bytes=0-99,50-149", 0, 149),
        ("bytes=0-99,100-199", 0, 199),
        ("bytes=100-199,0-99", 0, 199),
        ("bytes=0-9,0-9,0-9", 0, 9),
        ("bytes=-100,9800-9900", 9800, 9999),
        ("bytes=10-19,20000-", 10, 19),
    ] {
        let answer = range(&client, &digest, header).expect(206);
        let place = format!("bytes {first}-{last}/{SIZE}");
        assert_eq!(answer.header("Content-Range"), Some(place.as_str()), "{header}");
        assert_eq!(answer.body, &bytes[first..=last], "{header}");
    }
    let joined = range(&client, &digest, "bytes=0-9,500-599,10-19").expect(206);
    let places: Vec<_> = parts(&joined).into_iter().map(|(first, last, _)| (first, last)).collect();
    assert!(places.len() == 2 && places.contains(&(0, 19)) && places.contains(&(500, 599)), "{places:?}");
}

#[test]
fn sixteen_ranges_are_answered_and_more_get_the_whole() {
    let (_server, client, bytes, digest) = with_blob();
    let header = |count: usize| {
        let ranges: Vec<String> = (0..count).map(|number| format!("{0}-{0}", number * 10)).collect();
        format!("bytes={}", ranges.join(","))
    };
    assert_eq!(parts(&range(&client, &digest, &header(16)).expect(206)).len(), 16);
    for count in [17, 1000] {
        let whole = range(&client, &digest, &header(count)).expect(200);
        assert_eq!(whole.body, bytes);
    }
}

#[test]
fn a_range_that_cannot_be_satisfied_is_answered_with_the_size() {
    let (_server, client, _bytes, digest) = with_blob();
    for header in ["bytes=10000-", "bytes=500-0", "bytes=-0", "bytes=10000-20000,30000-"] {
        let answer = range(&client, &digest, header);
        assert_eq!(answer.status, 416, "{header}");
        assert_eq!(answer.header("Content-Range"), Some("bytes */10000"), "{header}");
    }
}

#[test]
fn a_suffix_longer_than_the_blob_is_all_of_it() {
    let (_server, client, bytes, digest) = with_blob();
    let answer = range(&client, &digest, "bytes=-20000").expect(206);
    assert_eq!(answer.header("Content-Range"), Some("bytes 0-9999/10000"));
    assert_eq!(answer.body, bytes);
}

#[test]
fn what_is_not_a_range_of_bytes_gets_the_whole() {
    let (_server, client, bytes, digest) = with_blob();
    for header in ["lines=1-2", "bytes", "bytes=", "bytes=a-b", "bytes=1", "bytes=1-2-3"] {
        assert_eq!(range(&client, &digest, header).expect(200).body, bytes, "{header}");
    }
}

#[test]
fn a_range_counts_only_if_its_condition_holds() {
    let (_server, client, bytes, digest) = with_blob();
    let ask = |condition: &str| {
        let request = client.request("GET", &format!("/v2/a/app/blobs/{digest}")).header("Range", "bytes=0-9");
        request.header("If-Range", condition).send()
    };
    assert_eq!(ask(&format!("\"{digest}\"")).expect(206).body, &bytes[..10]);
    assert_eq!(ask("\"sha256:other\"").expect(200).body, bytes);
}

#[test]
fn a_head_has_no_range() {
    let (_server, client, _bytes, digest) = with_blob();
    let head = client.request("HEAD", &format!("/v2/a/app/blobs/{digest}")).header("Range", "bytes=0-9").send().expect(200);
    assert_eq!((head.header("Content-Length"), head.header("Content-Range")), (Some("10000"), None));
}

/// Keeps what comes, and breaks the connection once it has so much.
struct Breaking {
    kept: Vec<u8>,
    most: usize,
}

impl Write for Breaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.kept.len() >= self.most {
            return Err(io::Error::other("enough for a test"));
        }
        let count = bytes.len().min(self.most - self.kept.len());
        self.kept.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_interrupted_pull_goes_on_by_a_range() {
    // Far more than sockets hold, so that the server is in the middle of it when the connection breaks.
    const LARGE: usize = 48 * 1024 * 1024;
    let (mut server, client) = open();
    let bytes = Pattern::bytes(2, LARGE);
    let digest = registry::push_blob(&client, "a/app", &bytes);
    let target = format!("/v2/a/app/blobs/{digest}");
    let tag = client.head(&target).expect(200).header("ETag").expect("a blob has an entity tag").to_owned();

    let mut sink = Breaking { kept: Vec::new(), most: 1_234_567 };
    client.request("GET", &target).send_into(&mut sink).expect_err("the connection broke");
    assert_eq!(sink.kept.len(), 1_234_567);
    sink.most = 7_654_321;
    let rest = |have: usize| client.request("GET", &target).header("Range", &format!("bytes={have}-")).header("If-Range", &tag);
    rest(sink.kept.len()).send_into(&mut sink).expect_err("the connection broke again");
    server.restart();

    let have = sink.kept.len();
    let last = rest(have).send().expect(206);
    assert_eq!(last.header("Content-Range"), Some(format!("bytes {have}-{}/{LARGE}", LARGE - 1).as_str()));
    assert!(last.complete, "the rest came whole");
    assert_digest(&last, &digest);
    sink.kept.extend_from_slice(&last.body);
    assert!(sink.kept == bytes, "the bytes differ");

    // Had it been something else by now, all of it would come.
    let other = client.request("GET", &target).header("Range", &format!("bytes={have}-")).header("If-Range", "\"other\"").send();
    assert!(other.expect(200).body == bytes, "the bytes differ");
}

#[test]
fn numbers_of_a_range_may_be_as_large_as_they_like_and_its_unit_in_any_case() {
    let (_server, client, bytes, digest) = with_blob();
    let outside = range(&client, &digest, "bytes=99999999999999999999-").expect(416);
    assert_eq!(outside.header("Content-Range"), Some("bytes */10000"));
    for header in ["bytes=0-99999999999999999999", "bytes=-99999999999999999999"] {
        let all = range(&client, &digest, header).expect(206);
        assert_eq!((all.header("Content-Range"), all.body == bytes), (Some("bytes 0-9999/10000"), true), "{header}");
    }
    for unit in ["BYTES", "Bytes"] {
        let answer = range(&client, &digest, &format!("{unit}=0-1")).expect(206);
        assert_eq!((answer.header("Content-Range"), &answer.body), (Some("bytes 0-1/10000"), &bytes[..2].to_vec()), "{unit}");
    }
}

#[test]
fn empty_elements_of_a_list_of_ranges_are_passed_over() {
    let (_server, client, bytes, digest) = with_blob();
    for header in ["bytes=0-0,,2-2", "bytes=,0-0, ,2-2,", "bytes= 0-0 , 2-2"] {
        let answer = range(&client, &digest, header).expect(206);
        assert_eq!(parts(&answer), [(0, 0, bytes[..1].to_vec()), (2, 2, bytes[2..3].to_vec())], "{header}");
    }
}

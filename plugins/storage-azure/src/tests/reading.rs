//! Objects that are there: read, looked at, listed, linked to, deleted.

use bulkhead_plugin_sdk::prelude::*;

use super::*;

const LIST: &str = "https://contoso.blob.core.windows.net/layers?restype=container&comp=list";

fn entry(name: &str, size: u64) -> String {
    let properties = format!("<Last-Modified>{DATE}</Last-Modified><Etag>0x1</Etag><Content-Length>{size}</Content-Length>");
    format!("<Blob><Name>{name}</Name><Properties>{properties}<BlobType>BlockBlob</BlobType></Properties><OrMetadata /></Blob>")
}

fn page(names: &[&str], next: &str) -> HttpResponse {
    let blobs: String = names.iter().map(|name| entry(name, 5)).collect();
    let body = format!(
        "<?xml version=\"1.0\"?><EnumerationResults><Blobs>{blobs}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
    );
    reply(200, &[], &body)
}

fn listing(prefix: &str, most: u32, marker: &str) -> String {
    let marker = if marker.is_empty() { String::new() } else { format!("&marker={marker}") };
    format!("{LIST}&prefix=team%2F{prefix}&maxresults={most}{marker}")
}

fn keys(blobs: &mut Blobs, prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
    blobs.list(prefix, after, limit).unwrap().into_iter().map(|object| object.key).collect()
}

#[test]
fn an_object_is_read_by_a_signed_request_or_a_range_of_it() {
    let (_host, mut blobs) = blobs();
    let Source::Http(whole) = blobs.open("a/b", None).unwrap() else { panic!("the host asks the service") };
    assert_eq!((whole.method.as_str(), whole.url, whole.body), ("GET", format!("{BASE}/a/b"), vec![]));
    let Source::Http(range) = blobs.open("a/b", Some(ByteRange { offset: 1, length: 3 })).unwrap() else { panic!("a request") };
    assert_eq!(range.header("range"), Some("bytes=1-3"));
    assert_ne!(range.header("authorization"), None);
    assert_eq!(range.header("x-ms-date"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
}

#[test]
fn a_blob_is_there_once_its_copy_is_done() {
    let (host, mut blobs) = blobs();
    for (answer, size) in [
        (there("5", "success"), Some(5)),
        (reply(200, &[("content-length", "7"), ("last-modified", DATE), ("etag", "x")], ""), Some(7)),
        (there("0", "pending"), None),
        (there("0", "failed"), None),
        (refusal(404, "BlobNotFound"), None),
    ] {
        host.set_answer(&format!("{BASE}/k"), Ok(answer));
        let expected = size.map(|size| ObjectInfo { key: "k".into(), size, modified: MODIFIED });
        assert_eq!(blobs.stat("k"), Ok(expected));
    }
}

#[test]
fn a_missing_container_is_no_missing_object() {
    let (host, mut blobs) = blobs();
    host.set_answer(&format!("{BASE}/k"), Ok(refusal(404, "ContainerNotFound")));
    for answer in [blobs.stat("k").map(drop), blobs.delete(&["k".into()])] {
        assert!(matches!(answer, Err(Error::Unavailable(away)) if away.reason.contains("ContainerNotFound")));
    }
}

#[test]
fn objects_are_deleted_whether_they_are_there_or_not() {
    let (host, mut blobs) = blobs();
    host.set_answer(&format!("{BASE}/a"), Ok(reply(202, &[], "")));
    host.set_answer(&format!("{BASE}/b"), Ok(refusal(404, "BlobNotFound")));
    assert_eq!(blobs.delete(&["a".into(), "b".into()]), Ok(()));
    host.set_answer(&format!("{BASE}/b"), Ok(refusal(409, "BlobImmutableDueToPolicy")));
    assert!(matches!(blobs.delete(&["b".into()]), Err(Error::Internal(text)) if text.contains("409 BlobImmutableDueToPolicy")));
}

/// Many keys, and where they are deleted.
fn many() -> (Vec<String>, &'static str) {
    (
        (0..300).map(|number| format!("k{number:03}")).collect(),
        "https://contoso.blob.core.windows.net/layers?restype=container&comp=batch",
    )
}

fn batch_answer(statuses: &[&str]) -> HttpResponse {
    let part =
        |status: &&str| format!("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 {status}\r\nx-ms-version: 1\r\n\r\n");
    reply(202, &[], &statuses.iter().map(part).collect::<String>())
}

#[test]
fn many_objects_are_deleted_by_few_requests() {
    let (_host, mut blobs) = blobs();
    let (keys, url) = many();
    let gone = "404 The specified blob does not exist.\r\nx-ms-error-code: BlobNotFound";
    let host = FakeHost::new().answer(url, batch_answer(&["202 Accepted"; 256])).answer(url, batch_answer(&[gone; 44])).install();
    assert_eq!(blobs.delete(&keys), Ok(()));
    let bodies: Vec<String> = host.requests().into_iter().map(|request| String::from_utf8(request.body).unwrap()).collect();
    assert!(bodies[0].starts_with("--batch-of-deletes\r\ncontent-type: application/http\r\n"));
    assert!(bodies[1].contains("\r\n\r\nDELETE /layers/team/k299 HTTP/1.1\r\nx-ms-delete-snapshots: include\r\nx-ms-date: "));
    assert!(bodies[1].ends_with("\r\n--batch-of-deletes--\r\n"));
    let asked = bodies.iter().map(|body| body.matches("authorization: SharedKey contoso:").count());
    assert_eq!(asked.collect::<Vec<_>>(), [256, 44]);
}

#[test]
fn a_batch_is_done_only_if_all_of_it_is() {
    let (_host, mut blobs) = blobs();
    let (keys, url) = many();
    let failed = |answer: HttpResponse| FakeHost::new().secret("key", KEY).answer(url, answer).install();
    let _host = failed(batch_answer(&["202 Accepted"; 255]));
    assert!(matches!(blobs.delete(&keys[..256]), Err(Error::Unavailable(away)) if away.reason.contains("255 of 256")));
    let _host = failed(batch_answer(&["202 Accepted", "409 x\r\nx-ms-error-code: LeaseIdMissing"]));
    assert!(matches!(blobs.delete(&keys[..5]), Err(Error::Internal(text)) if text.ends_with("409 LeaseIdMissing")));
    let host =
        FakeHost::new().secret("key", "bmV3").answer(url, batch_answer(&["403 x"; 5])).answer(url, batch_answer(&["202 x"; 5]));
    let host = host.install();
    assert_eq!(blobs.delete(&keys[..5]), Ok(()), "with a secret that was rotated");
    assert_eq!(host.requests().len(), 2);
}

#[test]
fn where_a_batch_is_not_taken_objects_are_deleted_one_by_one() {
    let (host, mut blobs) = blobs();
    let (keys, url) = many();
    host.set_answer(url, Ok(reply(500, &[], "")));
    for key in &keys[..4] {
        host.set_answer(&format!("{BASE}/{key}"), Ok(reply(202, &[], "")));
    }
    host.set_answer(&format!("{BASE}/k004"), Ok(refusal(503, "ServerBusy")));
    assert!(matches!(blobs.delete(&keys[..5]), Err(Error::Unavailable(_))));
    host.set_answer(&format!("{BASE}/k004"), Ok(refusal(404, "BlobNotFound")));
    assert_eq!(blobs.delete(&keys[..5]), Ok(()));
    assert_eq!(host.requests().len(), 12);
}

#[test]
fn a_listing_has_keys_alone_and_empty_objects_only_once_they_are_copied() {
    let (host, mut blobs) = blobs();
    let names = ["team/0", "team/UPLOADS/u1", "team/a//b", "team/a/b", "team/a0", "team/e", "team/f"];
    let body = names.map(|name| entry(name, u64::from(!name.ends_with(['e', 'f'])))).concat();
    host.set_answer(&listing("", 10, ""), Ok(reply(200, &[], &format!("<Blobs>{body}</Blobs><NextMarker />"))));
    host.set_answer(&format!("{BASE}/e"), Ok(there("0", "pending")));
    host.set_answer(&format!("{BASE}/f"), Ok(there("0", "success")));
    assert_eq!(keys(&mut blobs, "", None, 10), ["0", "a/b", "a0", "f"]);
    assert_eq!(blobs.list("", None, 10).unwrap()[0], ObjectInfo { key: "0".into(), size: 1, modified: MODIFIED });
    for outside in ["A", "UPLOADS/", "../?"] {
        assert!(keys(&mut blobs, outside, None, 10).is_empty());
    }
    assert!(keys(&mut blobs, "", None, 0).is_empty());
}

#[test]
fn the_next_page_begins_where_the_last_one_ended_at_any_instance() {
    let (_host, mut blobs) = blobs();
    let mut other: Blobs = configure(SETTINGS).unwrap();
    let host = FakeHost::new().secret("key", KEY).answer(&listing("a", 2, ""), page(&["team/a1", "team/a2"], "m 1"));
    let host = host.answer(&listing("a", 600, "m%201"), page(&["team/a3", "team/a4", "team/a5"], "")).install();
    assert_eq!(keys(&mut blobs, "a", None, 2), ["a1", "a2"]);
    assert_eq!(keys(&mut other, "a", Some("a2"), 2), ["a3", "a4"]);
    // The page was cut: it is asked for once more.
    assert_eq!(keys(&mut blobs, "a", Some("a4"), 2), ["a5"]);
    assert_eq!(keys(&mut blobs, "a", Some("a5"), 2), Vec::<String>::new());
    assert_eq!(host.requests().len(), 4);
}

#[test]
fn what_lies_before_an_unknown_key_is_gone_through() {
    let (host, mut blobs) = blobs();
    host.set_answer(&listing("", 600, ""), Ok(page(&["team/a1", "team/a2"], "m1")));
    host.set_answer(&listing("", 600, "m1"), Ok(page(&[], "m2")));
    host.set_answer(&listing("", 600, "m2"), Ok(page(&["team/a3", "team/a4"], "m3")));
    host.set_answer(&listing("", 8, "m3"), Ok(page(&["team/a5"], "")));
    assert_eq!(keys(&mut blobs, "", Some("a3"), 9), ["a4", "a5"]);
    assert_eq!(host.requests().len(), 4);
}

#[test]
fn a_service_that_lists_in_another_order_is_refused() {
    let (host, mut blobs) = blobs();
    host.set_answer(&listing("", 10, ""), Ok(page(&["team/a/b", "team/a-b"], "")));
    assert!(matches!(blobs.list("", None, 10), Err(Error::Internal(text)) if text.contains("hierarchical")));
}

#[test]
fn a_link_is_for_one_blob_at_the_clients_endpoint() {
    let (_host, mut blobs) = blobs();
    let link = blobs.link("a/b", 600).unwrap().unwrap();
    assert!(
        link.starts_with(&format!("{BASE}/a/b?sv=2023-11-03&sr=b&sp=r&se=2026-01-01T00%3A10%3A01Z&spr=https&sig=")),
        "{link}"
    );
    let mut public: Blobs = configure(&SETTINGS.replace('}', r#","link-endpoint":"http://cdn.example/x/"}"#)).unwrap();
    let link = public.link("a/b", 600).unwrap().unwrap();
    assert!(
        link.starts_with("http://cdn.example/x/layers/team/a/b?sv=2023-11-03&sr=b&sp=r&se=2026-01-01T00%3A10%3A01Z&sig="),
        "{link}"
    );
}

#[test]
fn keys_outside_the_grammar_are_invalid() {
    let (_host, mut blobs) = blobs();
    for key in ["", "..", "a/../b", "a//b", "/a", "a/", "A", "a?b", "a b", &"k".repeat(513)] {
        assert!(matches!(blobs.stat(key), Err(Error::Invalid(_))), "{key}");
        assert!(matches!(blobs.open(key, None), Err(Error::Invalid(_))), "{key}");
    }
}

//! From `begin` to the last part.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::HttpAnswer;
use bulkhead_plugin_sdk::testing::configure;

use super::*;
use crate::upload::{MOST_BLOCKS, Staged, Upload};

const MIB: u64 = 1024 * 1024;

#[test]
fn a_first_part_is_a_block_or_where_it_is_short_the_whole_blob() {
    let (_host, mut blobs) = blobs();
    let state = blobs.begin("u1").unwrap();
    let part = part(blobs.next(&state, 0, None).unwrap());
    assert_eq!((part.most, part.head), (5 * MIB, None));
    let short = part.short.unwrap();
    assert_eq!((part.request.method.as_str(), short.method.as_str()), ("PUT", "PUT"));
    assert!(part.request.url.starts_with(&format!("{BASE}/UPLOADS/u1?comp=block&blockid=")), "{}", part.request.url);
    assert!(short.url.starts_with(&format!("{BASE}/UPLOADS/u1?sv=2023-11-03&sr=b&sp=w&")), "{}", short.url);
    assert_eq!((short.header("x-ms-blob-type"), short.header("authorization")), (Some("BlockBlob"), None));
}

#[test]
fn an_upload_in_one_short_part_is_a_blob_of_a_known_version() {
    let (_host, mut blobs) = blobs();
    for length in [0, 1, 5 * MIB - 1] {
        let begun = blobs.begin("u1").unwrap();
        let state = put(&mut blobs, begun, length);
        assert_eq!(Upload::parse(&state).unwrap().staged, Staged::Whole(length, "\"0x1\"".into()));
    }
}

#[test]
fn more_bytes_after_a_short_part_go_into_a_block_behind_it() {
    let (_host, mut blobs) = blobs();
    let begun = blobs.begin("u1").unwrap();
    let state = put(&mut blobs, begun, 100);
    let next = part(blobs.next(&state, 100, None).unwrap());
    let head = next.head.unwrap();
    assert_eq!((head.length, next.most, next.short), (100, 5 * MIB, None));
    assert_eq!((head.request.method.as_str(), head.request.header("if-match")), ("GET", Some("\"0x1\"")));
    assert_eq!(head.request.url, format!("{BASE}/UPLOADS/u1"));
    assert_eq!(put(&mut blobs, state.clone(), 0), state, "no new bytes, no new block");
    let state = put(&mut blobs, state, 7);
    assert_eq!(Upload::parse(&state).unwrap().blocks(), 1);
    let state = put(&mut blobs, state, 7);
    assert_eq!(Upload::parse(&state).unwrap().blocks(), 2);
    assert!(part(blobs.next(&state, 114, None).unwrap()).head.is_none());
}

#[test]
fn an_upload_goes_on_at_any_instance_and_with_another_size_of_parts() {
    let (_host, mut blobs) = blobs();
    let begun = blobs.begin("u1").unwrap();
    let state = put(&mut blobs, begun, 4 * MIB);
    let mut other: Blobs = configure(&SETTINGS.replace('}', r#","part-bytes":1048576}"#)).unwrap();
    let next = part(other.next(&state, 4 * MIB, None).unwrap());
    assert_eq!((next.most, next.head.unwrap().length), (5 * MIB, 4 * MIB));
    let state = put(&mut other, state, MIB);
    assert_eq!(part(other.next(&state, 5 * MIB, None).unwrap()).most, MIB);
}

#[test]
fn no_two_writers_of_one_part_write_the_same_block() {
    let (_host, mut blobs) = blobs();
    let begun = blobs.begin("u1").unwrap();
    let state = put(&mut blobs, begun, 5 * MIB);
    let (stale, real) = (part(blobs.next(&state, 0, None).unwrap()).request, part(blobs.next(&state, 0, None).unwrap()).request);
    assert_ne!(stale.url.split('&').nth(1), real.url.split('&').nth(1));
    let after = blobs.written(state.clone(), 5 * MIB, acknowledged(&real)).unwrap();
    assert!(Upload::parse(&after).unwrap().block_list().contains(real.header("x-ms-client-request-id").unwrap()));
    assert!(matches!(blobs.written(after, 5 * MIB, acknowledged(&stale)), Err(Error::Invalid(_))), "the number is taken");
}

#[test]
fn a_part_that_was_not_stored_is_an_error_and_a_refused_one_brings_a_new_secret() {
    let (host, mut blobs) = blobs();
    let state = blobs.begin("u1").unwrap();
    let answered = |status, code| Receipt::Http(HttpAnswer { status, headers: header_list(&[("x-ms-error-code", code)]) });
    assert!(matches!(blobs.written(state.clone(), 5, answered(503, "ServerBusy")), Err(Error::Unavailable(_))));
    assert!(matches!(blobs.written(state.clone(), 5, answered(400, "InvalidBlobOrBlock")), Err(Error::Internal(_))));
    assert!(blobs.written(state.clone(), 0, answered(503, "")).is_err(), "an empty blob has to be there too");
    assert!(blobs.written(state.clone(), 5, Receipt::None).is_err());
    let missing = blobs.written(state.clone(), 5, answered(404, "ContainerNotFound"));
    assert!(matches!(missing, Err(Error::Unavailable(away)) if away.reason.contains("ContainerNotFound")));
    let before = part(blobs.next(&state, 0, None).unwrap()).short.unwrap().url;
    drop(host);
    let _host = FakeHost::new().secret("key", "bmV3").install();
    assert_eq!(part(blobs.next(&state, 0, None).unwrap()).short.unwrap().url, before, "still held");
    assert!(matches!(blobs.written(state.clone(), 5, answered(403, "AuthenticationFailed")), Err(Error::Denied(_))));
    assert_ne!(part(blobs.next(&state, 0, None).unwrap()).short.unwrap().url, before);
}

#[test]
fn a_tebibyte_fits_into_the_state_of_an_upload() {
    for first in [MIB, 5 * MIB, 64 * MIB] {
        let mut nonces = Vec::new();
        let mut bytes = 0;
        while nonces.len() < MOST_BLOCKS {
            let upload = Upload::new("u").unwrap().with(Staged::Blocks(nonces));
            bytes += upload.part(first);
            let Staged::Blocks(grown) = upload.staged else { unreachable!() };
            nonces = grown;
            nonces.push([1, 2, 3]);
        }
        assert!(bytes > 1 << 40, "{first}: {bytes}");
        let full = Upload::new(&"u".repeat(128)).unwrap().with(Staged::Blocks(nonces));
        assert!(full.state().len() <= 64 * 1024);
        assert_eq!(Upload::parse(&full.state()).unwrap(), full);
        let (_host, mut blobs) = blobs();
        assert!(matches!(blobs.next(&full.state(), 0, None), Err(Error::Invalid(_))));
    }
}

#[test]
fn a_state_that_no_upload_has_is_invalid() {
    let (_host, mut blobs) = blobs();
    let begun = blobs.begin("u1").unwrap();
    let whole = put(&mut blobs, begun, 5);
    let mut blocks = put(&mut blobs, whole.clone(), 5);
    blocks.push(0);
    let with_kind = |kind: &[u8]| [&[1, 2][..], b"u1", kind].concat();
    for state in [&b""[..], b"u1", &[1], &[2, 2], &whole[..whole.len() - 6], &blocks] {
        assert!(matches!(blobs.next(state, 0, None), Err(Error::Invalid(_))), "{state:?}");
    }
    for kind in [&b"n1"[..], b"w", b"w123456", b"b", b"s", b"x", b"s\n"] {
        assert!(matches!(blobs.abort(&with_kind(kind)), Err(Error::Invalid(_))), "{kind:?}");
    }
    for id in ["", "a/b", "..", "a?b", &"u".repeat(129)] {
        assert!(matches!(blobs.begin(id), Err(Error::Invalid(_))), "{id}");
    }
}

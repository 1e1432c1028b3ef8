//! Through the SDK's fake host. [`Sent`] and [`read`] are what the host does with the sinks and sources.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::{BelowReceipt, Decoded, Encoded};
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, configure};

use crate::chunk::OVERHEAD;
use crate::encrypt::{Encrypt, LAYER};
use crate::layout::Layout;

/// As small as it may be, so that a few kilobytes are many chunks.
const CHUNK: usize = 1024;
const SETTINGS: &str = r#"{"key":"k1","chunk-bytes":1024}"#;

fn host() -> FakeHost {
    FakeHost::new().layer(LAYER).secret("k1", [1; 32]).secret("k2", [2; 32])
}

fn encrypt() -> (Installed, Encrypt) {
    (host().install(), configure(SETTINGS).unwrap())
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * at / 7 + at) as u8).collect()
}

/// Sends one body to an upload that has `offset` bytes, in calls of at most `piece` bytes; returns the upload's state.
fn send(encrypt: &mut Encrypt, state: Vec<u8>, offset: usize, body: &[u8], piece: usize) -> Result<Vec<u8>> {
    let Sink::Encoded(Encoded { into, piece: most, context, mut carry }) = encrypt.next(&state, offset as u64, None)? else {
        panic!("bytes are encoded")
    };
    assert!(piece <= most as usize && into.most.is_none() && into.head.is_none());
    let (mut below_state, mut below_offset, mut sent) = (into.state, into.offset, offset as u64);
    for piece in body.chunks(piece) {
        let encoded = encrypt.encode(&context, sent, carry, piece.to_vec())?;
        assert!(encoded.bytes.len() <= below::MOST && encoded.carry.len() < 32 * 1024);
        below_state = below::append(LAYER, &below_state, below_offset, &encoded.bytes)?;
        (below_offset, sent) = (below_offset + encoded.bytes.len() as u64, sent + piece.len() as u64);
        carry = encoded.carry;
    }
    let receipt = Receipt::Below(BelowReceipt { state: below_state, offset: below_offset, carry });
    encrypt.written(state, body.len() as u64, receipt)
}

fn store(encrypt: &mut Encrypt, upload: &str, key: &str, body: &[u8]) -> Result<Progress> {
    let state = encrypt.begin(upload)?;
    let state = send(encrypt, state, 0, body, 5000)?;
    encrypt.commit(&state, key)
}

/// What a client gets: all, or the range.
fn read(encrypt: &mut Encrypt, key: &str, range: Option<(usize, usize)>) -> Result<Vec<u8>> {
    let asked = range.map(|(offset, length)| ByteRange { offset: offset as u64, length: length as u64 });
    let Decoded { from, piece, skip, context } = match encrypt.open(key, asked)? {
        Source::Decoded(decoded) => decoded,
        Source::Bytes(bytes) => return Ok(bytes),
        other => panic!("bytes are decoded, was {other:?}"),
    };
    let size = below::stat(LAYER, &from.key)?.ok_or(Error::NotFound)?.size;
    let all = from.range.unwrap_or(ByteRange { offset: 0, length: size });
    let mut plain = Vec::new();
    let mut offset = 0;
    while offset < all.length {
        let length = (all.length - offset).min(u64::from(piece));
        let stored = below::read(LAYER, &from.key, ByteRange { offset: all.offset + offset, length })?;
        plain.extend(encrypt.decode(&context, offset, stored)?);
        offset += length;
    }
    let plain = plain.split_off(skip as usize);
    Ok(range.map_or(plain.clone(), |(_, length)| plain[..length].to_vec()))
}

#[test]
fn what_was_stored_is_read_whole_and_in_ranges_and_is_not_to_be_seen_below() {
    let (host, mut encrypt) = encrypt();
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK, 10_000] {
        let (key, body) = (format!("k/{length}"), bytes(length));
        store(&mut encrypt, &key.replace('/', "-"), &key, &body).unwrap();
        assert!(read(&mut encrypt, &key, None).unwrap() == body, "{length} bytes");
        assert_eq!(encrypt.stat(&key).unwrap().unwrap().size, length as u64);
        let stored = host.object(LAYER, &key).unwrap();
        assert_eq!(stored.len(), length + length.div_ceil(CHUNK) * OVERHEAD);
        assert!(length < 8 || !stored.windows(8).any(|window| body.windows(8).next() == Some(window)));
        for offset in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, length.saturating_sub(1), length].into_iter().filter(|at| *at <= length)
        {
            for end in
                [offset, offset + 1, offset + CHUNK, offset + 2 * CHUNK + 1, length].into_iter().filter(|end| *end <= length)
            {
                let range = (offset, end.saturating_sub(offset));
                let got = read(&mut encrypt, &key, Some(range)).unwrap();
                assert!(got == body[range.0..range.0 + range.1], "{range:?} of {length}");
            }
        }
    }
    assert_eq!(host.uploads(LAYER), 0);
}

#[test]
fn a_range_reads_no_more_below_than_the_chunks_it_lies_in() {
    let (_host, mut encrypt) = encrypt();
    store(&mut encrypt, "u1", "k", &bytes(10_000)).unwrap();
    let range = ByteRange { offset: 2 * CHUNK as u64 + 5, length: CHUNK as u64 };
    let Source::Decoded(decoded) = encrypt.open("k", Some(range)).unwrap() else { panic!("bytes are decoded") };
    let stored = (CHUNK + OVERHEAD) as u64;
    assert_eq!(decoded.from.range, Some(ByteRange { offset: 2 * stored, length: 2 * stored }));
    assert_eq!(decoded.skip, 5);
    let piece = u64::from(decoded.piece);
    assert!(piece.is_multiple_of(stored) && piece <= 1 << 20 && piece + stored > 1 << 20);
}

#[test]
fn a_range_past_the_end_is_invalid_and_an_unknown_key_not_found() {
    let (_host, mut encrypt) = encrypt();
    store(&mut encrypt, "u1", "k", &bytes(2000)).unwrap();
    for (offset, length) in [(2000, 1), (0, 2001), (2001, 0), (u64::MAX, 2)] {
        assert!(
            matches!(encrypt.open("k", Some(ByteRange { offset, length })), Err(Error::Invalid(_))),
            "{length} from {offset} on"
        );
    }
    assert_eq!(encrypt.open("other", Some(ByteRange { offset: 0, length: 1 })), Err(Error::NotFound));
    assert_eq!(encrypt.stat("other"), Ok(None));
}

#[test]
fn an_upload_goes_on_at_any_instance_however_it_is_cut() {
    let body = bytes(7 * CHUNK + 77);
    for cuts in [&[1, 2, 3][..], &[CHUNK, 2 * CHUNK], &[500, 1500, 1501, 4 * CHUNK], &[7 * CHUNK + 77]] {
        let (_host, mut encrypt) = encrypt();
        let mut state = encrypt.begin("u1").unwrap();
        let mut offset = 0;
        for cut in cuts.iter().copied().chain([body.len()]) {
            let mut other: Encrypt = configure(SETTINGS).unwrap();
            state = send(&mut other, state, offset, &body[offset..cut], 700).unwrap();
            offset = cut;
        }
        encrypt.commit(&state, "k").unwrap();
        assert!(read(&mut encrypt, "k", None).unwrap() == body, "{cuts:?}");
    }
}

#[test]
fn bytes_that_were_not_acknowledged_come_again_under_another_nonce() {
    let (host, mut encrypt) = encrypt();
    let first = encrypt.begin("u1").unwrap();
    let state = send(&mut encrypt, first, 0, &bytes(CHUNK + 10), 5000).unwrap();
    // The host goes down after these two, and has only the state before.
    send(&mut encrypt, state.clone(), CHUNK + 10, &[1; 3 * CHUNK], 5000).unwrap();
    let again = [2; CHUNK];
    let end = send(&mut encrypt, state.clone(), CHUNK + 10, &again, 5000).unwrap();
    encrypt.commit(&end, "k").unwrap();
    assert!(read(&mut encrypt, "k", None).unwrap() == [bytes(CHUNK + 10), again.to_vec()].concat());
    let stored = host.object(LAYER, "k").unwrap();
    let randoms: Vec<_> = stored.chunks(CHUNK + OVERHEAD).map(|chunk| chunk[4..20].to_vec()).collect();
    assert!(
        randoms[0] != randoms[1] && randoms[1] != randoms[2] && randoms[0] != randoms[2],
        "each `next` and the commit draw their own"
    );
}

#[test]
fn an_upload_state_shows_nothing_of_the_bytes_that_it_keeps() {
    let (_host, mut encrypt) = encrypt();
    let state = encrypt.begin("u1").unwrap();
    let state = send(&mut encrypt, state, 0, b"a manifest that is a secret", 100).unwrap();
    assert!(!state.windows(6).any(|window| window == b"secret"));
    for place in 0..state.len() {
        let mut changed = state.clone();
        changed[place] ^= 1;
        assert!(encrypt.commit(&changed, "k").is_err(), "byte {place}");
    }
    for wrong in [&[][..], &state[..12], &state[..20], &[&state[..], &[0; 1024]].concat()] {
        assert!(encrypt.next(wrong, 27, None).is_err());
    }
    assert!(matches!(encrypt.next(&state, 26, None), Err(Error::Invalid(_))));
    assert!(matches!(encrypt.next(&state, 28, None), Err(Error::Invalid(_))));
}

#[test]
fn a_commit_that_is_asked_again_succeeds_and_one_of_nothing_does_not() {
    let (host, mut encrypt) = encrypt();
    for length in [0, 100, CHUNK, CHUNK + 1] {
        let state = encrypt.begin("u1").unwrap();
        let state = send(&mut encrypt, state, 0, &bytes(length), 5000).unwrap();
        let key = format!("k{length}");
        for _ in 0..2 {
            assert_eq!(encrypt.commit(&state, &key), Ok(Progress::Done));
        }
        assert!(read(&mut encrypt, &key, None).unwrap() == bytes(length));
        assert_eq!(encrypt.commit(&state, "other"), Err(Error::NotFound));
    }
    store(&mut encrypt, "u2", "k100", &bytes(100)).unwrap();
    assert_eq!(host.uploads(LAYER), 0, "a second upload of the same key is dropped");
}

#[test]
fn aborting_drops_the_upload_below_and_succeeds_twice() {
    let (host, mut encrypt) = encrypt();
    let state = encrypt.begin("u1").unwrap();
    assert_eq!(host.uploads(LAYER), 1);
    for _ in 0..2 {
        assert_eq!(encrypt.abort(&state), Ok(()));
        assert_eq!(host.uploads(LAYER), 0);
    }
}

#[test]
fn changed_moved_or_missing_bytes_are_an_error() {
    let (host, mut encrypt) = encrypt();
    store(&mut encrypt, "u1", "k", &bytes(4 * CHUNK)).unwrap();
    let good = host.object(LAYER, "k").unwrap();
    let size = CHUNK + OVERHEAD;
    let swapped = [&good[size..2 * size], &good[..size], &good[2 * size..]].concat();
    let mut flipped = good.clone();
    flipped[size + 100] ^= 1;
    for (what, damaged) in [("swapped", swapped), ("flipped", flipped), ("cut off", good[..2 * size - 1].to_vec())] {
        host.set_object(LAYER, "k", damaged);
        let Err(Error::Internal(text)) = read(&mut encrypt, "k", None) else { panic!("{what}") };
        assert!(text.contains("does not decrypt"), "{what}: {text}");
    }
    for wrong in [1, OVERHEAD, size + 1, size + OVERHEAD] {
        host.set_object(LAYER, "k", vec![0; wrong]);
        assert!(matches!(encrypt.stat("k"), Err(Error::Internal(text)) if text.contains("`k` has")), "{wrong}");
        assert!(encrypt.list("", None, 10).is_err());
        assert!(read(&mut encrypt, "k", None).is_err());
    }
}

#[test]
fn sizes_are_the_same_both_ways() {
    for chunk in [1024, 1025, 32 * 1024] {
        let layout = Layout { chunk };
        let edges = [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk, 1 << 40].map(|size| size as u64);
        for plain in edges {
            assert_eq!(layout.plain(layout.stored(plain)), Some(plain), "{plain} in chunks of {chunk}");
        }
        for size in (0..5 * chunk as u64).step_by(7) {
            assert_eq!(layout.plain(layout.stored(size)), Some(size), "{size} in chunks of {chunk}");
        }
    }
}

#[test]
fn the_largest_calls_stay_within_their_bounds_also_with_what_was_left_before() {
    for chunk in [1024, 1025, 32 * 1024] {
        let _host = host().install();
        let mut encrypt: Encrypt = configure(&format!(r#"{{"key":"k1","chunk-bytes":{chunk}}}"#)).unwrap();
        let piece = Layout { chunk }.plain_piece() as usize;
        let body = bytes(2 * piece + 2 * chunk - 1);
        let state = encrypt.begin("u1").unwrap();
        let state = send(&mut encrypt, state, 0, &body[..chunk - 1], piece).unwrap();
        let state = send(&mut encrypt, state, chunk - 1, &body[chunk - 1..], piece).unwrap();
        encrypt.commit(&state, "k").unwrap();
        assert!(read(&mut encrypt, "k", None).unwrap() == body, "chunks of {chunk}");
    }
}

#[test]
fn a_listing_is_the_one_below_with_the_sizes_of_the_objects() {
    let (_host, mut encrypt) = encrypt();
    for (key, length) in [("b", 0), ("a/1", 10), ("a/2", 3000)] {
        store(&mut encrypt, &key.replace('/', "-"), key, &bytes(length)).unwrap();
    }
    let listed = |encrypt: &mut Encrypt, prefix: &str, after: Option<&str>, limit| -> Vec<(String, u64)> {
        let objects = encrypt.list(prefix, after, limit).unwrap();
        objects.into_iter().map(|object| (object.key, object.size)).collect()
    };
    let all = [("a/1".to_owned(), 10), ("a/2".to_owned(), 3000), ("b".to_owned(), 0)];
    assert_eq!(listed(&mut encrypt, "", None, 10), all);
    assert_eq!(listed(&mut encrypt, "a/", Some("a/1"), 10), all[1..2]);
    encrypt.delete(&["a/1".to_owned(), "b".to_owned()]).unwrap();
    assert_eq!(listed(&mut encrypt, "", None, 10), all[1..2]);
    assert_eq!(encrypt.link("a/2", 60), Ok(None), "a client cannot read what lies below");
}

#[test]
fn a_key_can_be_changed_and_what_the_one_before_made_is_read_with_it() {
    let (_host, mut old) = encrypt();
    store(&mut old, "u1", "before", &bytes(3000)).unwrap();
    let under_way = old.begin("u2").unwrap();
    let under_way = send(&mut old, under_way, 0, &bytes(1500), 5000).unwrap();
    let mut new: Encrypt = configure(r#"{"key":"k2","previous-keys":["k1"],"chunk-bytes":1024}"#).unwrap();
    let under_way = send(&mut new, under_way, 1500, &bytes(3000)[1500..], 5000).unwrap();
    new.commit(&under_way, "during").unwrap();
    store(&mut new, "u3", "after", &bytes(3000)).unwrap();
    for key in ["before", "during", "after"] {
        assert!(read(&mut new, key, None).unwrap() == bytes(3000), "{key}");
    }
    let mut only: Encrypt = configure(r#"{"key":"k2","chunk-bytes":1024}"#).unwrap();
    assert!(read(&mut only, "after", None).is_ok());
    let Err(Error::Internal(text)) = read(&mut only, "before", None) else { panic!("its key is gone") };
    assert!(text.contains("neither `key` nor one of `previous-keys`"), "{text}");
}

#[test]
fn a_changed_secret_is_used_within_a_minute_and_at_once_where_it_is_needed() {
    let settings = r#"{"key":"k1","previous-keys":["k2"],"chunk-bytes":1024}"#;
    let _first = host().install();
    let mut encrypt: Encrypt = configure(settings).unwrap();
    store(&mut encrypt, "u1", "k", &bytes(10)).unwrap();
    let stored = _first.object(LAYER, "k").unwrap();
    drop(_first);
    // The secrets were exchanged with each other, and then others put in their place.
    let second =
        FakeHost::new().layer(LAYER).secret("k1", [3; 32]).secret("k2", [1; 32]).now(1_767_225_600_000 + 61_000).install();
    second.set_object(LAYER, "k", stored.clone());
    store(&mut encrypt, "u2", "k2", &bytes(10)).unwrap();
    assert_ne!(second.object(LAYER, "k2").unwrap()[..4], stored[..4], "it was made with the new key");
    assert!(read(&mut encrypt, "k", None).unwrap() == bytes(10));
    drop(second);
    // Nothing can be read again: what is known serves on.
    let third = FakeHost::new().layer(LAYER).now(1_767_225_600_000 + 200_000).install();
    third.set_object(LAYER, "k", stored);
    assert!(read(&mut encrypt, "k", None).unwrap() == bytes(10));
    assert!(third.logged("the keys cannot be read again"));
}

#[test]
fn another_nodes_new_key_is_found_without_waiting() {
    let first = host().install();
    let mut encrypt: Encrypt = configure(SETTINGS).unwrap();
    drop(first);
    let second = FakeHost::new().layer(LAYER).secret("k1", [9; 32]).now(1_767_225_600_000 + 2_000).install();
    let mut other: Encrypt = configure(SETTINGS).unwrap();
    store(&mut other, "u1", "k", &bytes(10)).unwrap();
    assert!(read(&mut encrypt, "k", None).unwrap() == bytes(10));
    drop(second);
}

#[test]
fn a_mistake_in_the_settings_stops_the_start() {
    let _host = host().secret("short", [1; 31]).install();
    let cases = [
        (r#"{"key":"none"}"#, "key: "),
        (r#"{"key":"short"}"#, "key: the secret `short` is no key"),
        (r#"{"key":"k1","previous-keys":["k2","short"]}"#, "previous-keys[1]: "),
        (r#"{"key":"k1","chunk-bytes":1023}"#, "chunk-bytes: "),
        (r#"{"key":"k1","chunk-bytes":32769}"#, "chunk-bytes: "),
    ];
    for (json, expected) in cases {
        let error = configure::<Encrypt>(json).err();
        let Some(Error::Invalid(text) | Error::Denied(text)) = error else { panic!("{json}") };
        assert!(text.starts_with(expected), "{json}: {text}");
    }
    assert!(configure::<Encrypt>("{}").is_err());
    assert!(configure::<Encrypt>(r#"{"key":"k1","keys":[]}"#).is_err());
}

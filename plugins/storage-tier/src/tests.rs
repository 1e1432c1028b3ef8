//! Through the SDK's fake host. [`send`] is what the host does with the sinks.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::storage::{BelowReceipt, BelowSlice, BelowUpload, Copying};
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, configure};

use crate::state::State;
use crate::tier::Tier;
use crate::{CACHE, LARGE, SMALL};

/// As small as it may be.
const MOST: usize = 1024;
const MIB: usize = 1024 * 1024;
const TIERS: &str = r#"{"small-bytes":1024}"#;
const UPLOAD: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

fn two() -> (Installed, Tier) {
    (FakeHost::new().layer(SMALL).layer(LARGE).install(), configure(TIERS).unwrap())
}

fn cached(json: &str) -> (Installed, Tier) {
    (FakeHost::new().layer(LARGE).layer(CACHE).install(), configure(json).unwrap())
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * at / 7 + at) as u8).collect()
}

fn next(tier: &mut Tier, state: &[u8], offset: usize, length: Option<usize>) -> BelowUpload {
    match tier.next(state, offset as u64, length.map(|length| length as u64)).unwrap() {
        Sink::Below(upload) if upload.most != Some(0) => upload,
        other => panic!("a layer below takes some bytes, was {other:?}"),
    }
}

/// Puts bytes into a sink, as far as it takes them; returns the receipt, and how many it took.
fn fill(sink: &BelowUpload, body: &[u8]) -> (BelowReceipt, usize) {
    let BelowUpload { layer, state, offset, most, head } = sink;
    let (mut state, mut offset) = (state.clone(), *offset);
    if let Some(BelowSlice { layer: from, key, range: None }) = head {
        let length = below::stat(from, key).unwrap().expect("the head is there").size;
        let head = below::read(from, key, ByteRange { offset: 0, length }).unwrap();
        state = below::append(layer, &state, offset, &head).unwrap();
        offset += length;
    }
    let taken = most.map_or(body.len(), |most| body.len().min(most as usize));
    state = below::append(layer, &state, offset, &body[..taken]).unwrap();
    (BelowReceipt { state, offset: offset + taken as u64, carry: Vec::new() }, taken)
}

/// Sends one body to an upload that has `offset` bytes; returns the upload's state.
fn send(tier: &mut Tier, mut state: Vec<u8>, mut offset: usize, body: &[u8], is_known: bool) -> Vec<u8> {
    let mut rest = body;
    loop {
        let sink = next(tier, &state, offset, is_known.then_some(rest.len()));
        let (receipt, taken) = fill(&sink, rest);
        state = tier.written(state, taken as u64, Receipt::Below(receipt)).unwrap();
        (offset, rest) = (offset + taken, &rest[taken..]);
        if rest.is_empty() {
            return state;
        }
    }
}

fn is_clean(host: &Installed) -> bool {
    let stages = host.objects(SMALL).into_iter().filter(|key| key.starts_with("uploads.tier/")).count();
    (host.uploads(SMALL), host.uploads(LARGE), stages) == (0, 0, 0)
}

fn layer_of(host: &Installed, key: &str, body: &[u8]) -> &'static str {
    let found: Vec<_> = [SMALL, LARGE].into_iter().filter_map(|layer| Some((layer, host.object(layer, key)?))).collect();
    assert!(found.len() == 1 && found[0].1 == body, "{key} is in one of them, whole");
    found[0].0
}

#[test]
fn an_upload_of_a_known_length_goes_where_it_belongs_at_once() {
    for (length, layer) in [(0, SMALL), (1, SMALL), (MOST, SMALL), (MOST + 1, LARGE), (10 * MOST, LARGE)] {
        let (host, mut tier) = two();
        let body = bytes(length);
        let state = tier.begin(UPLOAD).unwrap();
        assert_eq!(next(&mut tier, &state, 0, Some(length)).layer, layer, "{length} bytes");
        let state = send(&mut tier, state, 0, &body, true);
        assert_eq!(tier.commit(&state, "k"), Ok(Progress::Done));
        assert_eq!(layer_of(&host, "k", &body), layer, "{length} bytes");
        assert!(is_clean(&host), "{length} bytes");
    }
}

#[test]
fn an_upload_of_an_unknown_length_moves_when_it_has_grown() {
    for (length, layer) in [(0, SMALL), (1, SMALL), (MOST, SMALL), (MOST + 1, LARGE), (10 * MOST, LARGE)] {
        let (host, mut tier) = two();
        let body = bytes(length);
        let state = tier.begin(UPLOAD).unwrap();
        assert_eq!(next(&mut tier, &state, 0, None).layer, SMALL);
        let state = send(&mut tier, state, 0, &body, false);
        tier.commit(&state, "k").unwrap();
        assert_eq!(layer_of(&host, "k", &body), layer, "{length} bytes");
        assert!(is_clean(&host), "{length} bytes");
    }
}

#[test]
fn an_upload_in_several_bodies_is_whole_wherever_they_end_at_any_instance() {
    let body = bytes(3 * MOST);
    let ends =
        [&[10][..], &[10, 20, 30], &[MOST], &[MOST, MOST], &[MOST - 1, MOST + 1], &[1, 2 * MOST], &[2 * MOST, 2 * MOST + 1]];
    for ends in ends {
        for known in [0b0000, 0b1111, 0b0101, 0b1010] {
            let (host, mut tier) = two();
            let mut state = tier.begin(UPLOAD).unwrap();
            let mut offset = 0;
            for (place, end) in ends.iter().copied().chain([body.len()]).enumerate() {
                let mut other: Tier = configure(TIERS).unwrap();
                state = send(&mut other, state, offset, &body[offset..end], known >> place & 1 == 1);
                offset = end;
            }
            tier.commit(&state, "k").unwrap();
            assert_eq!(layer_of(&host, "k", &body), LARGE, "{ends:?}");
            assert!(is_clean(&host), "{ends:?}");
        }
    }
}

#[test]
fn an_upload_whose_state_is_older_than_its_bytes_is_whole_in_the_end() {
    let body = bytes(2 * MOST);
    // So many bytes are acknowledged; then some are on their way to a sink for `first` when the host goes down, and others come after.
    for acknowledged in [0, 10, MOST - 1, MOST] {
        for first in [None, Some(5), Some(MOST), Some(5 * MOST)] {
            for is_known in [true, false] {
                for end in [acknowledged, acknowledged + 1, MOST, MOST + 1, 2 * MOST] {
                    let (host, mut tier) = two();
                    let mut state = tier.begin(UPLOAD).unwrap();
                    if acknowledged > 0 {
                        state = send(&mut tier, state, 0, &body[..acknowledged], false);
                    }
                    let sink = next(&mut tier, &state, acknowledged, first);
                    fill(&sink, &vec![0xff; first.unwrap_or(50)]);
                    let end = end.max(acknowledged);
                    let last = send(&mut tier, state.clone(), acknowledged, &body[acknowledged..end], is_known);
                    tier.commit(&last, "k").unwrap();
                    let case = format!("{acknowledged}, {first:?}, {is_known}, {end}");
                    layer_of(&host, "k", &body[..end]);
                    assert!(is_clean(&host), "{case}");
                    tier.commit(&last, "k").unwrap();
                    if end == acknowledged {
                        tier.commit(&state, "k").unwrap();
                    }
                    assert!(is_clean(&host), "{case}, asked again");
                }
            }
        }
    }
}

#[test]
fn an_upload_that_was_about_to_move_can_be_committed_as_it_is() {
    for acknowledged in [0, 10, MOST] {
        let (host, mut tier) = two();
        let state = tier.begin(UPLOAD).unwrap();
        let state = send(&mut tier, state, 0, &bytes(acknowledged), false);
        let sink = next(&mut tier, &state, acknowledged, Some(MOST + 1));
        assert_eq!((sink.layer.as_str(), sink.offset, sink.head.is_some()), (LARGE, 0, acknowledged > 0));
        fill(&sink, b"never acknowledged");
        for _ in 0..2 {
            assert_eq!(tier.commit(&state, "k"), Ok(Progress::Done), "{acknowledged}");
            assert_eq!(layer_of(&host, "k", &bytes(acknowledged)), LARGE);
            assert!(is_clean(&host), "{acknowledged}");
        }
        assert_eq!(tier.commit(&state, "other"), Err(Error::NotFound));
    }
}

#[test]
fn a_body_that_breaks_off_early_stays_where_it_went() {
    let (host, mut tier) = two();
    let state = tier.begin(UPLOAD).unwrap();
    // Of 5,000 bytes that were told, 7 arrive.
    let sink = next(&mut tier, &state, 0, Some(5000));
    let (receipt, _) = fill(&sink, &bytes(7));
    let state = tier.written(state, 7, Receipt::Below(receipt)).unwrap();
    let state = send(&mut tier, state, 7, &bytes(20)[7..], true);
    tier.commit(&state, "k").unwrap();
    assert_eq!(layer_of(&host, "k", &bytes(20)), LARGE);
    assert!(is_clean(&host));
}

#[test]
fn aborting_drops_everything_and_succeeds_twice() {
    for (length, known) in [(0, true), (10, false), (5000, true), (5000, false)] {
        let (host, mut tier) = two();
        let state = tier.begin(UPLOAD).unwrap();
        let early = state.clone();
        let late = send(&mut tier, state, 0, &bytes(length), known);
        for state in [&late, &late, &early] {
            assert_eq!(tier.abort(state), Ok(()));
            assert!(is_clean(&host));
        }
        assert_eq!(tier.commit(&late, "k"), Err(Error::NotFound));
    }
}

#[test]
fn a_state_that_is_none_and_an_offset_that_is_another_are_invalid() {
    let (_host, mut tier) = two();
    let state = tier.begin(UPLOAD).unwrap();
    let state = send(&mut tier, state, 0, &bytes(5), false);
    let parsed = State::read(&state).unwrap();
    assert_eq!((parsed.offset, parsed.name.as_str(), parsed.write()), (5, UPLOAD, state.clone()));
    for wrong in [&[][..], &state[..1], &state[..12], &state[..20], &[9; 80], &[&[1, 2], &state[2..]].concat()] {
        assert!(matches!(tier.commit(wrong, "k"), Err(Error::Invalid(_))), "{wrong:?}");
    }
    assert!(matches!(tier.next(&state, 4, None), Err(Error::Invalid(_))));
}

#[test]
fn objects_are_found_in_either_storage_and_deleted_in_all() {
    let host = FakeHost::new().layer(SMALL).layer(LARGE).layer(CACHE).install();
    let mut tier: Tier = configure("{}").unwrap();
    host.set_object(SMALL, "s", "small");
    host.set_object(LARGE, "l", "quite large");
    for layer in [SMALL, LARGE, CACHE] {
        host.set_object(layer, "all", "of them");
    }
    let range = Some(ByteRange { offset: 1, length: 2 });
    assert_eq!(tier.open("s", range), Ok(Source::Below(BelowSlice::of(SMALL, "s", range))));
    assert_eq!(tier.open("l", range), Ok(Source::Below(BelowSlice::of(LARGE, "l", range))));
    assert_eq!(tier.open("all", range), Ok(Source::Below(BelowSlice::of(CACHE, "all", range))));
    let size = |tier: &mut Tier, key: &str| tier.stat(key).unwrap().map(|info| info.size);
    assert_eq!((size(&mut tier, "s"), size(&mut tier, "l"), size(&mut tier, "none")), (Some(5), Some(11), None));
    assert_eq!(tier.link("s", 60).unwrap().as_deref(), Some("https://small.example/s?seconds=60"));
    assert_eq!(tier.link("all", 60).unwrap().as_deref(), Some("https://small.example/all?seconds=60"), "never of the cache");
    assert_eq!(tier.link("l", 60).unwrap().as_deref(), Some("https://large.example/l?seconds=60"));
    tier.delete(&["s".to_owned(), "all".to_owned(), "none".to_owned()]).unwrap();
    assert_eq!([SMALL, LARGE, CACHE].map(|layer| host.objects(layer).len()), [0, 1, 0]);
}

#[test]
fn a_cached_copy_is_no_object_where_the_object_is_gone() {
    let (host, mut tier) = cached("{}");
    host.set_object(CACHE, "k", "copy");
    assert_eq!(tier.stat("k"), Ok(None), "or nobody would store it again");
    assert!(tier.list("", None, 10).unwrap().is_empty());
}

#[test]
fn a_listing_is_of_both_in_order_each_key_once_and_without_stages() {
    let (host, mut tier) = two();
    for stage in 0..30 {
        host.set_object(SMALL, &format!("uploads.tier/{stage:032x}"), "x");
    }
    let keys = ["a/1", "a/2", "b", "uploads", "uploads.tier-x/y", "uploads.tier0", "v", "w"];
    for (place, key) in keys.iter().enumerate() {
        if place % 3 != 1 {
            host.set_object(SMALL, key, "small");
        }
        if place % 3 != 0 {
            host.set_object(LARGE, key, "quite large");
        }
    }
    let page = |tier: &mut Tier, prefix: &str, after: Option<&str>, limit| -> Vec<String> {
        tier.list(prefix, after, limit).unwrap().into_iter().map(|object| object.key).collect()
    };
    for limit in [1, 2, 3, 5, 8, 1000] {
        let mut found: Vec<String> = Vec::new();
        loop {
            let more = page(&mut tier, "", found.last().map(String::as_str), limit);
            if more.is_empty() {
                break;
            }
            assert!(more.len() <= limit as usize);
            found.extend(more);
        }
        assert_eq!(found, keys, "pages of {limit}");
    }
    assert_eq!(page(&mut tier, "a/", None, 10), keys[..2]);
    assert!(page(&mut tier, "uploads.tier/", None, 10).is_empty());
    assert_eq!(tier.list("b", None, 1).unwrap()[0].size, 5, "the one that is read");
    for key in ["uploads.tier/x", &format!("uploads.tier/{UPLOAD}")] {
        assert!(tier.stat(key).is_err() && tier.open(key, None).is_err() && tier.delete(&[key.to_owned()]).is_err());
    }
    let state = tier.begin(UPLOAD).unwrap();
    assert!(matches!(tier.commit(&state, "uploads.tier/x"), Err(Error::Invalid(_))));
}

#[test]
fn a_whole_read_of_a_large_object_is_copied_to_the_cache_if_it_is_not_too_large() {
    let (host, mut tier) = cached(r#"{"cache-bytes":1048576,"cache-largest":100}"#);
    host.set_object(LARGE, "fits", bytes(100));
    host.set_object(LARGE, "too-large", bytes(101));
    let whole = |key: &str| BelowSlice::of(LARGE, key, None);
    assert_eq!(tier.open("fits", None), Ok(Source::Copied(Copying { from: whole("fits"), to: CACHE.to_owned() })));
    assert_eq!(tier.open("too-large", None), Ok(Source::Below(whole("too-large"))));
    assert_eq!(tier.open("none", None), Err(Error::NotFound));
    let range = Some(ByteRange { offset: 0, length: 1 });
    assert_eq!(tier.open("fits", range), Ok(Source::Below(BelowSlice::of(LARGE, "fits", range))));
    host.set_object(CACHE, "fits", bytes(100));
    assert_eq!(tier.open("fits", None), Ok(Source::Below(BelowSlice::of(CACHE, "fits", None))));
}

#[test]
fn the_cache_stays_within_its_bound_and_the_oldest_go_first() {
    let (host, mut tier) = cached(r#"{"cache-bytes":1048576,"cache-largest":65536}"#);
    let total =
        |host: &Installed| -> usize { host.objects(CACHE).iter().map(|key| host.object(CACHE, key).unwrap().len()).sum() };
    for number in 0_u64..200 {
        host.set_now(1_767_225_600_000 + number * 1000);
        let (key, size) = (format!("k{number:03}"), 10_000 + (number as usize * 7919) % 40_000);
        host.set_object(CACHE, &key, bytes(size));
        tier.copied(&key, CACHE, size as u64).unwrap();
        assert!(total(&host) <= MIB, "after {number}");
    }
    let left = host.objects(CACHE);
    assert!(total(&host) > MIB * 8 / 10, "no more goes than has to");
    assert_eq!(left[0], format!("k{:03}", 200 - left.len()), "those that are left are the youngest");
}

#[test]
fn instances_that_do_not_know_of_each_other_keep_the_bound_together() {
    let (host, _) = cached("{}");
    let mut tiers: Vec<Tier> = (0..32).map(|_| configure(r#"{"cache-bytes":10485760}"#).unwrap()).collect();
    for number in 0..4000_usize {
        let key = format!("k{number:04}");
        host.set_now(1_767_225_600_000 + number as u64);
        host.set_object(CACHE, &key, [0; 5000]);
        tiers[number * 7 % 32].copied(&key, CACHE, 5000).unwrap();
        assert!(host.objects(CACHE).len() * 5000 <= 10 * MIB, "after {number}");
    }
}

#[test]
fn a_mistake_in_the_settings_or_in_over_stops_the_start() {
    let refused = |layers: &[&str], json: &str, expected: &str| {
        let host = layers.iter().fold(FakeHost::new(), |host, layer| host.layer(layer));
        let _host = host.install();
        let Some(Error::Invalid(text)) = configure::<Tier>(json).err() else { panic!("{layers:?} {json}") };
        assert!(text.starts_with(expected), "{layers:?} {json}: {text}");
    };
    refused(&[], "{}", "over: ");
    refused(&[LARGE], "{}", "over: ");
    refused(&[SMALL, CACHE], "{}", "over: ");
    refused(&[SMALL, LARGE], r#"{"small-bytes":1023}"#, "small-bytes: ");
    refused(&[SMALL, LARGE], r#"{"small-bytes":1048577}"#, "small-bytes: ");
    refused(&[SMALL, LARGE], r#"{"cache-bytes":10000000}"#, "cache-bytes: `over` names no storage `cache`");
    refused(&[CACHE, LARGE], r#"{"small-bytes":65536}"#, "small-bytes: `over` names no storage `small`");
    refused(&[CACHE, LARGE], r#"{"cache-bytes":1}"#, "cache-bytes: ");
    refused(&[CACHE, LARGE], r#"{"cache-bytes":1048576,"cache-largest":1048577}"#, "cache-largest: ");
    let _host = FakeHost::new().layer(SMALL).layer(LARGE).layer(CACHE).install();
    assert!(configure::<Tier>("{}").is_ok());
    assert!(configure::<Tier>(r#"{"small":1}"#).is_err());
}

#[test]
fn what_one_storage_holds_is_served_while_another_is_away() {
    let all = FakeHost::new().layer(SMALL).layer(LARGE).layer(CACHE).install();
    let mut tier: Tier = configure("{}").unwrap();
    drop(all);
    let (small, large, cached) = ("s", "l", "c");
    let put = |host: &Installed| {
        host.set_object(SMALL, small, "x");
        host.set_object(LARGE, large, "x");
        host.set_object(CACHE, cached, "x");
    };
    let below = |layer: &str, key: &str| Ok(Source::Below(BelowSlice::of(layer, key, None)));

    let host = FakeHost::new().layer(SMALL).layer(CACHE).install();
    put(&host);
    assert_eq!((tier.open(small, None), tier.open(cached, None)), (below(SMALL, small), below(CACHE, cached)));
    assert!(tier.open(large, None).is_err_and(|error| error != Error::NotFound), "nobody knows");
    assert!(tier.stat(large).is_err() && tier.stat(small).unwrap().is_some());
    assert!(tier.delete(&[small.to_owned()]).is_err(), "it may be in the one that is away");
    assert!(host.object(SMALL, small).is_none(), "and is gone in the others");
    assert!(tier.begin(UPLOAD).is_err() && tier.list("", None, 10).is_err());
    drop(host);

    let host = FakeHost::new().layer(LARGE).layer(CACHE).install();
    put(&host);
    assert!(matches!(tier.open(large, None), Ok(Source::Copied(_))));
    assert!(
        matches!(tier.open(large, Some(ByteRange { offset: 0, length: 1 })), Ok(Source::Below(slice)) if slice.layer == LARGE)
    );
    assert!(tier.open(small, None).is_err_and(|error| error != Error::NotFound) && tier.stat(small).is_err());
    assert!(tier.stat(large).unwrap().is_some());
    drop(host);

    let host = FakeHost::new().layer(SMALL).layer(LARGE).install();
    put(&host);
    assert_eq!(tier.open(small, None), below(SMALL, small));
    assert!(matches!(tier.open(large, None), Ok(Source::Copied(_))), "the host goes on without a copy");
    assert_eq!(tier.copied(large, CACHE, 1), Ok(()));
    assert!(host.logged("is passed by") && host.logged("cannot be kept within"));
}

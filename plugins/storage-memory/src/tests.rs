//! What the instance holds, and what it counts.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, configure};

use crate::memory::Memory;

const MIB: usize = 1024 * 1024;

fn memory(json: &str) -> (Installed, Memory) {
    (FakeHost::new().install(), configure(json).unwrap())
}

fn store(memory: &mut Memory, upload: &str, key: &str, bytes: &[u8]) -> Result<Progress> {
    let mut state = memory.begin(upload)?;
    assert_eq!(memory.next(&state, 0, None)?, Sink::Bytes(MIB as u32));
    for (place, piece) in bytes.chunks(MIB).enumerate() {
        state = memory.write(state, (place * MIB) as u64, piece.to_vec())?;
    }
    state = memory.written(state, bytes.len() as u64, Receipt::None)?;
    memory.commit(&state, key)
}

fn read(memory: &mut Memory, key: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
    match memory.open(key, Some(ByteRange { offset, length }))? {
        Source::Bytes(bytes) => Ok(bytes),
        other => panic!("bytes of its own, was {other:?}"),
    }
}

fn keys(memory: &mut Memory, prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
    memory.list(prefix, after, limit).unwrap().into_iter().map(|object| object.key).collect()
}

#[test]
fn a_committed_upload_is_there_whole_and_in_ranges() {
    let (_host, mut memory) = memory("{}");
    let bytes: Vec<u8> = (0..MIB * 2 + 17).map(|at| (at % 251) as u8).collect();
    assert_eq!(store(&mut memory, "u1", "a/b", &bytes), Ok(Progress::Done));
    let info = memory.stat("a/b").unwrap().unwrap();
    assert_eq!((info.size, info.modified), (bytes.len() as u64, 1_767_225_600_000));
    assert_eq!(memory.open("a/b", None), Ok(Source::Bytes(bytes[..MIB].to_vec())), "the host asks for the rest");
    assert_eq!(read(&mut memory, "a/b", MIB as u64 - 3, 7).unwrap(), bytes[MIB - 3..MIB + 4]);
    assert_eq!(read(&mut memory, "a/b", MIB as u64 * 2, 17).unwrap(), bytes[MIB * 2..]);
    assert_eq!(read(&mut memory, "a/b", bytes.len() as u64, 0).unwrap(), b"");
}

#[test]
fn a_range_past_the_end_is_invalid_and_an_unknown_key_not_found() {
    let (_host, mut memory) = memory("{}");
    store(&mut memory, "u1", "k", b"hello").unwrap();
    for (offset, length) in [(5, 1), (6, 0), (0, 6), (u64::MAX, 2)] {
        assert!(matches!(read(&mut memory, "k", offset, length), Err(Error::Invalid(_))), "{length} from {offset} on");
    }
    assert_eq!(memory.open("other", None), Err(Error::NotFound));
    assert_eq!(memory.stat("other"), Ok(None));
}

#[test]
fn bytes_that_were_not_acknowledged_are_written_over() {
    let (_host, mut memory) = memory("{}");
    let state = memory.begin("u1").unwrap();
    let state = memory.write(state, 0, b"hello".to_vec()).unwrap();
    let state = memory.write(state, 5, b" there".to_vec()).unwrap();
    let state = memory.write(state, 3, b"p!".to_vec()).unwrap();
    assert!(matches!(memory.write(state.clone(), 6, b"x".to_vec()), Err(Error::Invalid(_))));
    assert!(matches!(memory.next(&state, 6, None), Err(Error::Invalid(_))));
    memory.commit(&state, "k").unwrap();
    assert_eq!(read(&mut memory, "k", 0, 5).unwrap(), b"help!");
}

#[test]
fn a_key_is_never_overwritten_and_a_commit_can_be_asked_again() {
    let (_host, mut memory) = memory("{}");
    store(&mut memory, "u1", "k", b"first").unwrap();
    store(&mut memory, "u2", "k", b"other").unwrap();
    assert_eq!(memory.commit(b"u1", "k"), Ok(Progress::Done));
    assert_eq!(memory.commit(b"u1", "other"), Err(Error::NotFound));
    assert_eq!(read(&mut memory, "k", 0, 5).unwrap(), b"first");
}

#[test]
fn aborting_and_deleting_succeed_twice_and_an_aborted_upload_is_gone() {
    let (_host, mut memory) = memory("{}");
    store(&mut memory, "u1", "k", b"x").unwrap();
    let state = memory.begin("u2").unwrap();
    for _ in 0..2 {
        assert_eq!(memory.abort(&state), Ok(()));
        assert_eq!(memory.delete(&["k".to_owned(), "never".to_owned()]), Ok(()));
    }
    assert_eq!(memory.commit(&state, "k2"), Err(Error::NotFound));
    assert_eq!(memory.next(&state, 0, None), Err(Error::NotFound));
    assert!(keys(&mut memory, "", None, 10).is_empty());
}

#[test]
fn a_listing_is_in_byte_order_and_in_pages() {
    let (_host, mut memory) = memory("{}");
    let all = ["a-b", "a/b", "a/c", "a0", "b"];
    for (place, key) in all.iter().rev().enumerate() {
        store(&mut memory, &place.to_string(), key, b"").unwrap();
    }
    assert_eq!(keys(&mut memory, "", None, 10), all);
    assert_eq!(keys(&mut memory, "a/", None, 10), all[1..3]);
    assert_eq!(keys(&mut memory, "", Some("a/b"), 2), all[2..4]);
    assert_eq!(keys(&mut memory, "a/", Some("a"), 1), all[1..2], "`after` may lie before the prefix");
    assert!(keys(&mut memory, "a/", Some("a/c"), 10).is_empty());
    assert!(keys(&mut memory, "a/", Some("z"), 10).is_empty());
}

#[test]
fn what_is_full_says_so_and_has_room_again_after_a_deletion() {
    let (_host, mut memory) = memory(r#"{"max-bytes":65536}"#);
    store(&mut memory, "u1", "k", &[7; 40_000]).unwrap();
    let full = store(&mut memory, "u2", "k2", &[7; 30_000]);
    assert!(matches!(full, Err(Error::Unavailable(away)) if away.reason.contains("full") && away.reason.contains("max-bytes")));
    memory.abort(b"u2").unwrap();
    memory.delete(&["k".to_owned()]).unwrap();
    store(&mut memory, "u3", "k2", &[7; 65_000]).unwrap();
    assert!(matches!(memory.begin("u4"), Err(Error::Unavailable(_))), "an upload without bytes counts too");
}

#[test]
fn nothing_is_counted_that_is_not_there_any_more() {
    let (_host, mut memory) = memory(r#"{"max-bytes":65536}"#);
    for round in 0..1000 {
        let upload = format!("u{round}");
        store(&mut memory, &upload, "k", &[1; 10_000]).unwrap();
        let state = memory.begin("dropped").unwrap();
        let state = memory.write(state, 0, vec![1; 10_000]).unwrap();
        let state = memory.write(state, 0, vec![1; 20_000]).unwrap();
        memory.abort(&state).unwrap();
        memory.begin("begun again").unwrap();
        memory.delete(&["k".to_owned()]).unwrap();
    }
}

#[test]
fn a_size_that_no_instance_can_hold_stops_the_start() {
    let _host = FakeHost::new().install();
    for wrong in ["0", "65535", "1073741824"] {
        let json = format!(r#"{{"max-bytes":{wrong}}}"#);
        assert!(matches!(configure::<Memory>(&json), Err(Error::Invalid(text)) if text.starts_with("max-bytes: ")), "{wrong}");
    }
    assert!(configure::<Memory>(r#"{"most":1}"#).is_err());
}

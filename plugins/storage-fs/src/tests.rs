//! Through the SDK's fake host, whose files stand for the granted directory.

use bulkhead_plugin_sdk::prelude::*;
use bulkhead_plugin_sdk::testing::{FakeHost, Installed, configure};

use crate::disk::Disk;

fn disk() -> (Installed, Disk) {
    let host = FakeHost::new().directory("/blobs").install();
    (host, configure(r#"{"root":"/blobs/"}"#).unwrap())
}

fn store(host: &Installed, disk: &mut Disk, upload: &str, key: &str, bytes: &str) -> Result<Progress> {
    let state = disk.begin(upload)?;
    let Sink::File(slice) = disk.next(&state, 0, None)? else { panic!("the host writes the file") };
    host.set_file(&slice.path, bytes);
    let state = disk.written(state, bytes.len() as u64, Receipt::None)?;
    disk.commit(&state, key)
}

fn keys(disk: &mut Disk, prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
    disk.list(prefix, after, limit).unwrap().into_iter().map(|object| object.key).collect()
}

#[test]
fn a_committed_upload_is_where_its_key_says() {
    let (host, mut disk) = disk();
    store(&host, &mut disk, "u1", "blobs/sha256/ab", "hello").unwrap();
    assert_eq!(host.paths(), ["/blobs/blobs/sha256/ab"]);
    assert_eq!(disk.stat("blobs/sha256/ab").unwrap().unwrap().size, 5);
    let range = Some(ByteRange { offset: 1, length: 3 });
    let Source::File(slice) = disk.open("blobs/sha256/ab", range).unwrap() else { panic!("the host reads the file") };
    assert_eq!(slice, FileSlice { path: "/blobs/blobs/sha256/ab".into(), offset: 1, length: Some(3) });
}

#[test]
fn an_upload_goes_on_where_it_stopped_at_any_instance() {
    let (_host, mut disk) = disk();
    let state = disk.begin("3f2c9a").unwrap();
    let mut other: Disk = configure(r#"{"root":"/blobs"}"#).unwrap();
    let Sink::File(slice) = other.next(&state, 4096, Some(10)).unwrap() else { panic!("the host writes the file") };
    assert_eq!(slice, FileSlice { path: "/blobs/UPLOADS/3f2c9a".into(), offset: 4096, length: None });
}

#[test]
fn a_second_upload_of_the_same_key_is_dropped_and_succeeds() {
    let (host, mut disk) = disk();
    store(&host, &mut disk, "u1", "k", "first").unwrap();
    store(&host, &mut disk, "u2", "k", "other").unwrap();
    assert_eq!(host.paths(), ["/blobs/k"]);
    assert_eq!(host.file("/blobs/k").as_deref(), Some(&b"first"[..]));
}

#[test]
fn a_commit_that_is_asked_again_succeeds_and_one_of_nothing_does_not() {
    let (host, mut disk) = disk();
    store(&host, &mut disk, "u1", "k", "x").unwrap();
    assert_eq!(disk.commit(b"u1", "k"), Ok(Progress::Done));
    assert_eq!(disk.commit(b"u1", "other"), Err(Error::NotFound));
}

#[test]
fn a_key_that_is_a_directory_is_refused_and_its_upload_kept() {
    let (host, mut disk) = disk();
    store(&host, &mut disk, "u1", "a/b", "x").unwrap();
    assert!(matches!(store(&host, &mut disk, "u2", "a", "y"), Err(Error::Invalid(_))));
    assert!(matches!(store(&host, &mut disk, "u3", "a/b/c", "y"), Err(Error::Invalid(_))));
    assert_eq!(disk.stat("a"), Ok(None));
    assert!(host.file("/blobs/UPLOADS/u2").is_some());
}

#[test]
fn aborting_and_deleting_succeed_twice() {
    let (host, mut disk) = disk();
    host.set_file("/blobs/UPLOADS/u1", "x");
    host.set_file("/blobs/k", "x");
    for _ in 0..2 {
        assert_eq!(disk.abort(b"u1"), Ok(()));
        assert_eq!(disk.delete(&["k".to_owned()]), Ok(()));
    }
    assert!(host.paths().is_empty());
}

#[test]
fn a_listing_is_in_byte_order_of_whole_keys_and_shows_no_uploads() {
    let (host, mut disk) = disk();
    for path in ["a/b", "a-b", "a0", "a/b-c/d", "a/b-c.d", "UPLOADS/u1", "lost+found/x", "z"] {
        host.set_file(&format!("/blobs/{path}"), "x");
    }
    let all = ["a-b", "a/b", "a/b-c.d", "a/b-c/d", "a0", "z"];
    assert_eq!(keys(&mut disk, "", None, 100), all);
    assert_eq!(keys(&mut disk, "a/", None, 100), all[1..4]);
    assert_eq!(keys(&mut disk, "a/b-", None, 100), all[2..4]);
    assert_eq!(keys(&mut disk, "a/b-c/d", None, 100), ["a/b-c/d"]);
    for outside in ["../", "a//", "UPLOADS/", "b", "a/b/c/"] {
        assert!(keys(&mut disk, outside, None, 100).is_empty(), "{outside}");
    }
}

#[test]
fn pages_of_any_size_give_every_key_once() {
    let (host, mut disk) = disk();
    let mut all = Vec::new();
    for top in ["a", "a-", "a.b", "b"] {
        for leaf in 0..30 {
            all.push(format!("{top}/{leaf:02}/x"));
            all.push(format!("{top}/{leaf:02}-y"));
        }
    }
    for key in &all {
        host.set_file(&format!("/blobs/{key}"), "x");
    }
    all.sort();
    for limit in [1, 2, 7, 60, 240, 1000] {
        let mut found: Vec<String> = Vec::new();
        loop {
            let page = keys(&mut disk, "", found.last().map(String::as_str), limit);
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, all, "pages of {limit}");
    }
    assert_eq!(keys(&mut disk, "a/", Some("a/28/x"), 100), ["a/29-y", "a/29/x"]);
    assert_eq!(keys(&mut disk, "", Some("a/28.zzz"), 2), ["a/28/x", "a/29-y"]);
}

#[test]
fn keys_and_uploads_outside_the_grammar_are_invalid() {
    let (_host, mut disk) = disk();
    let long = "k".repeat(513);
    for key in ["", ".", "..", "a/../b", "a//b", "/a", "a/", "UPLOADS/u1", "A", "a b", &long] {
        assert!(matches!(disk.stat(key), Err(Error::Invalid(_))), "{key}");
        assert!(matches!(disk.commit(b"u1", key), Err(Error::Invalid(_))), "{key}");
    }
    for upload in ["", "../k", "a/b", "."] {
        assert!(matches!(disk.begin(upload), Err(Error::Invalid(_))), "{upload}");
        assert!(matches!(disk.abort(upload.as_bytes()), Err(Error::Invalid(_))), "{upload}");
    }
}

#[test]
fn a_root_that_was_not_granted_stops_the_start() {
    let _host = FakeHost::new().directory("/blobs").install();
    assert!(configure::<Disk>("{}").is_ok());
    assert!(
        matches!(configure::<Disk>(r#"{"root":"/data"}"#), Err(Error::Denied(text)) if text.starts_with("root: cannot list `/data`"))
    );
    assert!(matches!(configure::<Disk>(r#"{"root":"blobs"}"#), Err(Error::Invalid(_))));
    assert!(matches!(configure::<Disk>(r#"{"rot":"/blobs"}"#), Err(Error::Invalid(text)) if text.contains("expected `root`")));
}

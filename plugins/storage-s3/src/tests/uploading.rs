//! Uploads: where their bytes go, how they become objects, and what is left of them.

use super::*;

#[test]
fn a_small_blob_is_one_object_that_is_copied_and_nothing_is_left() {
    let mut setup = setup();
    let state = setup.uploaded("u1", &[b"hello"]).unwrap();
    assert_eq!(setup.keys(), ["UPLOADS/u1/tail-0"]);
    setup.commit(&state, "blobs/sha256/ab").unwrap();
    assert_eq!((setup.keys(), setup.object("blobs/sha256/ab")), (vec!["blobs/sha256/ab".to_owned()], b"hello".to_vec()));
    assert_eq!(setup.host.requests().len(), 4, "PUT, HEAD, copy, DELETE");
}

#[test]
fn an_empty_blob_is_an_object_too() {
    let mut setup = setup();
    let state = setup.uploaded("u1", &[b""]).unwrap();
    setup.commit(&state, "empty").unwrap();
    assert_eq!((setup.keys(), setup.object("empty")), (vec!["empty".to_owned()], Vec::new()));
}

#[test]
fn a_large_blob_is_put_together_of_parts_whatever_the_pieces_it_came_in() {
    let all = bytes(13 * MIB + 5);
    for cuts in
        [vec![], vec![1], vec![5 * MIB], vec![5 * MIB - 1, 5 * MIB + 1], vec![10 * MIB], vec![3, 3, 6, 12 * MIB, 12 * MIB]]
    {
        let mut setup = setup();
        let ends: Vec<usize> = cuts.iter().copied().chain([all.len()]).collect();
        let pieces: Vec<&[u8]> =
            ends.iter().enumerate().map(|(at, end)| &all[if at == 0 { 0 } else { ends[at - 1] }..*end]).collect();
        let state = setup.uploaded("u1", &pieces).unwrap();
        setup.commit(&state, "k").unwrap();
        assert_eq!(setup.keys(), ["k"], "{cuts:?}");
        assert!(setup.object("k") == all, "{cuts:?}");
        assert!(setup.store.borrow().multiparts.is_empty());
    }
}

#[test]
fn a_tail_of_any_length_becomes_the_last_part() {
    let all = bytes(6 * MIB);
    for length in [1, 3071, 3072, 16 * 1024, 16 * 1024 + 1] {
        let mut setup = setup();
        let state = setup.uploaded("u1", &[&all[..5 * MIB + length]]).unwrap();
        setup.commit(&state, "k").unwrap();
        assert!(setup.keys() == ["k"] && setup.object("k") == all[..5 * MIB + length], "{length}");
    }
}

#[test]
fn a_blob_of_whole_parts_has_no_tail() {
    let mut setup = setup();
    let all = bytes(10 * MIB);
    let state = setup.uploaded("u1", &[&all]).unwrap();
    setup.commit(&state, "k").unwrap();
    assert!(setup.keys() == ["k"] && setup.object("k") == all);
}

#[test]
fn many_small_chunks_fill_parts() {
    let mut setup = setup();
    let all = bytes(7 * MIB);
    let chunks: Vec<&[u8]> = all.chunks(400_000).collect();
    let state = setup.uploaded("u1", &chunks).unwrap();
    setup.commit(&state, "k").unwrap();
    assert!(setup.keys() == ["k"] && setup.object("k") == all);
}

#[test]
fn bodies_without_bytes_change_nothing() {
    let mut setup = setup();
    let state = setup.uploaded("u1", &[b"", b"", b"ab", b"", b"", b"c", b""]).unwrap();
    setup.commit(&state, "k").unwrap();
    assert_eq!((setup.keys(), setup.object("k")), (vec!["k".to_owned()], b"abc".to_vec()));
    let all = bytes(5 * MIB);
    let state = setup.uploaded("u2", &[&all, b"", b"x", b""]).unwrap();
    setup.commit(&state, "l").unwrap();
    assert!(setup.keys() == ["k", "l"] && setup.object("l").len() == all.len() + 1);
}

#[test]
fn an_upload_goes_on_from_its_state_alone_and_from_an_older_one() {
    let mut setup = setup();
    let all = bytes(8 * MIB);
    let old = setup.uploaded("u1", &[&all[..6 * MIB]]).unwrap();
    // This one's state was lost on the way to the host.
    setup.pour(old.clone(), 6 * MIB as u64, b"other bytes").unwrap();
    setup.bucket = configure(&settings("")).unwrap();
    let state = setup.pour(old, 6 * MIB as u64, &all[6 * MIB..]).unwrap();
    setup.commit(&state, "k").unwrap();
    assert!(setup.keys() == ["k"] && setup.object("k") == all);
}

#[test]
fn what_a_late_request_has_overwritten_is_an_error_and_never_an_object() {
    let mut setup = setup();
    let state = setup.uploaded("u1", &[b"hello"]).unwrap();
    setup.store.borrow_mut().objects.insert("UPLOADS/u1/tail-0".into(), b"later".to_vec());
    assert!(matches!(setup.commit(&state, "k"), Err(Error::Internal(_))));
    let Sink::Http(part) = setup.bucket.next(&state, 5, None).unwrap() else { panic!("the host sends requests") };
    assert_eq!(http::send(&part.head.unwrap().request).unwrap().status, 412);
    for length in [9, 20_000] {
        let state = setup.uploaded("u3", &[&bytes(5 * MIB + length)]).unwrap();
        setup.store.borrow_mut().objects.insert(format!("UPLOADS/u3/tail-{}", 5 * MIB), bytes(length + 1));
        assert!(matches!(setup.commit(&state, "k"), Err(Error::Internal(_))));
    }
    let state = setup.uploaded("u2", &[&bytes(11 * MIB)]).unwrap();
    setup.store.borrow_mut().multiparts.values_mut().for_each(|(_, parts)| drop(parts.insert(2, bytes(6 * MIB))));
    assert_eq!(setup.commit(&state, "k"), Err(Error::internal("CompleteMultipartUpload: the store answers 400 InvalidPart")));
    assert_eq!(setup.bucket.stat("k"), Ok(None));
}

#[test]
fn a_second_upload_of_a_key_is_dropped_and_succeeds() {
    for more in ["", r#","conditional":true"#] {
        let mut setup = setup_with(more);
        let first = setup.uploaded("u1", &[b"first"]).unwrap();
        let other = setup.uploaded("u2", &[&bytes(6 * MIB)]).unwrap();
        setup.commit(&first, "k").unwrap();
        setup.commit(&other, "k").unwrap();
        assert_eq!((setup.keys(), setup.object("k")), (vec!["k".to_owned()], b"first".to_vec()));
        assert!(setup.store.borrow().multiparts.is_empty());
        assert!(setup.host.logged("`k` is there already with 5 bytes"));
    }
}

#[test]
fn where_the_store_sees_to_it_the_first_of_two_at_once_wins() {
    let mut setup = setup_with(r#","conditional":true"#);
    let state = setup.uploaded("u1", &[b"other"]).unwrap();
    setup.store.borrow_mut().objects.insert("k".into(), b"first".to_vec());
    // When this node looked, it was not there yet.
    setup.fail("HEAD", "/k", 404, "NoSuchKey", false);
    setup.commit(&state, "k").unwrap();
    assert_eq!((setup.keys(), setup.object("k")), (vec!["k".to_owned()], b"first".to_vec()));
}

#[test]
fn a_commit_whose_answer_was_lost_is_asked_again_and_goes_on() {
    let all = bytes(10 * MIB + 7);
    let steps = [("PUT", "/k"), ("POST", "uploadId="), ("PUT", "partNumber=3"), ("DELETE", "uploadId="), ("POST", "delete=")];
    for (method, part) in steps {
        let mut setup = setup();
        let state = setup.uploaded("u1", &[&all]).unwrap();
        setup.fail(method, part, 503, "SlowDown", true);
        setup.commit(&state, "k").or_else(|_| setup.commit(&state, "k")).unwrap();
        assert!(setup.object("k") == all, "{method} {part}");
        assert_eq!(setup.commit(&state, "k"), Ok(()), "what is done may be asked again");
        assert_eq!(setup.keys(), ["k"], "{method} {part}");
    }
}

#[test]
fn what_was_aborted_cannot_be_committed_and_leaves_nothing() {
    for body in [&b""[..], b"hello", &bytes(13 * MIB)] {
        let mut setup = setup();
        let state = setup.uploaded("u1", &[body]).unwrap();
        let other = setup.uploaded("u10", &[b"mine"]).unwrap();
        for _ in 0..2 {
            assert_eq!(setup.bucket.abort(&state), Ok(()));
        }
        assert_eq!(setup.commit(&state, "k"), Err(Error::NotFound));
        assert_eq!(setup.keys(), ["UPLOADS/u10/tail-0"], "an upload with a longer name is another");
        assert!(setup.store.borrow().multiparts.is_empty());
        setup.commit(&other, "k").unwrap();
    }
    let mut setup = setup();
    let state = setup.bucket.begin("u1").unwrap();
    assert!(matches!(setup.commit(&state, "k"), Err(Error::Invalid(_))), "nothing was written");
    assert_eq!(setup.bucket.abort(&state), Ok(()));
}

#[test]
fn an_object_too_large_for_one_copy_is_copied_in_pieces() {
    let mut setup = setup();
    let all = bytes(16 * MIB);
    let state = setup.uploaded("u1", &[&all]).unwrap();
    let Progress::More(more) = setup.bucket.commit(&state, "k").unwrap() else { panic!("a large one takes several calls") };
    assert!(matches!(setup.bucket.commit(&more, "other"), Err(Error::Invalid(_))), "it is about one key");
    setup.fail("PUT", "/k?partNumber=3", 500, "InternalError", false);
    assert!(matches!(setup.commit(&more, "k"), Err(Error::Unavailable(_))));
    setup.commit(&more, "k").unwrap();
    assert!(setup.object("k") == all);
    assert_eq!(setup.keys(), ["k"]);
    assert_eq!(setup.commit(&more, "k"), Ok(()));
    assert!(setup.store.borrow().multiparts.is_empty());
}

#[test]
fn a_part_that_the_store_refused_is_an_error_of_its_kind() {
    let mut setup = setup();
    let state = setup.bucket.begin("u1").unwrap();
    let answered = |status| Receipt::Http(HttpAnswer { status, headers: Vec::new() });
    let mut written = |receipt| setup.bucket.written(state.clone(), 5, receipt).unwrap_err();
    assert!(matches!(written(answered(403)), Error::Denied(_)));
    assert!(matches!(written(answered(503)), Error::Unavailable(_)));
    assert!(matches!(written(answered(200)), Error::Internal(_)), "an answer without an ETag");
    assert!(matches!(written(Receipt::None), Error::Invalid(_)));
    assert!(matches!(setup.bucket.next(&state, 5, None), Err(Error::Invalid(_))), "beyond what the upload has");
    assert!(matches!(setup.bucket.next(b"u1", 0, None), Err(Error::Invalid(_))), "the state of another plugin");
}

#[test]
fn objects_to_stay_are_kept_as_the_settings_say_and_those_of_uploads_are_encrypted() {
    let mut setup = setup_with(r#","storage-class":"STANDARD_IA","server-side-encryption":"aws:kms","kms-key-id":"K1""#);
    let state = setup.uploaded("u1", &[b"x"]).unwrap();
    setup.commit(&state, "k").unwrap();
    let requests = setup.host.requests();
    let [tail, _, copy, _] = &requests[..] else { panic!("PUT, HEAD, copy, DELETE") };
    for request in [tail, copy] {
        assert_eq!(request.header("x-amz-server-side-encryption"), Some("aws:kms"));
        assert_eq!(request.header("x-amz-server-side-encryption-aws-kms-key-id"), Some("K1"));
    }
    assert_eq!((tail.header("x-amz-storage-class"), copy.header("x-amz-storage-class")), (None, Some("STANDARD_IA")));
}

//! Objects that are there: read, looked at, listed, deleted, linked to; and the settings.

use bulkhead_plugin_sdk::testing::answer;

use super::*;

fn keys(bucket: &mut Bucket, prefix: &str, after: Option<&str>, limit: u32) -> Vec<String> {
    bucket.list(prefix, after, limit).unwrap().into_iter().map(|object| object.key).collect()
}

#[test]
fn a_read_is_a_signed_request_that_the_host_carries_out() {
    let mut setup = setup_with(r#","prefix":"team/a/""#);
    let range = Some(ByteRange { offset: 5, length: 10 });
    let Source::Http(request) = setup.bucket.open("blobs/sha256/ab", range).unwrap() else { panic!("the host asks the store") };
    assert_eq!(request.url, "http://s3.test:9000/blobs/team/a/blobs/sha256/ab");
    assert_eq!((request.method.as_str(), request.header("range")), ("GET", Some("bytes=5-14")));
    let signed = request.header("authorization").unwrap();
    assert!(signed.contains("Credential=A/20260101/garage/s3/aws4_request,SignedHeaders=host;range;"), "{signed}");
    let Source::Http(whole) = setup.bucket.open("k", None).unwrap() else { panic!("the host asks the store") };
    assert_eq!(whole.header("range"), None);
    assert!(setup.host.requests().is_empty());
}

#[test]
fn what_is_there_has_a_size_and_a_date() {
    let mut setup = setup();
    setup.store.borrow_mut().objects.insert("k".into(), b"hello".to_vec());
    let info = ObjectInfo { key: "k".into(), size: 5, modified: 1_369_353_600_000 };
    assert_eq!((setup.bucket.stat("k"), setup.bucket.stat("none")), (Ok(Some(info)), Ok(None)));
    setup.fail("HEAD", "/k", 403, "", false);
    assert_eq!(setup.bucket.stat("k"), Err(Error::denied("HeadObject: the store answers 403")));
}

#[test]
fn a_listing_is_in_byte_order_and_shows_neither_uploads_nor_strangers() {
    for prefix in ["", "p/q/"] {
        let mut setup = setup_with(&format!(r#","prefix":"{prefix}""#));
        for key in ["-", "0", "a-b", "a/b", "a/b/c", "a0", "_", "z", "Other", "a//b", "ä", "a/", "a b&c", "UPLOADS/u1/whole"] {
            setup.store.borrow_mut().objects.insert(format!("{prefix}{key}"), b"x".to_vec());
        }
        setup.store.borrow_mut().objects.insert("p/other".into(), b"x".to_vec());
        let mut all = vec!["-", "0", "_", "a-b", "a/b", "a/b/c", "a0", "z"];
        if prefix.is_empty() {
            all.insert(7, "p/other");
        }
        assert_eq!(keys(&mut setup.bucket, "", None, 100), all);
        assert_eq!(keys(&mut setup.bucket, "a/", None, 100), ["a/b", "a/b/c"]);
        assert_eq!(keys(&mut setup.bucket, "a", Some("a/b"), 1), ["a/b/c"]);
        assert!(keys(&mut setup.bucket, "UPLOADS/", None, 100).is_empty());
    }
}

#[test]
fn pages_of_any_size_give_every_key_once_also_across_many_uploads() {
    let mut setup = setup();
    let all: Vec<String> = (0..60).map(|number| format!("{}/{number:02}", if number < 20 { "0" } else { "k" })).collect();
    for key in &all {
        setup.store.borrow_mut().objects.insert(key.clone(), Vec::new());
    }
    for number in 0..2000 {
        setup.store.borrow_mut().objects.insert(format!("UPLOADS/{number}/whole"), Vec::new());
    }
    for limit in [1, 7, 20, 21, 1000] {
        let mut found: Vec<String> = Vec::new();
        loop {
            let page = keys(&mut setup.bucket, "", found.last().map(String::as_str), limit);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, all, "pages of {limit}");
    }
    let before = setup.sent("GET", "list-type=2");
    assert_eq!(keys(&mut setup.bucket, "", None, 1000), all);
    assert_eq!(setup.sent("GET", "list-type=2") - before, 2, "the uploads are passed over in one step");
}

#[test]
fn many_keys_are_deleted_at_once_where_the_store_can() {
    for knows_no_batches in [false, true] {
        let mut setup = setup_with(r#","prefix":"p/""#);
        setup.store.borrow_mut().knows_no_batches = knows_no_batches;
        for key in ["p/a", "p/b", "p/c", "a"] {
            setup.store.borrow_mut().objects.insert(key.into(), Vec::new());
        }
        setup.bucket.delete(&["a".to_owned(), "b".to_owned(), "none".to_owned()]).unwrap();
        assert_eq!(setup.keys(), ["a", "p/c"]);
        setup.bucket.delete(&["c".to_owned()]).unwrap();
        assert_eq!(setup.keys(), ["a"]);
        assert_eq!(setup.sent("POST", "delete="), 1);
        assert_eq!(setup.sent("DELETE", ""), if knows_no_batches { 4 } else { 1 });
    }
}

#[test]
fn what_a_batched_delete_could_not_do_is_an_error() {
    let mut setup = setup();
    for (code, is_denied) in [("AccessDenied", true), ("InternalError", false)] {
        let body = format!("<DeleteResult><Error><Key>b</Key><Code>{code}</Code></Error></DeleteResult>").into_bytes();
        setup.host.set_answer("http://s3.test:9000/blobs/?delete=", Ok(HttpResponse { body, ..answer(200) }));
        let error = setup.bucket.delete(&["a".to_owned(), "b".to_owned()]).unwrap_err();
        assert_eq!(matches!(error, Error::Denied(_)), is_denied, "{error:?}");
    }
}

#[test]
fn a_link_is_for_where_clients_reach_the_store_and_for_a_week_at_most() {
    let mut setup = setup_with(r#","prefix":"p/","link-endpoint":"https://cdn.example.com/""#);
    let url = setup.bucket.link("a/b", 1_000_000).unwrap().unwrap();
    assert!(
        url.starts_with("https://cdn.example.com/blobs/p/a/b?X-Amz-Algorithm=") && url.contains("&X-Amz-Expires=604800&"),
        "{url}"
    );
    assert!(!url.contains("garage%2Fs3%2Faws4_request%2F") && !url.contains("=S"), "{url}");
}

#[test]
fn the_buckets_name_goes_where_the_endpoint_wants_it() {
    let url = |endpoint: &str, more: &str| {
        let _host = FakeHost::new().secret("key", "S").install();
        let mut bucket: Bucket = configure(&settings(more).replace(ORIGIN, endpoint)).unwrap();
        let Source::Http(request) = bucket.open("k", None).unwrap() else { panic!("the host asks the store") };
        request.url
    };
    assert_eq!(url("https://s3.eu-central-1.amazonaws.com", ""), "https://blobs.s3.eu-central-1.amazonaws.com/k");
    assert_eq!(
        url("https://s3.eu-central-1.amazonaws.com/", r#","addressing":"path""#),
        "https://s3.eu-central-1.amazonaws.com/blobs/k"
    );
    assert_eq!(url("https://minio.example.com:9000", ""), "https://minio.example.com:9000/blobs/k");
    assert_eq!(
        url("https://minio.example.com:9000", r#","addressing":"virtual-host""#),
        "https://blobs.minio.example.com:9000/k"
    );
}

#[test]
fn a_key_that_was_changed_is_used_after_one_refusal() {
    let store = Shared::default();
    store.borrow_mut().objects.insert("k".into(), b"x".to_vec());
    let host = FakeHost::new().secret("key", "old").install();
    let mut bucket: Bucket = configure(&settings("")).unwrap();
    drop(host);
    let host = FakeHost::new().secret("key", "new").service(ORIGIN, store::service(&store)).install();
    let fail =
        || store.borrow_mut().failures.push(store::Failure { method: "HEAD", part: "/k", status: 403, code: "", is_done: false });
    fail();
    assert!(bucket.stat("k").unwrap().is_some());
    assert_eq!(host.requests().len(), 2);
    fail();
    assert!(matches!(bucket.stat("k"), Err(Error::Denied(_))), "the same keys are not tried again");
    assert_eq!(host.requests().len(), 3);
}

#[test]
fn no_error_and_no_line_of_the_log_has_a_key_or_a_signature() {
    let mut setup = setup();
    for status in [400, 401, 403, 404, 409, 412, 429, 500, 503] {
        setup.host.set_answer(
            "http://s3.test:9000/blobs/k",
            Ok(HttpResponse { body: b"<Error><Code>A B</Code>S&amp;</Error>".to_vec(), ..answer(status) }),
        );
        let text = format!("{:?}{:?}", setup.bucket.stat("k"), setup.bucket.delete(&["k".to_owned()]));
        assert!(!text.contains("http") && !text.contains("Signature") && !text.contains("A B"), "{text}");
    }
    assert!(setup.host.log().is_empty());
}

#[test]
fn keys_outside_the_grammar_are_invalid() {
    let mut setup = setup();
    for key in ["", ".", "a/../b", "a//b", "/a", "a/", "UPLOADS/u1/whole", "A", "a b", &"k".repeat(513)] {
        assert!(matches!(setup.bucket.stat(key), Err(Error::Invalid(_))), "{key}");
        assert!(matches!(setup.bucket.delete(&["a".into(), key.into()]), Err(Error::Invalid(_))), "{key}");
    }
    assert!(setup.host.requests().is_empty());
}

#[test]
fn a_mistake_in_the_settings_is_named() {
    let _host = FakeHost::new().secret("key", "S").install();
    for (from, to, begins) in [
        (ORIGIN, "s3.test", "endpoint: `s3.test` must be like"),
        (ORIGIN, "https://s3.test/path", "endpoint: "),
        ("garage", "", "region: "),
        (r#""blobs""#, r#""No""#, "bucket: "),
        (r#""blobs""#, r#""a..b""#, "bucket: "),
        (r#""blobs""#, r#""blobs","prefix":"/a/""#, "prefix: "),
        (r#""blobs""#, r#""blobs","prefix":"a""#, "prefix: "),
        (r#""blobs""#, r#""blobs","part-bytes":1"#, "part-bytes: "),
        (r#""blobs""#, r#""blobs","part-bytes":67108865"#, "part-bytes: "),
        (r#""blobs""#, r#""blobs","link-endpoint":"cdn""#, "link-endpoint: "),
        (r#""blobs""#, r#""blobs","storage-class":"cold""#, "storage-class: "),
        (r#""blobs""#, r#""blobs","kms-key-id":"k""#, "kms-key-id: "),
        (r#""blobs""#, r#""blobs","server-side-encryption":"none""#, "server-side-encryption: "),
        (ORIGIN, "http://127.0.0.1:9000\",\"addressing\":\"virtual-host", "addressing: "),
        (r#""blobs""#, r#""blobs","buckt":"b""#, "buckt: unknown field"),
    ] {
        match configure::<Bucket>(&settings("").replacen(from, to, 1)).map(|_| ()) {
            Err(Error::Invalid(text)) => assert!(text.starts_with(begins), "{text}"),
            other => panic!("{to} must be refused, was {other:?}"),
        }
    }
}

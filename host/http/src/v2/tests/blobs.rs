use super::*;

const CONTENT: &str = "0123456789abcdef";

async fn get(world: &World, target: &str, headers: &[(&str, &str)]) -> Answer {
    let builder = headers.iter().fold(as_user("alice", "GET", target), |builder, (name, value)| builder.header(*name, *value));
    world.send(builder, "").await
}

#[tokio::test]
async fn a_blob_comes_back_as_it_was_put_and_says_what_it_is() {
    let world = World::new();
    let digest = world.put_blob("a/b", CONTENT).await;
    let answer = get(&world, &format!("/v2/a/b/blobs/{digest}"), &[]).await;
    assert_eq!((answer.status, &*answer.body), (200, CONTENT.as_bytes()));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("content-length", "16"),
        ("docker-content-digest", digest.as_str()),
        ("etag", &format!("\"{digest}\"")),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_blob_of_another_repository_is_unknown() {
    let world = World::new();
    let digest = world.put_blob("a", CONTENT).await;
    assert_eq!(get(&world, &format!("/v2/b/blobs/{digest}"), &[]).await.refusal(), code(404, "BLOB_UNKNOWN"));
}

#[tokio::test]
async fn ranges_are_sent_refused_or_passed_over() {
    let world = World::new();
    let digest = world.put_blob("a", CONTENT).await;
    let target = format!("/v2/a/blobs/{digest}");
    for (range, content, place) in [
        ("bytes=2-4", "234", "bytes 2-4/16"),
        ("bytes=1-14", "123456789abcde", "bytes 1-14/16"),
        ("bytes=-3", "def", "bytes 13-15/16"),
    ] {
        let answer = get(&world, &target, &[("range", range)]).await;
        assert_eq!((answer.status, &*answer.body), (206, content.as_bytes()), "{range}");
        assert_eq!(answer.header("content-range"), place);
        assert_eq!(answer.header("content-length"), content.len().to_string());
    }
    let answer = get(&world, &target, &[("range", "bytes=16-")]).await;
    assert_eq!((answer.status, answer.header("content-range")), (416, "bytes */16"));
    let backwards = get(&world, &target, &[("range", "bytes=5-0")]).await;
    assert_eq!((backwards.refusal(), backwards.header("content-range")), (code(416, "SIZE_INVALID"), "bytes */16"));
    let many = format!("bytes={}", ["0-0"; 17].join(","));
    for headers in [[("range", &*many), ("x", "")], [("range", "bytes=0-1"), ("if-range", "\"other\"")]] {
        assert_eq!(get(&world, &target, &headers).await.status, 200, "{headers:?}");
    }
    assert_eq!(get(&world, &target, &[("range", "bytes=0-1"), ("if-range", &format!("\"{digest}\""))]).await.status, 206);
    let head = world.send(as_user("alice", "HEAD", &target).header("range", "bytes=0-1"), "").await;
    assert_eq!((head.status, head.header("content-length")), (200, "16"));
}

#[tokio::test]
async fn several_ranges_come_as_the_parts_of_one_body() {
    let world = World::new();
    let digest = world.put_blob("a", CONTENT).await;
    let target = format!("/v2/a/blobs/{digest}");
    let answer = get(&world, &target, &[("range", "bytes=0-0, 2-11, -2")]).await;
    let boundary = answer.header("content-type").strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range: &str, content: &str| {
        format!("--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {range}/16\r\n\r\n{content}\r\n")
    };
    let (first, second, third) = (part("0-0", "0"), part("2-11", "23456789ab"), part("14-15", "ef"));
    let expected = format!("{first}{second}{third}--{boundary}--\r\n");
    assert_eq!((answer.status, &*answer.body), (206, expected.as_bytes()));
    for (name, value) in [
        ("content-length", &*expected.len().to_string()),
        ("content-range", ""),
        ("docker-content-digest", digest.as_str()),
        ("etag", &format!("\"{digest}\"")),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let joined = get(&world, &target, &[("range", "bytes=0-3,2-5,6-6,99-")]).await;
    assert_eq!((joined.status, &*joined.body, joined.header("content-range")), (206, &b"0123456"[..], "bytes 0-6/16"));
    let other = get(&world, &target, &[("range", "bytes=0-0,2-3"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, &*other.body), (200, CONTENT.as_bytes()));
}

#[tokio::test]
async fn a_client_that_has_the_blob_gets_no_bytes() {
    let world = World::new();
    let digest = world.put_blob("a", CONTENT).await;
    let target = format!("/v2/a/blobs/{digest}");
    let answer = get(&world, &target, &[("if-none-match", &format!("\"{digest}\""))]).await;
    assert_eq!((answer.status, answer.body.len()), (304, 0));
    assert_eq!(answer.header("docker-content-digest"), digest.as_str());
}

#[tokio::test]
async fn a_deleted_blob_is_gone() {
    let world = World::new();
    let digest = world.put_blob("a", CONTENT).await;
    let target = format!("/v2/a/blobs/{digest}");
    assert_eq!(world.alice("DELETE", &target, "").await.status, 202);
    assert_eq!(world.alice("DELETE", &target, "").await.refusal(), code(404, "BLOB_UNKNOWN"));
    assert_eq!(world.alice("HEAD", &target, "").await.status, 404);
}

#[tokio::test]
async fn a_mount_needs_no_bytes() {
    let world = World::new();
    let digest = world.put_blob("a", CONTENT).await;
    let answer = world.alice("POST", &format!("/v2/b/blobs/uploads/?mount={digest}&from=a"), "").await;
    assert_eq!((answer.status, answer.header("location")), (201, &*format!("/v2/b/blobs/{digest}")));
    assert_eq!(answer.header("docker-content-digest"), digest.as_str());
    assert_eq!(get(&world, &format!("/v2/b/blobs/{digest}"), &[]).await.body, CONTENT);
}

#[tokio::test]
async fn a_mount_without_a_source_finds_the_blob_where_the_caller_may_read() {
    let world = World::new();
    let digest = world.put_blob("public/base", CONTENT).await;
    world.put_blob("alice/copy", CONTENT).await;
    let answer = world.send(as_user("bob", "POST", &format!("/v2/bob/app/blobs/uploads/?mount={digest}")), "").await;
    assert_eq!((answer.status, answer.header("location")), (201, &*format!("/v2/bob/app/blobs/{digest}")));
    assert_eq!(world.send(as_user("bob", "HEAD", &format!("/v2/bob/app/blobs/{digest}")), "").await.status, 200);
    assert_eq!(world.store.count(), (1, 0));
}

#[tokio::test]
async fn a_mount_without_a_source_tells_nothing_of_what_may_not_be_read() {
    let world = World::new();
    let secret = world.put_blob("alice/secret", CONTENT).await;
    for digest in [secret, sha256(b"x")] {
        let answer = world.send(as_user("bob", "POST", &format!("/v2/bob/app/blobs/uploads/?mount={digest}")), "").await;
        assert_eq!((answer.status, answer.header("range")), (202, "0-0"));
        assert!(answer.header("location").starts_with("/v2/bob/app/blobs/uploads/"));
        assert!(answer.header("docker-content-digest").is_empty());
        assert_eq!(world.send(as_user("bob", "HEAD", &format!("/v2/bob/app/blobs/{digest}")), "").await.status, 404);
    }
}

#[tokio::test]
async fn a_mount_of_what_is_not_there_and_of_what_may_not_be_read_look_the_same() {
    let world = World::new();
    let secret = world.put_blob("alice/secret", CONTENT).await;
    for (digest, from) in [(secret.clone(), "alice/secret"), (sha256(b"x"), "alice/secret"), (secret, "bob/nothing")] {
        let builder = as_user("bob", "POST", &format!("/v2/bob/app/blobs/uploads/?mount={digest}&from={from}"));
        let answer = world.send(builder, "").await;
        assert_eq!((answer.status, answer.header("range")), (202, "0-0"), "{from}");
        assert!(answer.header("location").starts_with("/v2/bob/app/blobs/uploads/"), "{from}");
        assert!(answer.header("docker-content-digest").is_empty());
    }
}

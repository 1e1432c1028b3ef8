use axum::body::Body;
use bulkhead_core::registry::Rules;
use futures_util::stream;

use super::*;
use crate::HttpLimits;

async fn begin(world: &World) -> String {
    let answer = world.alice("POST", "/v2/a/blobs/uploads/", "").await;
    assert_eq!((answer.status, answer.header("range")), (202, "0-0"));
    let location = answer.header("location");
    assert_eq!(location, format!("/v2/a/blobs/uploads/{}", answer.header("docker-upload-uuid")));
    location.to_owned()
}

async fn patch(world: &World, location: &str, range: Option<&str>, chunk: &'static str) -> Answer {
    let builder = as_user("alice", "PATCH", location);
    let builder = range.into_iter().fold(builder, |builder, range| builder.header("content-range", range));
    world.send(builder, chunk).await
}

/// Without a length, as chunked transfer has it.
fn chunked(pieces: &'static [&'static str]) -> Body {
    Body::from_stream(stream::iter(pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece))))
}

#[tokio::test]
async fn an_upload_of_several_chunks_becomes_a_blob() {
    let world = World::new();
    let location = begin(&world).await;
    let answer = patch(&world, &location, None, "hello ").await;
    assert_eq!((answer.status, answer.header("range"), answer.header("location")), (202, "0-5", &*location));
    assert_eq!(patch(&world, &location, Some("6-8"), "wor").await.header("range"), "0-8");
    let status = world.alice("GET", &location, "").await;
    assert_eq!((status.status, status.header("range"), status.header("location")), (204, "0-8", &*location));
    let digest = sha256(b"hello world");
    let answer = world.alice("PUT", &format!("{location}?digest={}", digest.as_str().replace(':', "%3A")), "ld").await;
    assert_eq!((answer.status, answer.header("location")), (201, &*format!("/v2/a/blobs/{digest}")));
    assert_eq!(answer.header("docker-content-digest"), digest.as_str());
    assert_eq!(world.alice("GET", &format!("/v2/a/blobs/{digest}"), "").await.body, "hello world");
    assert_eq!(world.alice("GET", &location, "").await.refusal(), code(404, "BLOB_UPLOAD_UNKNOWN"));
}

#[tokio::test]
async fn chunked_transfer_and_an_empty_put_are_how_docker_pushes() {
    let world = World::new();
    let location = begin(&world).await;
    let answer = world.alice("PATCH", &location, chunked(&["hel", "lo"])).await;
    assert_eq!((answer.status, answer.header("range")), (202, "0-4"));
    let digest = sha256(b"hello");
    assert_eq!(world.alice("PUT", &format!("{location}?digest={digest}"), "").await.status, 201);
    let location = begin(&world).await;
    assert_eq!(world.alice("PUT", &format!("{location}?digest={digest}"), chunked(&["hel", "lo"])).await.status, 201);
}

#[tokio::test]
async fn a_chunk_in_the_wrong_place_is_told_the_right_one() {
    let world = World::new();
    let location = begin(&world).await;
    assert_eq!(patch(&world, &location, Some("0-4"), "hello").await.status, 202);
    for range in ["0-4", "7-11"] {
        let answer = patch(&world, &location, Some(range), "world").await;
        assert_eq!(answer.refusal(), code(416, "BLOB_UPLOAD_INVALID"), "{range}");
        assert_eq!((answer.header("range"), answer.header("location")), ("0-4", &*location));
    }
    assert_eq!(patch(&world, &location, Some("5-6"), "world").await.refusal(), code(400, "SIZE_INVALID"));
    assert_eq!(patch(&world, &location, Some("x"), "world").await.refusal(), code(400, "BLOB_UPLOAD_INVALID"));
    assert_eq!(patch(&world, &location, Some("5-9"), "world").await.header("range"), "0-9");
}

#[tokio::test]
async fn wrong_content_is_refused_and_leaves_nothing() {
    let world = World::new();
    let digest = sha256(b"right");
    let answer = world.alice("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), "wrong").await;
    assert_eq!(answer.refusal(), code(400, "DIGEST_INVALID"));
    let location = begin(&world).await;
    assert_eq!(world.alice("PUT", &location, "wrong").await.refusal(), code(400, "DIGEST_INVALID"));
    let answer = world.alice("PUT", &format!("{location}?digest={digest}"), "wrong").await;
    assert_eq!(answer.refusal(), code(400, "DIGEST_INVALID"));
    assert_eq!((world.catalog.count(), world.store.count()), ((0, 0, 0), (0, 0)));
}

#[tokio::test]
async fn another_repositorys_upload_is_unknown() {
    let world = World::new();
    let location = begin(&world).await;
    let elsewhere = location.replace("/v2/a/", "/v2/b/");
    assert_eq!(patch(&world, &elsewhere, None, "x").await.refusal(), code(404, "BLOB_UPLOAD_UNKNOWN"));
    assert_eq!(world.alice("DELETE", &elsewhere, "").await.refusal(), code(404, "BLOB_UPLOAD_UNKNOWN"));
}

#[tokio::test]
async fn a_cancelled_upload_is_gone() {
    let world = World::new();
    let location = begin(&world).await;
    assert_eq!(world.alice("DELETE", &location, "").await.status, 204);
    assert_eq!(world.alice("DELETE", &location, "").await.refusal(), code(404, "BLOB_UPLOAD_UNKNOWN"));
    assert_eq!((world.catalog.count(), world.store.count()), ((0, 0, 0), (0, 0)));
}

#[tokio::test]
async fn a_blob_over_the_registrys_bound_is_too_large() {
    let world = World::new();
    let big = "x".repeat(1025);
    let target = format!("/v2/a/blobs/uploads/?digest={}", sha256(big.as_bytes()));
    assert_eq!(world.alice("POST", &target, big).await.refusal(), code(413, "SIZE_INVALID"));
    let location = begin(&world).await;
    assert_eq!(world.alice("PATCH", &location, "x".repeat(1025)).await.refusal(), code(413, "SIZE_INVALID"));
}

#[tokio::test]
async fn sha512_is_hashed_as_such() {
    let world = World::new();
    let answer = world.alice("POST", "/v2/a/blobs/uploads/?digest-algorithm=sha512", "").await;
    let location = answer.header("location").to_owned();
    // Of "abc", as FIPS 180-2 has it.
    let digest = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    let answer = world.alice("PUT", &format!("{location}?digest={digest}"), "abc").await;
    assert_eq!((answer.status, answer.header("docker-content-digest")), (201, digest));
}

#[tokio::test]
async fn what_came_before_a_client_fell_silent_is_kept() {
    let limits = HttpLimits { idle: std::time::Duration::from_millis(5), ..HttpLimits::default() };
    let world = World::limited(limits);
    let location = begin(&world).await;
    let first = stream::iter([Ok::<_, std::io::Error>("hello")]);
    let silent = futures_util::StreamExt::chain(first, stream::pending());
    let answer = world.alice("PATCH", &location, Body::from_stream(silent)).await;
    assert_eq!(answer.refusal(), code(408, "BLOB_UPLOAD_INVALID"));
    assert_eq!(world.alice("GET", &location, "").await.header("range"), "0-4");
}

#[tokio::test]
async fn a_size_of_chunks_is_wished_for_where_the_registry_has_one() {
    let world = World::ruled(Rules { chunk_min: Some(100), ..World::rules() });
    let begun = world.alice("POST", "/v2/a/blobs/uploads/", "").await;
    assert_eq!((begun.status, begun.header("oci-chunk-min-length")), (202, "100"));
    let mount = world.alice("POST", &format!("/v2/a/blobs/uploads/?mount={}", sha256(b"x")), "").await;
    assert_eq!((mount.status, mount.header("oci-chunk-min-length")), (202, "100"));
    assert_eq!(patch(&world, begun.header("location"), Some("0-0"), "x").await.status, 202, "it is advice");
    assert_eq!(World::new().alice("POST", "/v2/a/blobs/uploads/", "").await.header("oci-chunk-min-length"), "");
}

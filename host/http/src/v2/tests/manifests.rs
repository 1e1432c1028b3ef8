use bulkhead_core::registry::Rules;
use bulkhead_oci::{MAX_MANIFEST_BYTES, MediaType};

use super::*;

#[tokio::test]
async fn a_manifest_comes_back_byte_for_byte_by_tag_and_by_digest() {
    let world = World::new();
    let (body, put) = world.put_manifest("a/b", "v1", json!({})).await;
    let digest = sha256(&body);
    assert_eq!((put.status, put.header("location")), (201, &*format!("/v2/a/b/manifests/{digest}")));
    assert_eq!((put.header("docker-content-digest"), put.header("oci-subject")), (digest.as_str(), ""));
    for reference in ["v1", digest.as_str()] {
        let get = world.alice("GET", &format!("/v2/a/b/manifests/{reference}"), "").await;
        assert_eq!((get.status, &get.body), (200, &body));
        let head = world.alice("HEAD", &format!("/v2/a/b/manifests/{reference}"), "").await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        for answer in [get, head] {
            assert_eq!(answer.header("content-type"), MediaType::OCI_MANIFEST);
            assert_eq!(answer.header("content-length"), body.len().to_string());
            assert_eq!(answer.header("docker-content-digest"), digest.as_str());
            assert_eq!(answer.header("etag"), format!("\"{digest}\""));
        }
    }
    let known = as_user("alice", "GET", "/v2/a/b/manifests/v1").header("if-none-match", format!("\"{digest}\""));
    let answer = world.send(known, "").await;
    assert_eq!((answer.status, answer.body.len()), (304, 0));
}

async fn read(world: &World, method: &str, reference: &str, accept: &[&str]) -> Answer {
    let request = as_user("alice", method, &format!("/v2/a/manifests/{reference}"));
    world.send(accept.iter().fold(request, |request, value| request.header("accept", *value)), "").await
}

#[tokio::test]
async fn what_a_tag_points_to_is_negotiated_and_a_digest_is_not() {
    let world = World::new();
    let (image, _) = world.put_manifest("a", "image", json!({})).await;
    let (image_digest, kind) = (sha256(&image), MediaType::OCI_MANIFEST);
    let (index, put) = world.put_index("a", "multi", &[(&image_digest, image.len(), kind)]).await;
    assert_eq!(put.status, 201, "{:?}", put.body);
    for accept in [&[][..], &["*/*"], &["application/json"], &[kind, MediaType::OCI_INDEX]] {
        let answer = read(&world, "GET", "multi", accept).await;
        assert_eq!((answer.status, &answer.body, answer.header("vary")), (200, &index, "Accept"), "{accept:?}");
    }
    for method in ["GET", "HEAD"] {
        let answer = read(&world, method, "multi", &[kind]).await;
        assert_eq!((answer.status, answer.header("vary")), (200, "Accept"));
        assert_eq!((answer.header("content-type"), answer.header("docker-content-digest")), (kind, image_digest.as_str()));
        assert_eq!(answer.header("etag"), format!("\"{image_digest}\""));
    }
    let by_digest = read(&world, "GET", sha256(&index).as_str(), &[kind]).await;
    assert_eq!((by_digest.status, &by_digest.body, by_digest.header("vary")), (200, &index, ""));
}

#[tokio::test]
async fn a_client_that_cannot_read_what_a_tag_points_to_is_told_so() {
    let world = World::new();
    world.put_manifest("a", "v1", json!({})).await;
    let excluded = format!("*/*, {};q=0", MediaType::OCI_MANIFEST);
    for accept in [MediaType::DOCKER_MANIFEST, MediaType::OCI_INDEX, "text/html", &excluded] {
        let answer = read(&world, "GET", "v1", &[accept]).await;
        assert_eq!(answer.refusal(), code(406, "MANIFEST_UNKNOWN"), "{accept}");
        assert!(answer.json()["errors"][0]["message"].as_str().unwrap().contains(MediaType::OCI_MANIFEST));
        assert_eq!((answer.header("vary"), answer.header("docker-content-digest")), ("Accept", ""));
    }
    let absent = read(&world, "GET", "v2", &["text/html"]).await;
    assert_eq!(absent.refusal(), code(404, "MANIFEST_UNKNOWN"));
}

#[tokio::test]
async fn a_copy_that_is_still_good_is_told_by_the_negotiated_manifest() {
    let world = World::new();
    let (image, _) = world.put_manifest("a", "image", json!({})).await;
    let (digest, kind) = (sha256(&image), MediaType::OCI_MANIFEST);
    let (index, _) = world.put_index("a", "multi", &[(&digest, image.len(), kind)]).await;
    let known = async |known: &str| {
        let request = as_user("alice", "GET", "/v2/a/manifests/multi").header("accept", kind);
        world.send(request.header("if-none-match", format!("\"{known}\"")), "").await
    };
    let same = known(digest.as_str()).await;
    assert_eq!((same.status, same.header("vary"), same.body.len()), (304, "Accept", 0));
    assert_eq!(known(sha256(&index).as_str()).await.status, 200);
}

#[tokio::test]
async fn a_tag_is_deleted_alone_and_a_digest_with_its_tags() {
    let world = World::new();
    let (body, _) = world.put_manifest("a", "v1", json!({})).await;
    world.put_manifest("a", "v2", json!({})).await;
    let digest = sha256(&body);
    assert_eq!(world.alice("DELETE", "/v2/a/manifests/v1", "").await.status, 202);
    assert_eq!(world.alice("GET", "/v2/a/manifests/v1", "").await.refusal(), code(404, "MANIFEST_UNKNOWN"));
    assert_eq!(world.alice("GET", "/v2/a/manifests/v2", "").await.status, 200);
    assert_eq!(world.alice("DELETE", &format!("/v2/a/manifests/{digest}"), "").await.status, 202);
    assert_eq!(world.alice("GET", "/v2/a/manifests/v2", "").await.refusal(), code(404, "MANIFEST_UNKNOWN"));
}

#[tokio::test]
async fn a_manifest_whose_blobs_are_missing_is_refused_with_each_of_them() {
    let world = World::new();
    let missing = [sha256(b"one"), sha256(b"two")];
    let layers: Vec<Value> = missing.iter().map(|digest| json!({ "mediaType": "a/b", "digest": digest, "size": 3 })).collect();
    let (_, answer) = world.put_manifest("a", "v1", json!({ "layers": layers })).await;
    assert_eq!(answer.refusal(), code(400, "MANIFEST_BLOB_UNKNOWN"));
    assert_eq!(answer.json()["errors"][1]["detail"]["digest"], missing[1].as_str());
    assert_eq!(world.catalog.count().2, 0);
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let world = World::new();
    let put = async |content_type: &str, body: String| {
        let builder = as_user("alice", "PUT", "/v2/a/manifests/v1").header("content-type", content_type);
        world.send(builder, body).await.refusal()
    };
    let index = json!({ "schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": [] }).to_string();
    assert_eq!(put(MediaType::OCI_MANIFEST, "{".to_owned()).await, code(400, "MANIFEST_INVALID"));
    assert_eq!(put(MediaType::OCI_MANIFEST, index.clone()).await, code(400, "MANIFEST_INVALID"));
    assert_eq!(put("no type", index.clone()).await, code(400, "MANIFEST_INVALID"));
    assert_eq!(put("text/plain", index).await, code(400, "MANIFEST_INVALID"));
    assert_eq!(put(MediaType::OCI_INDEX, "x".repeat(MAX_MANIFEST_BYTES + 1)).await, code(413, "SIZE_INVALID"));
    assert_eq!(world.catalog.count().2, 0);
}

#[tokio::test]
async fn a_registry_may_take_larger_manifests() {
    let world = World::ruled(Rules { max_manifest_bytes: 2 * MAX_MANIFEST_BYTES, ..World::rules() });
    let filled = json!({ "annotations": { "filler": "x".repeat(MAX_MANIFEST_BYTES) } });
    let (body, put) = world.put_manifest("a", "v1", filled).await;
    assert_eq!(put.status, 201);
    assert_eq!(world.alice("GET", "/v2/a/manifests/v1", "").await.body, body);
    let (_, put) =
        world.put_manifest("a", "v2", json!({ "annotations": { "filler": "x".repeat(2 * MAX_MANIFEST_BYTES) } })).await;
    assert_eq!((put.refusal(), world.catalog.count().2), (code(413, "SIZE_INVALID"), 1));
}

#[tokio::test]
async fn a_digest_that_the_body_has_not_is_refused() {
    let world = World::new();
    let (_, answer) = world.put_manifest("a", sha256(b"other").as_str(), json!({})).await;
    assert_eq!(answer.refusal(), code(400, "DIGEST_INVALID"));
}

#[tokio::test]
async fn what_a_manifest_refers_to_is_named_and_lists_it() {
    let world = World::new();
    let (body, _) = world.put_manifest("a", "v1", json!({})).await;
    let subject = sha256(&body);
    let descriptor = json!({ "mediaType": MediaType::OCI_MANIFEST, "digest": subject, "size": body.len() });
    let more = json!({ "subject": descriptor, "artifactType": "application/vnd.sbom+json", "annotations": { "by": "us" } });
    let (sbom, put) = world.put_manifest("a", "sbom", more).await;
    assert_eq!(put.header("oci-subject"), subject.as_str());
    let (signature, _) = world.put_manifest("a", "sig", json!({ "subject": descriptor, "artifactType": "x/signature" })).await;
    let all = world.alice("GET", &format!("/v2/a/referrers/{subject}"), "").await;
    assert_eq!((all.status, all.header("content-type")), (200, MediaType::OCI_INDEX));
    assert_eq!(all.header("oci-filters-applied"), "");
    assert_eq!(all.json()["manifests"].as_array().unwrap().len(), 2);
    let filtered = world.alice("GET", &format!("/v2/a/referrers/{subject}?artifactType=application/vnd.sbom+json"), "").await;
    assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
    assert_eq!(
        filtered.json(),
        json!({ "schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": [{
            "mediaType": MediaType::OCI_MANIFEST, "digest": sha256(&sbom), "size": sbom.len(),
            "artifactType": "application/vnd.sbom+json", "annotations": { "by": "us" },
        }] })
    );
    let last = sha256(&sbom).max(sha256(&signature));
    let rest = world.alice("GET", &format!("/v2/a/referrers/{subject}?last={last}"), "").await;
    assert_eq!(rest.json()["manifests"], json!([]));
}

#[tokio::test]
async fn an_unknown_subject_has_no_referrers() {
    let answer = World::new().alice("GET", &format!("/v2/nothing/referrers/{}", sha256(b"x")), "").await;
    assert_eq!((answer.status, answer.json()["manifests"].clone()), (200, json!([])));
}

#[tokio::test]
async fn a_list_of_referrers_that_is_too_long_for_one_answer_leads_on() {
    let world = World::new();
    let subject = json!({ "mediaType": MediaType::OCI_MANIFEST, "digest": sha256(b"x"), "size": 1 });
    for number in 0..1001 {
        let more = json!({ "subject": subject, "artifactType": "a/b", "annotations": { "n": number.to_string() } });
        assert_eq!(world.put_manifest("a", "latest", more).await.1.status, 201);
    }
    let target = format!("/v2/a/referrers/{}?artifactType=a/b", sha256(b"x"));
    let first = world.alice("GET", &target, "").await;
    let listed = first.json()["manifests"].as_array().unwrap().clone();
    let last = listed.last().unwrap()["digest"].as_str().unwrap().replace(':', "%3A");
    let next = format!("/v2/a/referrers/{}?last={last}&artifactType=a%2Fb", sha256(b"x"));
    assert_eq!((listed.len(), first.header("link")), (1000, &*format!("<{next}>; rel=\"next\"")));
    let second = world.alice("GET", &next, "").await;
    assert_eq!((second.header("link"), second.header("oci-filters-applied")), ("", "artifactType"));
    assert_eq!(second.json()["manifests"].as_array().unwrap().len(), 1);
}

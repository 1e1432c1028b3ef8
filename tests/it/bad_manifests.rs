//! Manifests that the specification forbids: the right status and code, and nothing stored.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::image::{self, Blob, Image, media};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use serde_json::json;

/// A server with the blobs of an image in `a/app`, and no manifest.
fn with_blobs() -> (Server, Client, Image) {
    let server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::oci(1, &[100, 200]);
    for blob in image.blobs() {
        registry::push_blob(&client, "a/app", &blob.bytes);
    }
    (server, client, image)
}

fn put(client: &Client, reference: &str, content_type: &str, body: &[u8]) -> Response {
    client.request("PUT", &format!("/v2/a/app/manifests/{reference}")).header("Content-Type", content_type).body(body).send()
}

fn assert_no_manifest(client: &Client, body: &[u8]) {
    assert_eq!(registry::tags(client, "a/app"), Vec::<String>::new(), "a tag was stored");
    registry::get_manifest(client, "a/app", &digest::sha256(body)).expect_error(&[404], &["MANIFEST_UNKNOWN", "NAME_UNKNOWN"]);
}

#[test]
fn a_manifest_whose_blobs_are_missing_is_refused() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::oci(2, &[100]);
    registry::push_blob(&client, "a/app", &image.config.bytes);
    put(&client, "1", media::OCI_MANIFEST, &image.manifest.bytes).expect_error(&[400, 404], &["MANIFEST_BLOB_UNKNOWN"]);
    assert_no_manifest(&client, &image.manifest.bytes);
}

#[test]
fn a_manifest_whose_blobs_lie_in_another_repository_is_refused() {
    let (_server, client, image) = with_blobs();
    let answer = registry::put_manifest(&client, "b/other", "1", &image.manifest);
    answer.expect_error(&[400, 404], &["MANIFEST_BLOB_UNKNOWN"]);
    assert_eq!(registry::tags(&client, "b/other"), Vec::<String>::new());
}

#[test]
fn an_index_whose_manifests_are_missing_is_refused() {
    let (_server, client, image) = with_blobs();
    let index = image::index(media::OCI_INDEX, &[(&image.manifest, "linux")]);
    put(&client, "1", media::OCI_INDEX, &index.bytes).expect_error(&[400, 404], &["MANIFEST_BLOB_UNKNOWN"]);
    assert_no_manifest(&client, &index.bytes);
}

#[test]
fn a_manifest_of_5_mib_is_refused() {
    let (_server, client, image) = with_blobs();
    let mut value: serde_json::Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    value["annotations"] = json!({ "padding": "x".repeat(5 * 1024 * 1024) });
    let body = serde_json::to_vec(&value).unwrap();
    put(&client, "1", media::OCI_MANIFEST, &body).expect_error(&[413], &["MANIFEST_INVALID", "SIZE_INVALID"]);
    assert_no_manifest(&client, &body);
    let chunked = client
        .request("PUT", "/v2/a/app/manifests/1")
        .header("Content-Type", media::OCI_MANIFEST)
        .chunked(body.chunks(64 * 1024).map(<[u8]>::to_vec).collect())
        .send();
    chunked.expect_error(&[413], &["MANIFEST_INVALID", "SIZE_INVALID"]);
    assert_no_manifest(&client, &body);
}

#[test]
fn a_manifest_whose_type_contradicts_its_body_is_refused() {
    let (_server, client, image) = with_blobs();
    let body = &image.manifest.bytes;
    for content_type in [media::OCI_INDEX, media::DOCKER_MANIFEST, media::DOCKER_LIST] {
        put(&client, "1", content_type, body).expect_error(&[400], &["MANIFEST_INVALID"]);
    }
    let unknown = put(&client, "1", "text/plain", body);
    assert!(matches!(unknown.status, 400 | 415), "{unknown:?}");
    assert_no_manifest(&client, body);

    // A body that says nothing about itself, with the members of the other kind.
    let both = json!({ "schemaVersion": 2, "config": image.config.descriptor(), "layers": [], "manifests": [] }).to_string();
    put(&client, "1", media::OCI_INDEX, both.as_bytes()).expect_error(&[400], &["MANIFEST_INVALID"]);
    assert_no_manifest(&client, both.as_bytes());
}

#[test]
fn a_manifest_that_is_none_is_refused() {
    let (_server, client, image) = with_blobs();
    let bodies = [
        String::new(),
        "no JSON".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({ "schemaVersion": 1, "config": image.config.descriptor(), "layers": [] }).to_string(),
        json!({ "schemaVersion": 2, "layers": [] }).to_string(),
        json!({ "schemaVersion": 2, "config": { "mediaType": "x/y", "digest": "sha256:zz", "size": 1 }, "layers": [] })
            .to_string(),
        json!({ "schemaVersion": 2, "config": { "mediaType": "x/y", "digest": image.config.digest, "size": -1 }, "layers": [] })
            .to_string(),
        "[".repeat(100_000),
    ];
    for body in bodies {
        put(&client, "1", media::OCI_MANIFEST, body.as_bytes())
            .expect_error(&[400], &["MANIFEST_INVALID", "DIGEST_INVALID", "SIZE_INVALID"]);
        assert_no_manifest(&client, body.as_bytes());
    }
}

/// Some clients read a member in other letters as the member itself, others pass over it: each would see another image.
#[test]
fn members_whose_names_differ_in_case_alone_are_refused_wherever_they_stand() {
    let (_server, client, image) = with_blobs();
    let twin = |pointer: &str, name: &str, value: serde_json::Value| {
        let mut subject = image.layers[0].descriptor();
        subject["annotations"] = json!({});
        let mut layer = image.layers[0].descriptor();
        layer["urls"] = json!(["https://example.test/layer"]);
        let mut body = image::manifest(media::OCI_MANIFEST, &image.config, vec![layer]);
        body["subject"] = subject;
        body.pointer_mut(pointer).unwrap()[name] = value;
        (media::OCI_MANIFEST, body)
    };
    let twin_of_entry = |pointer: &str, name: &str, value: serde_json::Value| {
        let entry = json!({ "mediaType": "application/octet-stream", "digest": image.config.digest, "size": image.config.bytes.len(),
                            "platform": { "os": "linux", "architecture": "amd64" } });
        let mut body = json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [entry] });
        body.pointer_mut(pointer).unwrap()[name] = value;
        (media::OCI_INDEX, body)
    };
    let (other, size) = (json!(digest::sha256(b"other")), json!(1));
    for (content_type, body) in [
        twin("", "Layers", json!([])),
        twin("", "SUBJECT", json!({})),
        twin("/config", "Digest", other.clone()),
        twin("/config", "MediaType", json!("text/plain")),
        twin("/layers/0", "Digest", other.clone()),
        twin("/layers/0", "SIZE", size.clone()),
        twin("/layers/0", "Urls", json!(["https://other.test/"])),
        twin("/subject", "dIGEST", other.clone()),
        twin("/subject", "Annotations", json!({})),
        twin_of_entry("/manifests/0", "Digest", other),
        twin_of_entry("/manifests/0", "Size", size),
        twin_of_entry("/manifests/0", "Platform", json!({ "os": "windows", "architecture": "amd64" })),
        twin_of_entry("/manifests/0/platform", "OS", json!("windows")),
        twin_of_entry("/manifests/0/platform", "Architecture", json!("arm64")),
    ] {
        let body = body.to_string();
        let answer = put(&client, "1", content_type, body.as_bytes());
        assert_eq!(answer.status, 400, "{body}\n{}", answer.text());
        answer.expect_error(&[400], &["MANIFEST_INVALID"]);
        assert_no_manifest(&client, body.as_bytes());
    }
    // The keys of annotations are not names of members: each is one of its own.
    let annotated = image::empty_index(&json!({ "annotations": { "key": "a", "Key": "b", "digest": "c", "Digest": "d" } }));
    put(&client, "annotated", media::OCI_INDEX, &annotated.bytes).expect(201);
    assert_eq!(registry::get_manifest(&client, "a/app", "annotated").expect(200).body, annotated.bytes);
}

#[test]
fn a_manifest_that_gives_a_blob_a_wrong_size_is_refused() {
    let (_server, client, image) = with_blobs();
    let mut value: serde_json::Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    value["layers"][0]["size"] = json!(99_999);
    let body = serde_json::to_vec(&value).unwrap();
    put(&client, "1", media::OCI_MANIFEST, &body)
        .expect_error(&[400], &["MANIFEST_INVALID", "SIZE_INVALID", "MANIFEST_BLOB_UNKNOWN"]);
    assert_no_manifest(&client, &body);
}

#[test]
fn a_manifest_under_a_wrong_digest_is_refused() {
    let (_server, client, image) = with_blobs();
    let wrong = digest::sha256(b"another");
    put(&client, &wrong, media::OCI_MANIFEST, &image.manifest.bytes).expect_error(&[400], &["DIGEST_INVALID"]);
    assert_no_manifest(&client, &image.manifest.bytes);
    registry::get_manifest(&client, "a/app", &wrong).expect(404);
}

#[test]
fn a_tag_outside_the_grammar_is_refused() {
    let (_server, client, image) = with_blobs();
    let long = "t".repeat(129);
    for tag in [".hidden", "-dash", "a%20b", "a%2fb", "v1%0a", "%C3%A4", &long] {
        let answer = put(&client, tag, media::OCI_MANIFEST, &image.manifest.bytes);
        assert!(matches!(answer.status, 400 | 404), "{tag}: {answer:?}");
        assert!(
            matches!(answer.code().as_deref(), Some("TAG_INVALID" | "MANIFEST_INVALID" | "NAME_INVALID")),
            "{tag}: {answer:?}"
        );
    }
    assert_no_manifest(&client, &image.manifest.bytes);
    let longest = "t".repeat(128);
    put(&client, &longest, media::OCI_MANIFEST, &image.manifest.bytes).expect(201);
    assert_eq!(registry::tags(&client, "a/app"), [longest]);
}

#[test]
fn a_manifest_without_a_content_type_is_taken_by_its_own_word_or_refused() {
    let (_server, client, image) = with_blobs();
    let answer = client.request("PUT", "/v2/a/app/manifests/1").body(image.manifest.bytes.clone()).send();
    if answer.status == 201 {
        registry::assert_whole(&client, "a/app", "1", &image);
    } else {
        answer.expect_error(&[400], &["MANIFEST_INVALID"]);
        assert_no_manifest(&client, &image.manifest.bytes);
    }
}

#[test]
fn a_manifest_that_is_an_empty_index_is_taken() {
    let (_server, client, _image) = with_blobs();
    let index = Blob::json(media::OCI_INDEX, &json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [] }));
    put(&client, "empty", media::OCI_INDEX, &index.bytes).expect(201);
    assert_eq!(registry::get_manifest(&client, "a/app", "empty").expect(200).body, index.bytes);
}

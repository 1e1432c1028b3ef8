//! "Pulling manifests": what a client gets that lists what it can read in `Accept` (RFC 9110, section 12.5.1).

use bulkhead_tests::config::Config;
use bulkhead_tests::http::Client;
use bulkhead_tests::image::{self, Blob, Image, media};
use bulkhead_tests::registry::{self, get_accepting};
use bulkhead_tests::server::Server;
use serde_json::json;

use super::{assert_digest, numbered_index, open, open_with, push_index};

/// `a/app` with an index under `both`, of an image for Linux and one for Windows, which lie under their digests alone.
fn with_both() -> (Server, Client, Blob, Image) {
    let (server, client) = open();
    let (linux, windows) = (Image::oci(1, &[100]), Image::oci(2, &[100]));
    registry::push_image(&client, "a/app", &linux.manifest.digest, &linux);
    registry::push_image(&client, "a/app", &windows.manifest.digest, &windows);
    let index = image::index(media::OCI_INDEX, &[(&windows.manifest, "windows"), (&linux.manifest, "linux")]);
    push_index(&client, "a/app", "both", &index);
    (server, client, index, linux)
}

#[test]
fn a_manifest_by_tag_is_sent_to_whoever_accepts_its_type_or_anything() {
    let (_server, client, index, _linux) = with_both();
    let listed = format!("{};q=0.1, {};q=0.9", media::OCI_INDEX, media::OCI_MANIFEST);
    let cased = media::OCI_INDEX.to_uppercase();
    for accept in
        ["*/*", "application/*", "application/json", "text/plain, */*;q=0.1", media::OCI_INDEX, &listed, &cased, registry::ACCEPT]
    {
        let answer = get_accepting(&client, "a/app", "both", accept).expect(200);
        assert_eq!(answer.body, index.bytes, "{accept}");
        assert_eq!(answer.header("Content-Type"), Some(media::OCI_INDEX), "{accept}");
    }
    let silent = client.get("/v2/a/app/manifests/both").expect(200);
    assert_eq!(silent.body, index.bytes);
}

#[test]
fn answers_by_tag_vary_with_what_is_accepted_and_answers_by_digest_do_not() {
    let (_server, client, index, _linux) = with_both();
    let varies = |reference: &str, accept: &str| {
        let answer = get_accepting(&client, "a/app", reference, accept);
        answer.header("Vary").is_some_and(|value| value.split(',').any(|name| name.trim().eq_ignore_ascii_case("accept")))
    };
    for accept in ["*/*", media::OCI_MANIFEST, "text/plain"] {
        assert!(varies("both", accept), "{accept}");
    }
    assert!(!varies(&index.digest, "*/*"));
}

#[test]
fn a_client_that_reads_no_index_gets_the_manifest_for_linux_under_its_own_digest() {
    let (_server, client, _index, linux) = with_both();
    for accept in [media::OCI_MANIFEST, &format!("{}, {};q=0, */*;q=0", media::OCI_MANIFEST, media::OCI_INDEX)] {
        let answer = get_accepting(&client, "a/app", "both", accept).expect(200);
        assert_eq!(answer.body, linux.manifest.bytes, "{accept}");
        assert_eq!(answer.header("Content-Type"), Some(media::OCI_MANIFEST));
        assert_digest(&answer, &linux.manifest.digest);
        let tag = answer.header("ETag").expect("content has an ETag").to_owned();
        assert_eq!(tag, format!("\"{}\"", linux.manifest.digest));
        let ask = |method: &str| client.request(method, "/v2/a/app/manifests/both").header("Accept", accept);
        let head = ask("HEAD").send().expect(200);
        for name in ["Content-Length", "Content-Type", "Docker-Content-Digest", "ETag", "Vary"] {
            assert_eq!(head.header(name), answer.header(name), "{name}");
        }
        ask("GET").header("If-None-Match", &tag).send().expect(304);
    }
}

#[test]
fn a_client_that_cannot_read_what_a_tag_points_to_is_told_what_that_is() {
    let (_server, client, _index, linux) = with_both();
    registry::put_manifest(&client, "a/app", "linux", &linux.manifest).expect(201);
    for (tag, accept, media_type) in [
        ("linux", media::DOCKER_MANIFEST, media::OCI_MANIFEST),
        ("linux", media::OCI_INDEX, media::OCI_MANIFEST),
        ("linux", &format!("*/*, {};q=0", media::OCI_MANIFEST), media::OCI_MANIFEST),
        ("both", media::DOCKER_MANIFEST, media::OCI_INDEX),
        ("both", "text/html", media::OCI_INDEX),
        ("both", "*/*;q=0", media::OCI_INDEX),
    ] {
        let answer = get_accepting(&client, "a/app", tag, accept).expect_error(&[406], &["MANIFEST_UNKNOWN"]);
        assert!(answer.text().contains(media_type), "{tag}, {accept}: {}", answer.text());
        let head = client.request("HEAD", &format!("/v2/a/app/manifests/{tag}")).header("Accept", accept).send();
        assert_eq!((head.status, head.body.len()), (406, 0), "{tag}, {accept}");
    }
    // Of what is not there, there is nothing to read in any form.
    get_accepting(&client, "a/app", "missing", "text/html").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
}

#[test]
fn an_index_without_a_linux_manifest_that_is_there_has_nothing_for_a_client_that_reads_none() {
    let (_server, client) = open_with(&Config::open().registry("sparse", "\"indexes\""));
    let windows = Image::oci(2, &[100]);
    registry::push_image(&client, "a/app", &windows.manifest.digest, &windows);
    let absent = Image::oci(3, &[100]);
    let docker = Image::docker(4, &[100]);
    registry::push_image(&client, "a/app", &docker.manifest.digest, &docker);
    for (tag, entry, system) in
        [("windows", &windows.manifest, "windows"), ("absent", &absent.manifest, "linux"), ("docker", &docker.manifest, "linux")]
    {
        let index = image::index(media::OCI_INDEX, &[(entry, system)]);
        push_index(&client, "a/app", tag, &index);
        let answer = get_accepting(&client, "a/app", tag, media::OCI_MANIFEST).expect_error(&[406], &["MANIFEST_UNKNOWN"]);
        assert!(answer.text().contains(media::OCI_INDEX), "{tag}: {}", answer.text());
    }
    // Another architecture of Linux is no more use.
    let mut arm = windows.manifest.descriptor();
    arm["platform"] = json!({ "architecture": "arm64", "os": "linux" });
    let body = json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": [arm] });
    push_index(&client, "a/app", "arm", &Blob::json(media::OCI_INDEX, &body));
    get_accepting(&client, "a/app", "arm", media::OCI_MANIFEST).expect_error(&[406], &["MANIFEST_UNKNOWN"]);
}

#[test]
fn a_manifest_by_digest_is_sent_whatever_is_accepted() {
    let (_server, client, index, linux) = with_both();
    for accept in ["text/html", "*/*;q=0", media::DOCKER_MANIFEST] {
        assert_eq!(get_accepting(&client, "a/app", &index.digest, accept).expect(200).body, index.bytes);
        assert_eq!(get_accepting(&client, "a/app", &linux.manifest.digest, accept).expect(200).body, linux.manifest.bytes);
    }
}

#[test]
fn accept_headers_of_several_lines_are_one_list() {
    let (_server, client) = open();
    let index = numbered_index(1);
    push_index(&client, "a/app", "v1", &index);
    let ask = |lines: &[&str]| {
        let request = client.request("GET", "/v2/a/app/manifests/v1");
        lines.iter().fold(request, |request, line| request.header("Accept", line)).send()
    };
    ask(&[media::DOCKER_MANIFEST, "text/plain", media::OCI_INDEX]).expect(200);
    ask(&[media::DOCKER_MANIFEST, "text/plain"]).expect(406);
}

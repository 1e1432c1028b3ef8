//! Reading: ranges, conditions, headers, lists, and what deletes leave.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::image::{Image, media};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

#[test]
fn a_range_of_a_blob_is_answered_with_these_bytes() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let bytes = Pattern::bytes(1, 700_000);
    let digest = registry::push_blob(&client, "a/app", &bytes);
    let range = |range: &str| client.request("GET", &format!("/v2/a/app/blobs/{digest}")).header("Range", range).send();

    for (header, start, end) in [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=699000-", 699_000, 699_999),
        ("bytes=-10", 699_990, 699_999),
        ("bytes=699990-9999999", 699_990, 699_999),
        ("bytes=300000-599999", 300_000, 599_999),
    ] {
        let answer = range(header).expect(206);
        assert_eq!(answer.body, &bytes[start..=end], "{header}");
        assert_eq!(answer.header("Content-Range"), Some(format!("bytes {start}-{end}/700000").as_str()), "{header}");
        assert_eq!(answer.header("Content-Length"), Some((end - start + 1).to_string().as_str()), "{header}");
    }
    for header in ["bytes=700000-", "bytes=800000-900000"] {
        let answer = range(header).expect(416);
        assert_eq!(answer.header("Content-Range"), Some("bytes */700000"), "{header}");
    }
    // What cannot be read as a range is none.
    assert_eq!(range("lines=1-2").expect(200).body, bytes);
    assert_eq!(client.get(&format!("/v2/a/app/blobs/{digest}")).header("Accept-Ranges"), Some("bytes"));
}

#[test]
fn what_a_client_has_already_is_not_sent_again() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::oci(1, &[1000]);
    registry::push_image(&client, "a/app", "1", &image);

    for (target, digest) in [
        ("/v2/a/app/manifests/1".to_owned(), &image.manifest.digest),
        (format!("/v2/a/app/manifests/{}", image.manifest.digest), &image.manifest.digest),
        (format!("/v2/a/app/blobs/{}", image.layers[0].digest), &image.layers[0].digest),
    ] {
        let tag = client.request("GET", &target).header("Accept", registry::ACCEPT).send().expect(200);
        let tag = tag.header("ETag").expect("content has an ETag").to_owned();
        assert_eq!(tag, format!("\"{digest}\""));
        let again =
            client.request("GET", &target).header("Accept", registry::ACCEPT).header("If-None-Match", &tag).send().expect(304);
        assert!(again.body.is_empty());
        client.request("GET", &target).header("Accept", registry::ACCEPT).header("If-None-Match", "\"other\"").send().expect(200);
    }
}

#[test]
fn head_answers_as_get_does_without_the_body() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::docker(1, &[1000]);
    registry::push_image(&client, "a/app", "1", &image);
    let layer = &image.layers[0].digest;

    for target in [
        "/v2/a/app/manifests/1".to_owned(),
        format!("/v2/a/app/manifests/{}", image.manifest.digest),
        format!("/v2/a/app/blobs/{layer}"),
    ] {
        let ask = |method: &str| client.request(method, &target).header("Accept", registry::ACCEPT).send().expect(200);
        let (get, head) = (ask("GET"), ask("HEAD"));
        assert!(head.body.is_empty());
        for name in ["Content-Length", "Content-Type", "Docker-Content-Digest", "ETag", "Docker-Distribution-Api-Version"] {
            assert!(get.header(name).is_some(), "GET {target} lacks {name}");
            assert_eq!(get.header(name), head.header(name), "{name} of {target}");
        }
        assert_eq!(get.header("Content-Length"), Some(get.body.len().to_string().as_str()));
        assert_eq!(get.header("Docker-Distribution-Api-Version"), Some("registry/2.0"));
    }
    assert_eq!(client.head("/v2/a/app/manifests/missing").status, 404);
    assert_eq!(client.head(&format!("/v2/a/app/blobs/{}", digest::sha256(b"missing"))).status, 404);
}

#[test]
fn what_is_not_there_is_answered_with_its_code() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let nowhere = digest::sha256(b"nowhere");
    registry::get_manifest(&client, "a/app", "1").expect_error(&[404], &["MANIFEST_UNKNOWN", "NAME_UNKNOWN"]);
    registry::get_manifest(&client, "a/app", &nowhere).expect_error(&[404], &["MANIFEST_UNKNOWN", "NAME_UNKNOWN"]);
    registry::get_blob(&client, "a/app", &nowhere).expect_error(&[404], &["BLOB_UNKNOWN", "NAME_UNKNOWN"]);
    client.get("/v2/a/app/tags/list").expect_error(&[404], &["NAME_UNKNOWN"]);
}

#[test]
fn a_manifest_is_sent_whatever_the_client_lists_as_accepted() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::docker(1, &[10]);
    registry::push_image(&client, "a/app", "1", &image);
    // As Docker sends them: a line for each, in any order, with types of its own.
    let answer = client
        .request("GET", "/v2/a/app/manifests/1")
        .header("Accept", "application/vnd.docker.distribution.manifest.v1+prettyjws")
        .header("Accept", "application/json")
        .header("Accept", media::DOCKER_MANIFEST)
        .header("Accept", media::OCI_INDEX)
        .header("Accept-Encoding", "gzip")
        .send()
        .expect(200);
    assert_eq!((answer.header("Content-Type"), answer.header("Content-Encoding")), (Some(media::DOCKER_MANIFEST), None));
    assert_eq!(answer.body, image.manifest.bytes);
    let blob =
        client.request("GET", &format!("/v2/a/app/blobs/{}", image.layers[0].digest)).header("Accept-Encoding", "gzip").send();
    assert_eq!(blob.expect(200).header("Content-Encoding"), None);
}

#[test]
fn tags_come_in_order_page_by_page() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::oci(1, &[10]);
    registry::push_image(&client, "a/app", "v1", &image);
    for tag in ["v3", "V2", "a", "latest", "v10", "_x"] {
        registry::put_manifest(&client, "a/app", tag, &image.manifest).expect(201);
    }
    let all = registry::tags(&client, "a/app");
    let mut sorted = all.clone();
    sorted.sort();
    assert_eq!((all.len(), &all), (7, &sorted), "all, in the order of their bytes");

    assert_eq!(client.get("/v2/a/app/tags/list").expect(200).json()["name"], "a/app");
    let pages = registry::pages(&client, "/v2/a/app/tags/list?n=3", "tags");
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    assert_eq!(pages.concat(), all);

    let after = client.get("/v2/a/app/tags/list?last=latest").expect(200).json();
    assert_eq!(after["tags"], serde_json::json!(["v1", "v10", "v3"]));
    assert_eq!(client.get("/v2/a/app/tags/list?n=0").expect(200).json()["tags"], serde_json::json!([]));
}

#[test]
fn repositories_come_in_order_page_by_page() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let image = Image::oci(1, &[10]);
    let names = ["a/app", "a/app/sub", "a/b", "base", "z9/deep/er/still"];
    for name in names.iter().rev() {
        registry::push_image(&client, name, "1", &image);
    }
    assert_eq!(registry::repositories(&client), names);

    let pages = registry::pages(&client, "/v2/_catalog?n=2", "repositories");
    assert!(pages.iter().all(|page| page.len() <= 2), "{pages:?}");
    assert_eq!(pages.concat(), names);
}

#[test]
fn deletes_take_away_what_they_name_and_nothing_else() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let (one, two) = (Image::oci(1, &[100]), Image::oci(2, &[100]));
    registry::push_image(&client, "a/app", "one", &one);
    registry::put_manifest(&client, "a/app", "also-one", &one.manifest).expect(201);
    registry::push_image(&client, "a/app", "two", &two);
    registry::push_image(&client, "b/app", "one", &one);

    // A tag alone: the manifest stays.
    client.delete("/v2/a/app/manifests/also-one").expect(202);
    assert_eq!(registry::tags(&client, "a/app"), ["one", "two"]);
    registry::assert_whole(&client, "a/app", "one", &one);

    // A manifest: with all its tags, in this repository only.
    client.delete(&format!("/v2/a/app/manifests/{}", one.manifest.digest)).expect(202);
    assert_eq!(registry::tags(&client, "a/app"), ["two"]);
    registry::get_manifest(&client, "a/app", &one.manifest.digest).expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    registry::assert_whole(&client, "b/app", "one", &one);
    registry::assert_whole(&client, "a/app", "two", &two);

    // A blob that nothing needs any more.
    let layer = &one.layers[0].digest;
    client.delete(&format!("/v2/a/app/blobs/{layer}")).expect(202);
    registry::get_blob(&client, "a/app", layer).expect_error(&[404], &["BLOB_UNKNOWN"]);
    registry::assert_whole(&client, "b/app", "one", &one);

    client.delete("/v2/a/app/manifests/one").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    client.delete(&format!("/v2/a/app/manifests/{}", one.manifest.digest)).expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    client.delete(&format!("/v2/a/app/blobs/{layer}")).expect_error(&[404], &["BLOB_UNKNOWN"]);
}

#[test]
fn everything_is_there_after_a_restart() {
    let mut server = Server::start(&Config::open());
    let image = Image::oci(1, &[50_000, 3]);
    registry::push_image(&server.client(), "a/app", "1", &image);
    server.restart();
    registry::assert_whole(&server.client(), "a/app", "1", &image);
    assert_eq!(registry::repositories(&server.client()), ["a/app"]);
}

//! Requests that the specification forbids: the right status and code, and nothing stored.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest;
use bulkhead_tests::http::Client;
use bulkhead_tests::image::{self, Image};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use serde_json::json;

fn assert_no_blob(client: &Client, repository: &str, bytes: &[u8]) {
    let digest = digest::sha256(bytes);
    assert_eq!(client.head(&format!("/v2/{repository}/blobs/{digest}")).status, 404, "something was stored");
}

fn assert_nothing_stored(client: &Client) {
    assert_eq!(registry::repositories(client), Vec::<String>::new(), "something was stored");
}

#[test]
fn a_blob_under_a_wrong_digest_is_refused() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let wrong = digest::sha256(b"something else");

    let upload = registry::patch(&client, &registry::begin(&client, "a/app"), b"bytes");
    registry::finish(&client, &upload, &wrong).expect_error(&[400], &["DIGEST_INVALID"]);
    let upload = registry::begin(&client, "a/app");
    client.request("PUT", &upload).query("digest", &wrong).body("bytes").send().expect_error(&[400], &["DIGEST_INVALID"]);
    client
        .request("POST", "/v2/a/app/blobs/uploads/")
        .query("digest", &wrong)
        .body("bytes")
        .send()
        .expect_error(&[400], &["DIGEST_INVALID"]);

    assert_no_blob(&client, "a/app", b"bytes");
    assert_no_blob(&client, "a/app", b"something else");
    assert_nothing_stored(&client);
}

#[test]
fn a_digest_that_is_none_is_refused() {
    let server = Server::start(&Config::open());
    let client = server.client();
    for digest in ["sha256:abc", "sha256", "md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:../../etc/passwd", ""] {
        let upload = registry::begin(&client, "a/app");
        client.request("PUT", &upload).query("digest", digest).body("bytes").send().expect_error(&[400], &["DIGEST_INVALID"]);
    }
    let upload = registry::begin(&client, "a/app");
    client.request("PUT", &upload).body("bytes").send().expect_error(&[400], &["DIGEST_INVALID"]);
    client.get("/v2/a/app/blobs/sha256:abc").expect_error(&[400, 404], &["DIGEST_INVALID", "BLOB_UNKNOWN"]);
    assert_no_blob(&client, "a/app", b"bytes");
    assert_nothing_stored(&client);
}

#[test]
fn a_part_whose_length_contradicts_its_range_is_refused() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let upload = registry::begin(&client, "a/app");
    let codes = ["SIZE_INVALID", "BLOB_UPLOAD_INVALID"];
    for range in ["0-99", "0-1", "5-0", "zero-four", "0-4x"] {
        let answer = client.request("PATCH", &upload).header("Content-Range", range).body("bytes").send();
        assert!(answer.status >= 400, "{range} was taken");
        answer.expect_error(&[400, 416], &codes);
    }
    assert_nothing_stored(&client);
    // `Range` cannot tell no byte from one: what the upload ends as can.
    let part = client.request("PATCH", &upload).header("Content-Range", "0-4").body("right").send().expect(202);
    assert_eq!(part.header("Range"), Some("0-4"));
    let digest = digest::sha256(b"right");
    registry::finish(&client, &registry::location(&part), &digest).expect(201);
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).text(), "right");
    assert_no_blob(&client, "a/app", b"bytes");
}

#[test]
fn a_body_that_ends_too_early_is_not_stored() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let upload = registry::begin(&client, "a/app");
    let cut = client.request("PUT", &upload).query("digest", &digest::sha256(b"bytes")).cut_short("bytes", 50).try_send();
    assert!(cut.is_err() || cut.is_ok_and(|response| response.status >= 400));
    assert_no_blob(&client, "a/app", b"bytes");

    let image = Image::oci(1, &[10]);
    for blob in image.blobs() {
        registry::push_blob(&client, "a/app", &blob.bytes);
    }
    let cut = client
        .request("PUT", "/v2/a/app/manifests/1")
        .header("Content-Type", &image.manifest.media_type)
        .cut_short(image.manifest.bytes.clone(), image.manifest.bytes.len() as u64 + 1)
        .try_send();
    assert!(cut.is_err() || cut.is_ok_and(|response| response.status >= 400));
    assert_eq!(registry::tags(&client, "a/app"), Vec::<String>::new());
}

#[test]
fn a_name_outside_the_grammar_is_refused() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let long = format!("a/{}", "b".repeat(300));
    for name in ["Upper/Case", "a/_b", "a/b_", "a//b", "a/..", "a/b..c", "%2e%2e/etc", "a/b%2fc%00", "-a", "a/b---", &long] {
        let answer = client.post(&format!("/v2/{name}/blobs/uploads/"));
        let odd_dashes = name == "a/b---";
        assert!(matches!(answer.status, 400 | 404), "{name}: {answer:?}");
        assert!(
            odd_dashes || matches!(answer.code().as_deref(), Some("NAME_INVALID" | "UNSUPPORTED" | "NAME_UNKNOWN")),
            "{name}: {answer:?}"
        );
        let answer = client.get(&format!("/v2/{name}/tags/list"));
        assert!(matches!(answer.status, 400 | 404), "{name}: {answer:?}");
    }
    assert_nothing_stored(&client);
}

#[test]
fn an_http_path_that_leads_out_of_the_api_is_not_found() {
    let server = Server::start(&Config::open());
    let client = server.client();
    for path in ["/v2/../etc/passwd", "/v2/a/app", "/v2/a/app/blobs", "/v2/a/app/manifests/", "/v1/_ping", "/../../etc/passwd"] {
        let answer = client.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
        assert!(!answer.text().contains("root:"), "{path}: {answer:?}");
    }
}

#[test]
fn a_page_of_no_sensible_size_is_refused() {
    let server = Server::start(&Config::open());
    let client = server.client();
    registry::push_image(&client, "a/app", "1", &Image::oci(1, &[10]));
    for target in ["/v2/a/app/tags/list", "/v2/_catalog"] {
        for n in ["-1", "ten", "1.5", ""] {
            client.get(&format!("{target}?n={n}")).expect_error(&[400], &["UNSUPPORTED"]);
        }
    }
}

#[test]
fn a_page_of_any_size_has_ten_thousand_entries_at_most() {
    const MOST: usize = 10_000;
    let server = Server::start(&Config::open());
    let client = server.client();
    let index = image::empty_index(&json!({}));
    let tags: Vec<String> = (0..=MOST).map(|number| format!("t{number:05}")).collect();
    for some in tags.chunks(100) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        registry::put_with_tags(&client, "a/app", &index, &some).expect(201);
    }
    for n in ["10000", "10001", "4294967296", "18446744073709551615", "99999999999999999999999999"] {
        let pages = registry::pages(&client, &format!("/v2/a/app/tags/list?n={n}"), "tags");
        assert_eq!(pages, [&tags[..MOST], &tags[MOST..]], "{n}");
        let catalog = client.get(&format!("/v2/_catalog?n={n}")).expect(200);
        assert_eq!((catalog.json(), catalog.header("Link")), (json!({ "repositories": ["a/app"] }), None), "{n}");
    }
}

#[test]
fn a_method_that_does_not_exist_is_refused() {
    let server = Server::start(&Config::open());
    let client = server.client();
    for (method, target) in
        [("PUT", "/v2/"), ("PATCH", "/v2/a/app/manifests/1"), ("POST", "/v2/a/app/tags/list"), ("BREW", "/v2/_catalog")]
    {
        let answer = client.request(method, target).body("").send();
        assert!(matches!(answer.status, 404 | 405), "{method} {target}: {answer:?}");
    }
}

#[test]
fn what_is_not_http_does_not_disturb_the_server() {
    use std::io::{Read as _, Write as _};
    let server = Server::start(&Config::open());
    let client = server.client();
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", &[b'a'; 100_000]] {
        let mut stream = std::net::TcpStream::connect(client.address()).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        stream.write_all(garbage).ok();
        stream.shutdown(std::net::Shutdown::Write).ok();
        stream.read_to_end(&mut Vec::new()).ok();
        client.get("/v2/_catalog").expect(200);
    }
    let long = client.request("GET", "/v2/").header("X-Long", &"x".repeat(1_000_000)).try_send();
    assert!(long.is_err() || long.is_ok_and(|answer| answer.status >= 400));
    client.get("/v2/_catalog").expect(200);
}

//! Storages that attack or deceive their host. No wrong byte is served as a whole, nothing outside is touched, nothing is lost.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest;
use bulkhead_tests::http::Response;
use bulkhead_tests::image::{Blob, Image};
use bulkhead_tests::places;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

/// The hostile storage on the folder of the bundled one, whose layout it shares.
fn config(settings: &str) -> Config {
    let lines = format!(
        "config = {{ {settings} }}\nlimits = {{ memory = \"64MiB\", time = \"500ms\" }}\n\
         grants.directories = {{ \"/blobs\" = {{ path = \"@DIR@/data/blobs\", access = \"read-write\" }} }}"
    );
    Config::open().guest("disk", &places::guest("hostile-storage"), &lines)
}

fn behaving(behaviour: &str) -> Config {
    config(&format!("behaviour = \"{behaviour}\""))
}

/// A server with a large and a small layer, stored by the honest storage, which now behaves as this configuration says.
fn with_image(hostile: &Config) -> (Server, Image) {
    let mut server = Server::start(&Config::open());
    let image = Image::oci(1, &[700_000, 100]);
    registry::push_image(&server.client(), "a/app", "1", &image);
    server.write_config(hostile);
    server.restart();
    (server, image)
}

/// Refused with a server's error that tells nothing, or cut off before its end.
fn assert_not_served(what: &str, answer: &Response) {
    match answer.status {
        500..=599 => {
            let text = answer.text().to_lowercase();
            assert!(answer.code().is_some(), "{what}: no error code in {text}");
            for word in ["wasm", "trap", "panic", "/blobs", "passwd", "told to", "digest mismatch"] {
                assert!(!text.contains(word), "{what}: `{word}` is in {text}");
            }
        }
        200 | 206 => assert!(!answer.complete, "{what}: a whole answer of {} bytes", answer.body.len()),
        status => panic!("{what}: {status} {}", answer.text()),
    }
    assert!(!answer.text().contains("root:"), "{what}: a file of the system was served");
}

/// Asks for a blob; nothing where the connection was cut before any answer.
fn read(server: &Server, blob: &Blob, range: Option<&str>) -> Option<Response> {
    let mut request = server.client().request("GET", &format!("/v2/a/app/blobs/{}", blob.digest));
    if let Some(range) = range {
        request = request.header("Range", range);
    }
    request.try_send().ok()
}

/// Both layers, whole and in part, are not served as anything else; the host lives.
fn assert_no_layer_is_served(server: &Server, image: &Image) {
    for blob in &image.layers {
        for time in ["first", "second"] {
            read(server, blob, None).inspect(|answer| assert_not_served(time, answer));
        }
        assert_part_is_right_or_refused(server, blob);
    }
    server.client().get("/healthz").expect(200);
}

/// The end of a layer: it is right, or it is not served.
fn assert_part_is_right_or_refused(server: &Server, blob: &Blob) {
    let Some(part) = read(server, blob, Some("bytes=-10")) else { return };
    if part.status == 206 && part.complete {
        assert_eq!(part.body, &blob.bytes[blob.bytes.len() - 10..], "a wrong part was served");
    } else {
        assert_not_served("a part", &part);
    }
}

/// With the honest storage again, all is as it was.
fn assert_nothing_was_lost(mut server: Server, image: &Image) {
    server.write_config(&Config::open());
    server.restart();
    registry::assert_whole(&server.client(), "a/app", "1", image);
    assert_eq!(registry::repositories(&server.client()), ["a/app"]);
}

fn lying_reads_are_not_served(behaviour: &str) {
    let (server, image) = with_image(&behaving(behaviour));
    assert_no_layer_is_served(&server, &image);
    assert_nothing_was_lost(server, &image);
}

#[test]
fn honest_bytes_through_a_guest_are_served() {
    for behaviour in ["honest", "honest-pieces"] {
        let (server, image) = with_image(&behaving(behaviour));
        registry::assert_whole(&server.client(), "a/app", "1", &image);
        for blob in &image.layers {
            assert_part_is_right_or_refused(&server, blob);
        }
        let second = Image::oci(2, &[50_000]);
        registry::push_image(&server.client(), "a/app", "2", &second);
        registry::assert_whole(&server.client(), "a/app", "2", &second);
    }
}

#[test]
fn other_bytes_of_the_right_length_are_not_served() {
    lying_reads_are_not_served("lies-bytes");
}

#[test]
fn one_wrong_byte_at_the_end_of_a_stream_is_not_served() {
    lying_reads_are_not_served("lies-last-byte");
}

#[test]
fn a_stream_that_ends_too_early_is_not_served_as_a_whole() {
    lying_reads_are_not_served("short-pieces");
}

#[test]
fn a_stream_without_an_end_serves_the_right_bytes_or_none() {
    let (server, image) = with_image(&behaving("long-bytes"));
    for blob in &image.layers {
        let Some(answer) = read(&server, blob, None) else { continue };
        if answer.status == 200 && answer.complete {
            assert!(answer.body == blob.bytes, "other bytes were served");
        } else {
            assert_not_served("a stream without an end", &answer);
        }
    }
    server.client().get("/healthz").expect(200);
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_storage_that_never_says_where_an_object_lies_is_given_up() {
    lying_reads_are_not_served("loop-in-open");
}

#[test]
fn a_path_out_of_the_granted_directory_is_not_read() {
    for path in ["../../etc/passwd", "/blobs/../../../../../../../../etc/passwd", "/etc/passwd"] {
        let (server, image) = with_image(&config(&format!("behaviour = \"escape\", path = \"{path}\"")));
        assert_no_layer_is_served(&server, &image);
        assert_nothing_was_lost(server, &image);
    }
}

#[test]
fn a_symbolic_link_out_of_the_granted_directory_is_not_read() {
    let (server, image) = with_image(&behaving("escape-link"));
    std::os::unix::fs::symlink("/etc", server.folder().join("data/blobs/link")).unwrap();
    assert_no_layer_is_served(&server, &image);
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_wrong_size_is_not_believed() {
    let (server, image) = with_image(&behaving("lies-size"));
    for blob in &image.layers {
        let target = format!("/v2/a/app/blobs/{}", blob.digest);
        let head = server.client().head(&target);
        if head.status == 200 {
            assert_eq!(head.header("Content-Length"), Some(blob.bytes.len().to_string().as_str()));
        }
        let Some(answer) = read(&server, blob, None) else { continue };
        if answer.status == 200 && answer.complete {
            assert!(answer.body == blob.bytes, "other bytes were served");
        } else {
            assert_not_served("a wrong size", &answer);
        }
    }
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_listing_out_of_order_disturbs_neither_push_nor_pull() {
    let (server, image) = with_image(&behaving("lies-order"));
    registry::assert_whole(&server.client(), "a/app", "1", &image);
    let second = Image::oci(2, &[5000]);
    registry::push_image(&server.client(), "a/second", "1", &second);
    registry::assert_whole(&server.client(), "a/second", "1", &second);
}

/// A push as Docker does it; the first answer that is an error, if any.
fn push(server: &Server, bytes: &[u8]) -> Result<(), Response> {
    let client = server.client();
    let checked = |answer: Response| if answer.status < 400 { Ok(answer) } else { Err(answer) };
    let begun = checked(client.post("/v2/a/new/blobs/uploads/"))?;
    let patched = checked(client.request("PATCH", &registry::location(&begun)).body(bytes).send())?;
    checked(registry::finish(&client, &registry::location(&patched), &digest::sha256(bytes))).map(drop)
}

fn a_push_fails_and_leaves_no_trace(behaviour: &str) {
    let (server, image) = with_image(&behaving(behaviour));
    for bytes in [&b"a small one"[..], &[7; 300_000]] {
        for time in ["first", "second"] {
            let answer = push(&server, bytes).expect_err("the push went through");
            assert_not_served(time, &answer);
            let missing = registry::get_blob(&server.client(), "a/new", &digest::sha256(bytes));
            assert_eq!(missing.status, 404, "{time}: what was refused is visible");
        }
    }
    server.client().get("/healthz").expect(200);
    registry::assert_whole(&server.client(), "a/app", "1", &image);
    assert_nothing_was_lost(server, &image);
}

#[test]
fn a_storage_that_says_stored_and_stores_nothing_is_found_out() {
    a_push_fails_and_leaves_no_trace("lies-commit");
}

#[test]
fn a_panic_at_the_end_of_an_upload_fails_that_push() {
    a_push_fails_and_leaves_no_trace("panic-in-commit");
}

#[test]
fn an_upload_state_beyond_the_limit_fails_that_push() {
    a_push_fails_and_leaves_no_trace("big-state");
}

#[test]
fn an_upload_to_a_path_out_of_the_granted_directory_writes_nothing() {
    a_push_fails_and_leaves_no_trace("escape-sink");
    assert!(!std::path::Path::new("/tmp/bulkhead-escaped").exists());
    let folder = places::TempDir::new();
    let outside = folder.path().join("outside");
    let (server, image) = with_image(&config(&format!("behaviour = \"escape-sink\", path = \"{}\"", outside.display())));
    push(&server, b"bytes").expect_err("the push went through");
    assert!(!outside.exists());
    assert_nothing_was_lost(server, &image);
}

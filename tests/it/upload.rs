//! Uploads: in parts, resumed, asked about, cancelled, mounted, and in one go.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

#[test]
fn an_upload_of_several_parts_goes_on_after_the_server_was_killed() {
    let mut server = Server::start(&Config::open());
    let client = server.client();
    let bytes = Pattern::bytes(1, 5_000_000);
    let digest = digest::sha256(&bytes);

    let upload = registry::begin(&client, "deep/down/below/here");
    let upload = registry::patch(&client, &upload, &bytes[..1_000_000]);
    let upload = registry::patch(&client, &upload, &bytes[1_000_000..2_345_678]);
    server.kill9();
    server.restart();

    let status = client.get(&upload).expect(204);
    assert_eq!(status.header("Range"), Some("0-2345677"), "what was acknowledged is there");
    let upload = registry::patch(&client, &registry::location(&status), &bytes[2_345_678..4_000_000]);
    server.kill9();
    server.restart();
    let last = client.request("PUT", &upload).query("digest", &digest).body(&bytes[4_000_000..]).send().expect(201);

    assert_eq!(last.header("Docker-Content-Digest"), Some(digest.as_str()));
    let pulled = registry::get_blob(&client, "deep/down/below/here", &digest).expect(200);
    assert!(pulled.body == bytes, "the bytes differ");
}

#[test]
fn a_part_that_was_cut_off_leaves_only_what_the_server_says_it_has() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let bytes = Pattern::bytes(2, 3_000_000);

    let upload = registry::patch(&client, &registry::begin(&client, "a/app"), &bytes[..500_000]);
    // Announces more than comes; whether an answer arrives is the server's choice.
    client.request("PATCH", &upload).cut_short(&bytes[500_000..900_000], 2_500_000).try_send().ok();

    let status = client.get(&upload).expect(204);
    let range = status.header("Range").expect("a status has a Range").to_owned();
    let have: usize = range.strip_prefix("0-").unwrap().parse::<usize>().unwrap() + 1;
    assert!((500_000..=900_000).contains(&have), "{range}");
    let upload = registry::location(&status);
    let rest = client
        .request("PATCH", &upload)
        .header("Content-Range", &format!("{have}-{}", bytes.len() - 1))
        .body(&bytes[have..])
        .send()
        .expect(202);
    let digest = digest::sha256(&bytes);
    registry::finish(&client, &registry::location(&rest), &digest).expect(201);
    assert!(registry::get_blob(&client, "a/app", &digest).expect(200).body == bytes, "the bytes differ");
}

#[test]
fn parts_with_content_range_must_follow_each_other() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let bytes = Pattern::bytes(3, 3000);
    let part = |location: &str, range: &str, bytes: &[u8]| {
        client.request("PATCH", location).header("Content-Range", range).body(bytes).send()
    };

    let upload = registry::begin(&client, "a/app");
    let first = part(&upload, "0-999", &bytes[..1000]).expect(202);
    assert_eq!(first.header("Range"), Some("0-999"));
    let upload = registry::location(&first);
    assert_eq!(part(&upload, "2000-2999", &bytes[2000..]).status, 416, "a gap");
    assert_eq!(part(&upload, "0-999", &bytes[..1000]).status, 416, "a part that is there already");

    let status = client.get(&upload).expect(204);
    assert_eq!(status.header("Range"), Some("0-999"), "what was refused changed nothing");
    let second = part(&registry::location(&status), "1000-2999", &bytes[1000..]).expect(202);
    let digest = digest::sha256(&bytes);
    registry::finish(&client, &registry::location(&second), &digest).expect(201);
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).body, bytes);
}

#[test]
fn an_upload_is_answered_with_its_headers_at_every_step() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let begun = client.post("/v2/a/app/blobs/uploads/").expect(202);
    let id = begun.header("Docker-Upload-UUID").expect("an upload has an identifier").to_owned();
    assert_eq!(begun.header("Docker-Distribution-Api-Version"), Some("registry/2.0"));
    assert!(registry::location(&begun).contains(&format!("/v2/a/app/blobs/uploads/{id}")));
    assert_eq!(begun.header("Content-Length"), Some("0"));

    let patched = client.request("PATCH", &registry::location(&begun)).body("hello").send().expect(202);
    assert_eq!(patched.header("Range"), Some("0-4"));
    assert_eq!(patched.header("Docker-Upload-UUID"), Some(id.as_str()));

    let digest = digest::sha256(b"hello world");
    let done = client.request("PUT", &registry::location(&patched)).query("digest", &digest).body(" world").send().expect(201);
    assert!(registry::location(&done).ends_with(&format!("/v2/a/app/blobs/{digest}")));
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).text(), "hello world");
    client.get(&registry::location(&patched)).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
}

#[test]
fn a_cancelled_upload_is_gone() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let upload = registry::patch(&client, &registry::begin(&client, "a/app"), b"not wanted");
    client.delete(&upload).expect(204);
    client.get(&upload).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    client.request("PATCH", &upload).body("more").send().expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    client.delete(&upload).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    registry::get_blob(&client, "a/app", &digest::sha256(b"not wanted")).expect(404);
}

#[test]
fn a_blob_in_a_single_post_is_stored() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let bytes = Pattern::bytes(4, 100_000);
    let digest = digest::sha256(&bytes);
    let done = client
        .request("POST", "/v2/a/app/blobs/uploads/")
        .query("digest", &digest)
        .header("Content-Type", "application/octet-stream")
        .body(bytes.clone())
        .send()
        .expect(201);
    assert_eq!(done.header("Docker-Content-Digest"), Some(digest.as_str()));
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).body, bytes);
}

#[test]
fn a_blob_in_one_put_is_stored() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let bytes = Pattern::bytes(5, 100_000);
    let digest = digest::sha256(&bytes);
    let upload = registry::begin(&client, "a/app");
    client.request("PUT", &upload).query("digest", &digest).chunked(vec![bytes.clone()]).send().expect(201);
    assert_eq!(registry::get_blob(&client, "a/app", &digest).expect(200).body, bytes);
}

#[test]
fn a_blob_is_mounted_from_another_repository_and_otherwise_an_upload_begins() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let digest = registry::push_blob(&client, "a/source", b"mounted");

    let mounted =
        client.post(&format!("/v2/a/target/blobs/uploads/?mount={}&from=a%2Fsource", digest.replace(':', "%3A"))).expect(201);
    assert_eq!(mounted.header("Docker-Content-Digest"), Some(digest.as_str()));
    assert!(registry::location(&mounted).ends_with(&format!("/v2/a/target/blobs/{digest}")));
    assert_eq!(registry::get_blob(&client, "a/target", &digest).expect(200).text(), "mounted");

    let unknown = digest::sha256(b"never pushed");
    let begun = client.post(&format!("/v2/a/target/blobs/uploads/?mount={unknown}&from=a/source")).expect(202);
    client.delete(&registry::location(&begun)).expect(204);
    let begun = client.post(&format!("/v2/a/target/blobs/uploads/?mount={digest}&from=a/nowhere")).expect(202);
    client.delete(&registry::location(&begun)).expect(204);
}

#[test]
fn a_blob_is_not_mounted_from_a_repository_that_the_caller_may_not_read() {
    use bulkhead_tests::config::STAFF;
    use bulkhead_tests::users::{ALICE, RITA};
    let rules = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice"], repositories = ["**"], actions = ["*"] },
  { who = ["user:rita"], repositories = ["rita/**"], actions = ["pull", "push"] },
]"#;
    let server = Server::start(&Config::standard().plugin("staff", STAFF).plugin("rules", rules));
    let digest = registry::push_blob(&server.client_of(ALICE), "secret/app", b"for alice alone");

    let rita = server.client_of(RITA);
    let begun = rita.post(&format!("/v2/rita/app/blobs/uploads/?mount={digest}&from=secret/app")).expect(202);
    registry::get_blob(&rita, "rita/app", &digest).expect(404);
    // It is an upload like any other, and has nothing of the blob.
    let own = digest::sha256(b"rita's own");
    rita.request("PUT", &registry::location(&begun)).query("digest", &own).body("rita's own").send().expect(201);
    registry::get_blob(&rita, "rita/app", &digest).expect(404);
}

#[test]
fn an_upload_belongs_to_its_repository() {
    let server = Server::start(&Config::open());
    let client = server.client();
    let upload = registry::begin(&client, "a/mine");
    let elsewhere = upload.replace("/v2/a/mine/", "/v2/a/yours/");
    assert_ne!(upload, elsewhere);
    client.get(&elsewhere).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    client.request("PATCH", &elsewhere).body("stolen").send().expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    let digest = digest::sha256(b"stolen");
    client
        .request("PUT", &elsewhere)
        .query("digest", &digest)
        .body("stolen")
        .send()
        .expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    client.delete(&elsewhere).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    client.get(&upload).expect(204);
    registry::get_blob(&client, "a/yours", &digest).expect(404);
}

#[test]
fn an_unknown_upload_is_answered_with_its_code() {
    let server = Server::start(&Config::open());
    let client = server.client();
    for upload in ["/v2/a/app/blobs/uploads/6f1c1d3a-0000-4000-8000-000000000000", "/v2/a/app/blobs/uploads/no-such-thing"] {
        client.get(upload).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
        client.request("PATCH", upload).body("x").send().expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
        registry::finish(&client, upload, &digest::sha256(b"x")).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
        client.delete(upload).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);
    }
}

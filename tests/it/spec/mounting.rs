//! "Mounting a blob from another repository", with `from` and without.

use bulkhead_tests::config::Config;
use bulkhead_tests::digest::{self, Pattern};
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::{ALICE, RITA};

use super::{Witness, assert_digest, open, open_with};

/// Alice may do everything, Rita pulls below `shared/` and pulls and pushes below `rita/`.
const RULES: &str = r#"component = "builtin:policy-rules"
config.rules = [
  { who = ["user:alice"], repositories = ["**"], actions = ["*"] },
  { who = ["user:rita"], repositories = ["shared/**"], actions = ["pull"] },
  { who = ["user:rita"], repositories = ["rita/**"], actions = ["pull", "push"] },
]"#;

fn ruled() -> Server {
    Server::start(&Config::standard().plugin("rules", RULES))
}

fn mount(client: &Client, repository: &str, digest: &str) -> Response {
    client.request("POST", &format!("/v2/{repository}/blobs/uploads/")).query("mount", digest).body("").send()
}

fn mount_from(client: &Client, repository: &str, digest: &str, from: &str) -> Response {
    let request = client.request("POST", &format!("/v2/{repository}/blobs/uploads/")).query("mount", digest);
    request.query("from", from).body("").send()
}

/// The blob is not in the repository, and the answer is a fresh upload.
fn assert_an_upload_began(client: &Client, repository: &str, digest: &str, answer: Response) {
    let answer = answer.expect(202);
    registry::get_blob(client, repository, digest).expect_error(&[404], &["BLOB_UNKNOWN", "NAME_UNKNOWN"]);
    client.get(&registry::location(&answer)).expect(204);
}

#[test]
fn a_mounted_blob_is_pullable_at_its_location() {
    let (witness, _server, client) = Witness::open(Config::open());
    let digest = registry::push_blob(&client, "a/source", b"content");
    let done = mount_from(&client, "a/target", &digest, "a/source").expect(201);
    assert_digest(&done, &digest);
    assert_eq!(client.get(&registry::location(&done)).expect(200).text(), "content");
    witness.assert_told(&client, &[&format!("mount a/target@{digest}")]);
}

#[test]
fn a_blob_under_sha512_is_mounted() {
    let (_server, client) = open();
    let bytes = Pattern::bytes(1, 1000);
    let digest = digest::sha512(&bytes);
    client.request("POST", "/v2/a/source/blobs/uploads/").query("digest", &digest).body(bytes.clone()).send().expect(201);
    let done = mount_from(&client, "a/target", &digest, "a/source").expect(201);
    assert_digest(&done, &digest);
    assert_eq!(registry::get_blob(&client, "a/target", &digest).expect(200).body, bytes);
}

#[test]
fn a_mount_that_cannot_be_begins_an_upload_that_takes_the_blob() {
    let (_server, client) = open();
    let digest = digest::sha256(b"content");
    for begun in
        [mount_from(&client, "a/target", &digest, "a/source").expect(202), mount(&client, "a/target", &digest).expect(202)]
    {
        let done = client.request("PUT", &registry::location(&begun)).query("digest", &digest).body("content").send().expect(201);
        assert_digest(&done, &digest);
        assert_eq!(registry::get_blob(&client, "a/target", &digest).expect(200).text(), "content");
        client.delete(&format!("/v2/a/target/blobs/{digest}")).expect(202);
    }
}

#[test]
fn a_mount_from_what_is_no_name_begins_an_upload() {
    let (_server, client) = open();
    let digest = registry::push_blob(&client, "a/source", b"content");
    for from in ["A/Source", "../a/source", "a//source", "a/source/", "a source", "\u{e4}/source", &"a/".repeat(200)] {
        assert_an_upload_began(&client, "a/target", &digest, mount_from(&client, "a/target", &digest, from));
    }
    mount_from(&client, "a/target", &digest, "a/source").expect(201);
}

#[test]
fn a_mount_without_from_finds_the_blob_in_any_repository() {
    let (witness, _server, client) = Witness::open(Config::open());
    let digest = registry::push_blob(&client, "z/last", b"content");
    let done = mount(&client, "a/target", &digest).expect(201);
    assert_digest(&done, &digest);
    assert!(registry::location(&done).ends_with(&format!("/v2/a/target/blobs/{digest}")));
    assert_eq!(registry::get_blob(&client, "a/target", &digest).expect(200).text(), "content");
    witness.assert_told(&client, &[&format!("mount a/target@{digest}")]);
}

#[test]
fn a_mount_without_from_finds_the_one_repository_that_the_caller_may_read() {
    let server = ruled();
    let alice = server.client_of(ALICE);
    let digest = registry::push_blob(&alice, "secret/one", b"content");
    for repository in ["a/first", "secret/two", "shared/readable", "z/last"] {
        mount_from(&alice, repository, &digest, "secret/one").expect(201);
    }
    let done = mount(&server.client_of(RITA), "rita/app", &digest).expect(201);
    assert_digest(&done, &digest);
    // As Docker asks: with a token for the target alone. The token says who asks; the rules say what they may read.
    let token = registry::with_token(&server.client_of(RITA), &["repository:rita/other:pull,push"]);
    mount(&token, "rita/other", &digest).expect(201);
}

#[test]
fn a_mount_without_from_never_reveals_a_blob_that_the_caller_may_not_read() {
    let server = ruled();
    let alice = server.client_of(ALICE);
    let secret = registry::push_blob(&alice, "secret/app", b"for alice alone");
    let absent = digest::sha256(b"never pushed");
    let token = registry::with_token(&server.client_of(RITA), &["repository:rita/app:pull,push"]);
    for rita in [server.client_of(RITA), token] {
        let shape = |answer: &Response| {
            let names: Vec<String> = answer.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            (answer.status, names, answer.body.len())
        };
        let (of_secret, of_absent) = (mount(&rita, "rita/app", &secret), mount(&rita, "rita/app", &absent));
        assert_eq!(shape(&of_secret), shape(&of_absent), "the answers tell what is there");
        assert_an_upload_began(&rita, "rita/app", &secret, of_secret);
        assert_an_upload_began(&rita, "rita/app", &secret, mount_from(&rita, "rita/app", &secret, "secret/app"));
    }
}

#[test]
fn a_mount_does_not_reach_into_another_registry() {
    let (server, client) = open_with(&Config::open().other_registry("other.test"));
    let other = server.client().host("other.test");
    let digest = registry::push_blob(&other, "b/source", b"of the other registry");
    assert_an_upload_began(&client, "a/target", &digest, mount(&client, "a/target", &digest));
    assert_an_upload_began(&client, "a/target", &digest, mount_from(&client, "a/target", &digest, "b/source"));
    assert_eq!(mount(&other, "a/target", &digest).status, 201, "within its own registry it is found");
}

#[test]
fn a_mount_without_from_does_not_find_what_was_deleted() {
    let (_server, client) = open();
    let digest = registry::push_blob(&client, "a/source", b"content");
    client.delete(&format!("/v2/a/source/blobs/{digest}")).expect(202);
    assert_an_upload_began(&client, "a/target", &digest, mount(&client, "a/target", &digest));
}

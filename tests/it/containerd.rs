//! containerd's `ctr` pushes and pulls, with all platforms of an index, and changes no byte.

use bulkhead_tests::config::Config;
use bulkhead_tests::containerd::{Ctr, credentials};
use bulkhead_tests::places::TempDir;
use bulkhead_tests::registry;
use bulkhead_tests::samples::{self, ForeignLayer, Form, Platform};
use bulkhead_tests::server::Server;
use bulkhead_tests::tree::Tree;
use bulkhead_tests::users::{ALICE, RITA, SAM, User};

/// Pushes a tree as `REPOSITORY:1`, fetches it into another namespace, and compares both ends with it. `whole` is what a client has
/// that holds foreign layers too; they are no part of `tree`.
fn there_and_back(server: &Server, repository: &str, tree: &Tree, whole: &Tree) {
    let name = format!("{}/{repository}", server.host());
    let pushing = Ctr::new();
    pushing.import(&name, whole);
    let name = format!("{name}:1");
    pushing.push(ALICE, &name).expect_success();
    tree.assert_in(&server.client_of(ALICE), repository, "1");

    let (pulling, received) = (Ctr::new(), TempDir::new());
    pulling.fetch(ALICE, &name).expect_success();
    pulling.export(&name, received.path());
    whole.assert_layout(received.path());
}

#[test]
fn ctr_is_refused_with_a_wrong_password() {
    let server = Server::start(&Config::standard());
    let ctr = Ctr::new();
    let image = samples::image_of(Form::Oci, Platform::LinuxAmd64, "a wrong password");
    ctr.import(&format!("{}/team/tool", server.host()), &image);
    let name = format!("{}/team/tool:1", server.host());
    for wrong in [User { password: "guessed", ..ALICE }, User { name: "mallory", password: "anything" }] {
        let push = ctr.push(wrong, &name).expect_failure();
        assert!(push.text().contains("401 Unauthorized"), "{}", push.text());
    }
    assert!(registry::repositories(&server.client_of(ALICE)).is_empty(), "the refusal left no trace");
    let pull = Ctr::new().fetch(User { password: "guessed", ..ALICE }, &name).expect_failure();
    assert!(pull.text().contains("401 Unauthorized"), "{}", pull.text());
}

#[test]
fn ctr_is_denied_what_the_rules_do_not_give_its_user() {
    let server = Server::start(&Config::standard());
    let client = server.client_of(ALICE);
    let image = samples::image_of(Form::Oci, Platform::LinuxAmd64, "rules");
    image.push(&client, "team/tool", "1");
    let name = format!("{}/team/tool:1", server.host());

    let rita = Ctr::new();
    rita.fetch(RITA, &name).expect_success();
    for refused in ["team/tool:2", "elsewhere/tool:1"] {
        let refused = format!("{}/{refused}", server.host());
        rita.run(&["images", "tag", &name, &refused]).expect_success();
        let said = rita.push(RITA, &refused).expect_failure().text();
        // What it was sending breaks off with the refusal, and it may report that instead.
        assert!(said.contains("insufficient_scope") || said.contains("closed pipe"), "{said}");
    }
    let sam = Ctr::new();
    let pull = sam.fetch(SAM, &name).expect_failure();
    assert!(pull.text().contains("pull access denied"), "{}", pull.text());
    assert_eq!(sam.run(&["images", "ls", "--quiet"]).expect_success().stdout, "");

    assert_eq!(registry::tags(&client, "team/tool"), ["1"], "the refusals left no trace");
    assert_eq!(registry::repositories(&client), ["team/tool"], "the refusals left no trace");
}

#[test]
fn ctr_pushes_an_image_and_pulls_the_same_one_back() {
    let server = Server::start(&Config::standard());
    for (form, repository) in [(Form::Oci, "team/oci"), (Form::Docker, "team/docker")] {
        let image = samples::image_of(form, Platform::LinuxAmd64, "there and back");
        there_and_back(&server, repository, &image, &image);
    }
}

#[test]
fn ctr_pulls_an_image_and_unpacks_it() {
    let server = Server::start(&Config::standard());
    let image = samples::two_machines(Form::Oci, "unpacked");
    image.push(&server.client_of(ALICE), "team/tool", "1");
    let name = format!("{}/team/tool:1", server.host());
    let ctr = Ctr::new();
    let user = credentials(RITA);
    let pull = ["images", "pull", "--plain-http", "--user", &user, "--snapshotter", "native", "--platform", "linux/arm64", &name];
    ctr.run(&pull).expect_success();
    let listed = ctr.run(&["images", "ls"]).expect_success();
    assert!(listed.stdout.contains(&name) && listed.stdout.contains(&image.top.digest), "{}", listed.stdout);
    let content = ctr.run(&["content", "ls", "--quiet"]).expect_success().stdout;
    assert!(content.contains(&image.manifests[1].digest), "{content}");
}

#[test]
fn ctr_pushes_an_index_and_pulls_the_same_one_back() {
    let server = Server::start(&Config::standard());
    for (form, repository) in [(Form::Oci, "team/oci"), (Form::Docker, "team/docker")] {
        let index = samples::two_machines(form, "there and back");
        there_and_back(&server, repository, &index, &index);
    }
}

#[test]
fn ctr_carries_a_windows_image_whose_first_layer_lies_elsewhere() {
    let server = Server::start(&Config::standard());
    let foreign = ForeignLayer::new("ctr");
    for (form, repository) in [(Form::Oci, "team/oci"), (Form::Docker, "team/docker")] {
        let both = samples::linux_and_windows(form, "both", &foreign);
        there_and_back(&server, repository, &both, &both.with(foreign.content()));
        registry::get_blob(&server.client_of(ALICE), repository, &foreign.content().digest)
            .expect_error(&[404], &["BLOB_UNKNOWN"]);
    }
}

#[test]
fn ctr_mounts_what_the_repository_has_that_it_pulled_from() {
    let server = Server::start(&Config::standard());
    let client = server.client_of(ALICE);
    let image = samples::image_of(Form::Oci, Platform::LinuxAmd64, "mounted");
    image.push(&client, "team/first", "1");
    let (first, second) = (format!("{}/team/first:1", server.host()), format!("{}/team/second:1", server.host()));
    let ctr = Ctr::new();
    ctr.fetch(ALICE, &first).expect_success();
    let user = credentials(ALICE);
    let pushed = ctr.run(&["images", "push", "--plain-http", "--http-dump", "--user", &user, &second, &first]).expect_success();
    let said = pushed.text();
    for blob in &image.blobs {
        let mount = format!("POST /v2/team/second/blobs/uploads/?mount={}&from=team/first ", blob.digest);
        assert!(said.contains(&mount), "{said}");
    }
    assert!(!said.contains("PUT /v2/team/second/blobs/uploads/"), "{said}");
    image.assert_in(&client, "team/second", "1");
}

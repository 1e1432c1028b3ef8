//! skopeo copies images and indexes there and back without changing a byte.

use bulkhead_tests::config::Config;
use bulkhead_tests::containers::{Containers, Tool, dir, layout, remote};
use bulkhead_tests::places::TempDir;
use bulkhead_tests::registry;
use bulkhead_tests::samples::{self, ForeignLayer, Form, Platform};
use bulkhead_tests::server::Server;
use bulkhead_tests::tree::Tree;
use bulkhead_tests::users::{ALICE, RITA, SAM, User};
use serde_json::json;

fn logged_in(server: &Server, user: User) -> Containers {
    let skopeo = Containers::new(Tool::Skopeo);
    skopeo.login(&server.host(), user).expect_success();
    skopeo
}

/// Sends a tree as `name`, and compares what the registry has and what comes back with it.
fn there_and_back(form: Form, server: &Server, name: &str, tree: &Tree) -> TempDir {
    let skopeo = logged_in(server, ALICE);
    let (sent, received) = (TempDir::new(), TempDir::new());
    let target = remote(&server.host(), name);
    let (from, to) = match form {
        // An OCI layout takes no manifests but OCI's.
        Form::Docker => {
            tree.write_dir(sent.path());
            (dir(sent.path()), dir(received.path()))
        }
        Form::Oci => {
            tree.write_layout(sent.path(), "1");
            (layout(sent.path(), "1"), layout(received.path(), "1"))
        }
    };
    skopeo.run(&["copy", "--all", &from, &target]).expect_success();
    let (repository, tag) = name.split_once(':').unwrap();
    tree.assert_in(&server.client_of(ALICE), repository, tag);
    skopeo.run(&["copy", "--all", &target, &to]).expect_success();
    match form {
        Form::Docker => tree.assert_dir(received.path()),
        Form::Oci => tree.assert_layout(received.path()),
    }
    received
}

#[test]
fn skopeo_logs_in_with_the_right_password_alone() {
    let server = Server::start(&Config::standard());
    let skopeo = Containers::new(Tool::Skopeo);
    let wrong = skopeo.login(&server.host(), User { password: "guessed", ..ALICE }).expect_failure();
    assert!(wrong.text().contains("invalid username/password"), "{}", wrong.text());

    let folder = TempDir::new();
    samples::image_of(Form::Oci, Platform::LinuxAmd64, "a refused login").write_layout(folder.path(), "1");
    let copy = ["copy", &layout(folder.path(), "1"), &remote(&server.host(), "team/tool:1")];
    skopeo.run(&copy).expect_failure();
    assert!(registry::repositories(&server.client_of(ALICE)).is_empty(), "the refusal left no trace");

    skopeo.login(&server.host(), ALICE).expect_success();
    skopeo.run(&copy).expect_success();
}

#[test]
fn skopeo_is_denied_what_the_rules_do_not_give_its_login() {
    let server = Server::start(&Config::standard());
    let image = samples::image_of(Form::Oci, Platform::LinuxAmd64, "rules");
    let client = server.client_of(ALICE);
    image.push(&client, "team/tool", "1");
    let (sent, received) = (TempDir::new(), TempDir::new());
    samples::image_of(Form::Oci, Platform::LinuxAmd64, "refused").write_layout(sent.path(), "1");

    let tool = remote(&server.host(), "team/tool:1");
    let rita = logged_in(&server, RITA);
    rita.run(&["copy", &tool, &layout(received.path(), "1")]).expect_success();
    image.assert_layout(received.path());
    for refused in ["team/tool:1", "team/tool:2", "elsewhere/tool:1"] {
        let push = rita.run(&["copy", &layout(sent.path(), "1"), &remote(&server.host(), refused)]).expect_failure();
        assert!(push.text().contains("denied"), "{}", push.text());
    }
    rita.run(&["delete", &tool]).expect_failure();
    let sam = logged_in(&server, SAM).run(&["inspect", &tool]).expect_failure();
    assert!(sam.text().contains("denied"), "{}", sam.text());

    image.assert_in(&client, "team/tool", "1");
    assert_eq!(registry::tags(&client, "team/tool"), ["1"], "the refusals left no trace");
    assert_eq!(registry::repositories(&client), ["team/tool"], "the refusals left no trace");
}

#[test]
fn skopeo_copies_an_image_there_and_back_byte_for_byte() {
    let server = Server::start(&Config::standard());
    for (form, name) in [(Form::Oci, "team/tool:oci"), (Form::Docker, "team/tool:docker")] {
        there_and_back(form, &server, name, &samples::image_of(form, Platform::LinuxAmd64, "byte for byte"));
    }
}

#[test]
fn skopeo_copies_an_index_there_and_back_byte_for_byte() {
    let server = Server::start(&Config::standard());
    for (form, name) in [(Form::Oci, "team/index:oci"), (Form::Docker, "team/index:docker")] {
        there_and_back(form, &server, name, &samples::two_machines(form, "byte for byte"));
    }
}

#[test]
fn skopeo_copies_an_index_of_linux_and_windows_with_a_foreign_layer() {
    let server = Server::start(&Config::standard());
    let foreign = ForeignLayer::new("skopeo");
    for (form, repository) in [(Form::Oci, "team/oci"), (Form::Docker, "team/docker")] {
        let both = samples::linux_and_windows(form, "both", &foreign);
        let received = there_and_back(form, &server, &format!("{repository}:1"), &both);
        registry::get_blob(&server.client_of(ALICE), repository, &foreign.content().digest)
            .expect_error(&[404], &["BLOB_UNKNOWN"]);
        // To a plain folder it fetches the layer too, from where the manifest says that it lies.
        if form == Form::Docker {
            both.with(foreign.content()).assert_dir(received.path());
        }
    }
}

#[test]
fn skopeo_copies_from_one_repository_to_another() {
    let server = Server::start(&Config::standard());
    let image = samples::two_machines(Form::Oci, "from one to another");
    let client = server.client_of(ALICE);
    image.push(&client, "team/first", "1");
    let (from, to) = (remote(&server.host(), "team/first:1"), remote(&server.host(), "team/second:1"));
    logged_in(&server, ALICE).run(&["copy", "--all", &from, &to]).expect_success();
    image.assert_in(&client, "team/second", "1");
}

#[test]
fn skopeo_lists_tags_and_deletes_an_image() {
    let server = Server::start(&Config::standard());
    let skopeo = logged_in(&server, ALICE);
    let client = server.client_of(ALICE);
    let image = samples::image_of(Form::Oci, Platform::LinuxAmd64, "lists and deletes");
    image.push(&client, "team/tool", "first");
    image.push(&client, "team/tool", "second");

    let listed = skopeo.run(&["list-tags", &remote(&server.host(), "team/tool")]).expect_success();
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["Tags"], json!(["first", "second"]));

    skopeo.run(&["delete", &remote(&server.host(), "team/tool:first")]).expect_success();
    registry::get_manifest(&client, "team/tool", "first").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
    registry::get_manifest(&client, "team/tool", "second").expect_error(&[404], &["MANIFEST_UNKNOWN"]);
}

//! podman and buildah log in, build, push and pull. They share most of their insides, and so what is asked of them.

use bulkhead_tests::config::Config;
use bulkhead_tests::containers::{Containers, Tool, remote};
use bulkhead_tests::image::{Blob, media};
use bulkhead_tests::registry;
use bulkhead_tests::samples::{self, ForeignLayer, Form, Platform};
use bulkhead_tests::server::Server;
use bulkhead_tests::tree;
use bulkhead_tests::users::{ALICE, RITA, SAM, User};

#[test]
fn podman_logs_in_with_the_right_password_alone() {
    logs_in_with_the_right_password_alone(Tool::Podman);
}

#[test]
fn buildah_logs_in_with_the_right_password_alone() {
    logs_in_with_the_right_password_alone(Tool::Buildah);
}

#[test]
fn podman_is_denied_what_the_rules_do_not_give_its_login() {
    is_denied_what_the_rules_do_not_give(Tool::Podman);
}

#[test]
fn buildah_is_denied_what_the_rules_do_not_give_its_login() {
    is_denied_what_the_rules_do_not_give(Tool::Buildah);
}

#[test]
fn podman_pushes_an_image_and_pulls_the_same_one_back() {
    pushes_an_image_and_pulls_it_back(Tool::Podman);
}

#[test]
fn buildah_pushes_an_image_and_pulls_the_same_one_back() {
    pushes_an_image_and_pulls_it_back(Tool::Buildah);
}

#[test]
fn podman_pushes_an_index_of_two_machines_and_pulls_the_image_of_each() {
    pushes_an_index_and_pulls_each(Tool::Podman);
}

#[test]
fn buildah_pushes_an_index_of_two_machines_and_pulls_the_image_of_each() {
    pushes_an_index_and_pulls_each(Tool::Buildah);
}

#[test]
fn podman_carries_a_windows_image_whose_first_layer_lies_elsewhere() {
    carries_a_windows_image(Tool::Podman);
}

#[test]
fn buildah_carries_a_windows_image_whose_first_layer_lies_elsewhere() {
    carries_a_windows_image(Tool::Buildah);
}

fn logged_in(tool: Tool, server: &Server, user: User) -> Containers {
    let engine = Containers::new(tool);
    engine.login(&server.host(), user).expect_success();
    engine
}

/// A manifest of the registry's.
fn stored(server: &Server, repository: &str, reference: &str) -> Blob {
    let manifest = registry::get_manifest(&server.client_of(ALICE), repository, reference).expect(200);
    Blob::new(manifest.header("Content-Type").unwrap(), manifest.body.clone())
}

fn logs_in_with_the_right_password_alone(tool: Tool) {
    let server = Server::start(&Config::standard());
    let engine = Containers::new(tool);
    let name = format!("{}/team/tool:1", server.host());
    engine.build(["--tag", &name], Platform::LinuxAmd64, "logs in");
    for wrong in [User { password: "guessed", ..ALICE }, User { name: "mallory", password: "anything" }] {
        let wrong = engine.login(&server.host(), wrong).expect_failure();
        assert!(wrong.text().contains("invalid username/password"), "{}", wrong.text());
    }
    engine.run(&["push", &name]).expect_failure();
    assert!(registry::repositories(&server.client_of(ALICE)).is_empty(), "the refusal left no trace");

    let right = engine.login(&server.host(), ALICE).expect_success();
    assert!(right.text().contains("Login Succeeded"), "{}", right.text());
    engine.run(&["push", &name]).expect_success();
}

fn is_denied_what_the_rules_do_not_give(tool: Tool) {
    let server = Server::start(&Config::standard());
    let client = server.client_of(ALICE);
    let image = samples::image_of(Form::Docker, Platform::LinuxAmd64, "rules");
    image.push(&client, "team/tool", "1");
    let name = format!("{}/team/tool:1", server.host());

    let rita = logged_in(tool, &server, RITA);
    assert_eq!(rita.pull(&name, Platform::LinuxAmd64), image.config_digest());
    for refused in ["team/tool:1", "team/tool:2", "elsewhere/tool:1"] {
        let push = rita.run(&["push", &name, &remote(&server.host(), refused)]).expect_failure();
        assert!(push.text().contains("denied"), "{}", push.text());
    }
    let sam = logged_in(tool, &server, SAM).run(&["pull", &name]).expect_failure();
    assert!(sam.text().contains("denied"), "{}", sam.text());
    Containers::new(tool).run(&["pull", &name]).expect_failure();

    image.assert_in(&client, "team/tool", "1");
    assert_eq!(registry::tags(&client, "team/tool"), ["1"], "the refusals left no trace");
    assert_eq!(registry::repositories(&client), ["team/tool"], "the refusals left no trace");
}

fn pushes_an_image_and_pulls_it_back(tool: Tool) {
    let server = Server::start(&Config::standard());
    let engine = logged_in(tool, &server, ALICE);
    for format in ["oci", "v2s2"] {
        let name = format!("{}/team/tool:{format}", server.host());
        let built = engine.build(["--tag", &name], Platform::LinuxAmd64, format);
        engine.run(&["push", "--format", format, &name]).expect_success();

        let manifest = stored(&server, "team/tool", format);
        let expected = if format == "oci" { media::OCI_MANIFEST } else { media::DOCKER_MANIFEST };
        assert_eq!(manifest.media_type, expected);
        let sent = tree::config_digest(&manifest);
        if format == "oci" {
            assert_eq!(sent, built, "a configuration that is sent as it was built");
        }
        engine.forget_all();
        assert_eq!(engine.pull(&name, Platform::LinuxAmd64), sent);
    }
}

fn pushes_an_index_and_pulls_each(tool: Tool) {
    let server = Server::start(&Config::standard());
    let engine = logged_in(tool, &server, ALICE);
    let name = format!("{}/team/index:1", server.host());
    let platforms = [Platform::LinuxAmd64, Platform::LinuxArm64];
    let built = platforms.map(|platform| engine.build(["--manifest", &name], platform, platform.name()));
    engine.run(&["manifest", "push", "--all", &name, &remote(&server.host(), "team/index:1")]).expect_success();

    let index: serde_json::Value = serde_json::from_slice(&stored(&server, "team/index", "1").bytes).unwrap();
    let listed = index["manifests"].as_array().unwrap().iter();
    let sent: Vec<String> =
        listed.map(|entry| tree::config_digest(&stored(&server, "team/index", entry["digest"].as_str().unwrap()))).collect();
    assert_eq!(sent, built);
    engine.forget_all();
    for (platform, built) in platforms.into_iter().zip(built) {
        assert_eq!(engine.pull(&name, platform), built, "{}", platform.name());
    }
}

fn carries_a_windows_image(tool: Tool) {
    let server = Server::start(&Config::standard());
    let client = server.client_of(ALICE);
    let foreign = ForeignLayer::new("engines");
    let engine = logged_in(tool, &server, ALICE);
    for (form, format, tag) in [(Form::Oci, "oci", "oci"), (Form::Docker, "v2s2", "docker")] {
        let both = samples::linux_and_windows(form, tag, &foreign);
        both.push(&client, "team/source", tag);
        let source = format!("{}/team/source:{tag}", server.host());

        // A list of all that the source lists, pushed elsewhere: it copies the images, and leaves the foreign layer where it lies.
        let list = format!("list-{tag}");
        engine.run(&["manifest", "create", &list]).expect_success();
        engine.run(&["manifest", "add", "--all", &list, &format!("docker://{source}")]).expect_success();
        let target = remote(&server.host(), &format!("team/copy:{tag}"));
        engine.run(&["manifest", "push", "--all", "--format", format, &list, &target]).expect_success();
        for manifest in &both.manifests {
            assert_eq!(stored(&server, "team/copy", &manifest.digest), *manifest);
        }
        for blob in &both.blobs {
            assert!(registry::get_blob(&client, "team/copy", &blob.digest).expect(200).body == blob.bytes, "{}", blob.digest);
        }
        registry::get_blob(&client, "team/copy", &foreign.content().digest).expect_error(&[404], &["BLOB_UNKNOWN"]);

        // To have the image itself, it fetches the layer from where the manifest says that it lies.
        engine.forget_all();
        let pulled = engine.pull(&format!("{}/team/copy:{tag}", server.host()), Platform::WindowsAmd64);
        assert_eq!(pulled, tree::config_digest(&both.manifests[1]));
    }
}

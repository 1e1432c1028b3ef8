//! A real Docker daemon logs in, pushes and pulls.

use bulkhead_tests::config::Config;
use bulkhead_tests::docker::Docker;
use bulkhead_tests::image::media;
use bulkhead_tests::registry;
use bulkhead_tests::relay::{Exchange, Relay};
use bulkhead_tests::samples::{self, ForeignLayer, Form, Platform};
use bulkhead_tests::server::Server;
use bulkhead_tests::users::{ALICE, RITA, SAM, User};

#[test]
fn docker_logs_in_with_the_right_password_alone() {
    let server = Server::start(&Config::standard());
    let docker = Docker::new();

    let right = docker.login(&server.host(), ALICE).expect_success();
    assert!(right.text().contains("Login Succeeded"), "{}", right.text());
    let wrong = docker.login(&server.host(), User { password: "guessed", ..ALICE }).expect_failure();
    assert!(wrong.text().contains("unauthorized"), "{}", wrong.text());
    let unknown = docker.login_as(&server.host(), "mallory", "anything").expect_failure();
    assert!(unknown.text().contains("unauthorized"), "{}", unknown.text());

    let stranger = Docker::new();
    stranger.login(&server.host(), User { password: "guessed", ..ALICE }).expect_failure();
    let name = format!("{}/team/stranger:1", server.host());
    stranger.import(&name, "a refused login");
    stranger.run(&["push", &name]).expect_failure();
    assert!(registry::repositories(&server.client_of(ALICE)).is_empty(), "the refusal left no trace");
}

#[test]
fn docker_logs_in_with_the_line_that_a_first_start_prints() {
    let server = Server::start_with_defaults();
    let printed = server.log().text();
    let line =
        printed.lines().find(|line| line.starts_with("docker login ")).unwrap_or_else(|| panic!("no login in:\n{printed}"));
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let docker = Docker::new();
    let login = docker.run(&words).expect_success();
    assert!(login.text().contains("Login Succeeded"), "{}", login.text());

    let name = format!("{}/first/image:1", server.host());
    docker.import(&name, "the first login");
    docker.run(&["push", &name]).expect_success();
    let refused = Docker::new().run(&["pull", &name]).expect_failure();
    assert!(refused.text().contains("unauthorized") || refused.text().contains("denied"), "{}", refused.text());
}

#[test]
fn docker_pushes_an_image_and_pulls_the_same_one_back() {
    let server = Server::start(&Config::standard());
    let docker = Docker::new();
    docker.login(&server.host(), ALICE).expect_success();

    let name = format!("{}/team/web:1", server.host());
    let imported = docker.import(&name, "docker pushes and pulls");
    docker.run(&["push", &name]).expect_success();
    docker.forget(&name);
    docker.run(&["pull", &name]).expect_success();
    assert_eq!(docker.image_id(&name), Some(imported));
}

#[test]
fn docker_uses_a_name_of_several_levels() {
    let server = Server::start(&Config::standard());
    let docker = Docker::new();
    docker.login(&server.host(), ALICE).expect_success();

    let name = format!("{}/warrantydept/customersubmissions/web/front-end_2:v1.0.0-rc.1", server.host());
    let imported = docker.import(&name, "several levels");
    docker.run(&["push", &name]).expect_success();
    docker.run(&["rmi", &name]).expect_success();
    docker.run(&["pull", &name]).expect_success();
    assert_eq!(docker.image_id(&name), Some(imported));
    let client = server.client_of(ALICE);
    assert_eq!(registry::repositories(&client), ["warrantydept/customersubmissions/web/front-end_2"]);
}

#[test]
fn docker_pulls_anonymously_where_the_rules_allow_it_and_may_not_push() {
    let server = Server::start(&Config::standard());
    let alice = Docker::new();
    alice.login(&server.host(), ALICE).expect_success();
    let name = format!("{}/public/base:1", server.host());
    let imported = alice.import(&name, "anonymous pull");
    alice.run(&["push", &name]).expect_success();
    alice.run(&["rmi", &name]).expect_success();

    let anonymous = Docker::new();
    anonymous.run(&["pull", &name]).expect_success();
    assert_eq!(anonymous.image_id(&name), Some(imported));

    let refused = format!("{}/public/base:2", server.host());
    anonymous.run(&["tag", &name, &refused]).expect_success();
    let push = anonymous.run(&["push", &refused]).expect_failure();
    assert!(push.text().contains("denied"), "{}", push.text());
    assert_eq!(registry::tags(&server.client_of(ALICE), "public/base"), ["1"], "the refusal left no trace");

    let hidden = format!("{}/team/base:1", server.host());
    let pull = anonymous.run(&["pull", &hidden]).expect_failure();
    assert!(pull.text().contains("denied") || pull.text().contains("unauthorized"), "{}", pull.text());
}

#[test]
fn docker_is_denied_what_the_rules_do_not_give_its_login() {
    let server = Server::start(&Config::standard());
    let alice = Docker::new();
    alice.login(&server.host(), ALICE).expect_success();
    let name = format!("{}/team/tool:1", server.host());
    alice.import(&name, "rules");
    alice.run(&["push", &name]).expect_success();

    let rita = Docker::new();
    rita.login(&server.host(), RITA).expect_success();
    rita.run(&["pull", &name]).expect_success();
    for refused in ["team/tool:2", "elsewhere/tool:1"] {
        let refused = format!("{}/{refused}", server.host());
        rita.run(&["tag", &name, &refused]).expect_success();
        let push = rita.run(&["push", &refused]).expect_failure();
        assert!(push.text().contains("denied"), "{}", push.text());
    }
    let client = server.client_of(ALICE);
    assert_eq!(registry::tags(&client, "team/tool"), ["1"], "the refusal left no trace");
    assert_eq!(registry::repositories(&client), ["team/tool"], "the refusal left no trace");

    let sam = Docker::new();
    sam.login(&server.host(), SAM).expect_success();
    let pull = sam.run(&["pull", &name]).expect_failure();
    assert!(pull.text().contains("denied"), "{}", pull.text());
}

#[test]
fn docker_mounts_layers_that_another_repository_has() {
    let server = Server::start(&Config::standard());
    let relay = Relay::start(server.client().address());
    let docker = Docker::new();
    docker.login(&relay.host(), ALICE).expect_success();
    let first = format!("{}/team/first:1", relay.host());
    docker.import(&first, "mounted layers");
    docker.run(&["push", &first]).expect_success();

    let second = format!("{}/team/second:1", relay.host());
    docker.run(&["tag", &first, &second]).expect_success();
    let _ = relay.take();
    let push = docker.run(&["push", &second]).expect_success();
    assert!(push.text().contains("Mounted from team/first"), "{}", push.text());
    let exchanges = relay.take();
    assert_eq!(statuses(&exchanges, "POST", "/v2/team/second/blobs/uploads/?from=team%2Ffirst&mount="), [201], "{exchanges:#?}");
    // The configuration alone was sent.
    assert_eq!(statuses(&exchanges, "PATCH", "").len(), 1, "{exchanges:#?}");

    let client = server.client_of(ALICE);
    let manifest = registry::get_manifest(&client, "team/second", "1").expect(200);
    assert_eq!(registry::get_manifest(&client, "team/first", "1").body, manifest.body);
    docker.forget(&first);
    docker.forget(&second);
    docker.run(&["pull", &second]).expect_success();
}

#[test]
fn docker_drops_the_uploads_that_mounts_without_success_leave() {
    let server = Server::start(&Config::standard());
    let relay = Relay::start(server.client().address());
    let docker = Docker::new();
    docker.login(&relay.host(), ALICE).expect_success();
    let names = ["first", "second", "third"].map(|repository| format!("{}/team/{repository}:1", relay.host()));
    let imported = docker.import(&names[0], "mounts that find nothing");
    for name in &names[1..] {
        docker.run(&["tag", &names[0], name]).expect_success();
    }
    // The daemon remembers two repositories with the layer, and neither has it any more.
    for name in &names[..2] {
        docker.run(&["push", name]).expect_success();
    }
    for repository in ["team/first", "team/second"] {
        remove_all(&server, repository);
    }
    let _ = relay.take();
    docker.run(&["push", &names[2]]).expect_success();

    let exchanges = relay.take();
    for source in ["team%2Ffirst", "team%2Fsecond"] {
        let mount = format!("/v2/team/third/blobs/uploads/?from={source}&mount=");
        assert_eq!(statuses(&exchanges, "POST", &mount), [202], "{exchanges:#?}");
    }
    let left_over: Vec<&Exchange> = exchanges.iter().filter(|exchange| exchange.method == "DELETE").collect();
    let [dropped] = left_over[..] else { panic!("one upload is left over: {exchanges:#?}") };
    assert_eq!(dropped.status, 204, "{dropped:?}");
    server.client_of(ALICE).get(&dropped.target).expect_error(&[404], &["BLOB_UPLOAD_UNKNOWN"]);

    for name in &names {
        docker.forget(name);
    }
    docker.run(&["pull", &names[2]]).expect_success();
    assert_eq!(docker.image_id(&names[2]), Some(imported));
}

#[test]
fn docker_pushes_a_list_of_two_machines_and_pulls_the_image_of_each() {
    let server = Server::start(&Config::standard());
    let docker = Docker::new();
    docker.login(&server.host(), ALICE).expect_success();
    let name = |tag: &str| format!("{}/team/list:{tag}", server.host());
    let (list, amd64, arm64) = (name("1"), name("amd64"), name("arm64"));
    let ids = [(&amd64, "for amd64"), (&arm64, "for arm64")].map(|(name, text)| {
        let id = docker.import(name, text);
        docker.run(&["push", name]).expect_success();
        docker.forget(name);
        id
    });
    docker.run(&["manifest", "create", "--insecure", &list, &amd64, &arm64]).expect_success();
    docker.run(&["manifest", "annotate", "--arch", "arm64", "--variant", "v8", &list, &arm64]).expect_success();
    let pushed = docker.run(&["manifest", "push", "--insecure", &list]).expect_success();

    let stored = registry::get_manifest(&server.client_of(ALICE), "team/list", "1").expect(200);
    assert_eq!(stored.header("Content-Type"), Some(media::DOCKER_LIST));
    assert_eq!(stored.header("Docker-Content-Digest"), Some(pushed.stdout.trim()), "{}", stored.text());
    for (platform, id) in ["linux/amd64", "linux/arm64/v8"].iter().zip(ids) {
        docker.run(&["pull", "--platform", platform, &list]).expect_success();
        assert_eq!(docker.image_id(&list), Some(id), "{platform}");
        docker.forget(&list);
    }
}

#[test]
fn docker_carries_a_windows_image_whose_first_layer_lies_elsewhere() {
    let server = Server::start(&Config::standard());
    let foreign = ForeignLayer::new("docker");
    let windows = samples::windows_image(Form::Docker, "docker", &foreign);
    let linux = samples::image_of(Form::Docker, Platform::LinuxAmd64, "docker");
    let client = server.client_of(ALICE);
    windows.push(&client, "team/windows", "1");
    linux.push(&client, "team/linux", "1");

    let docker = Docker::new();
    docker.login(&server.host(), ALICE).expect_success();
    let name = |name: &str| format!("{}/team/{name}:1", server.host());
    docker.run(&["manifest", "create", "--insecure", &name("both"), &name("windows"), &name("linux")]).expect_success();
    docker.run(&["manifest", "push", "--insecure", &name("both")]).expect_success();

    // What it passed on to the third repository is what the first two have.
    for image in [&windows, &linux] {
        image.assert_in(&client, "team/both", &image.top.digest);
    }
    registry::get_blob(&client, "team/both", &foreign.content().digest).expect_error(&[404], &["BLOB_UNKNOWN"]);
    docker.run(&["pull", &name("both")]).expect_success();
    assert_eq!(docker.image_id(&name("both")), Some(linux.config_digest()));
    let refused = docker.run(&["pull", &name("windows")]).expect_failure();
    assert!(refused.text().contains(r#"operating system "windows" cannot be used"#), "{}", refused.text());
}

/// The statuses of all exchanges with this method and the beginning of this target.
fn statuses(exchanges: &[Exchange], method: &str, target: &str) -> Vec<u16> {
    let matching = exchanges.iter().filter(|exchange| exchange.method == method && exchange.target.starts_with(target));
    matching.map(|exchange| exchange.status).collect()
}

/// Removes the manifest with the tag `1`, and all that it needs.
fn remove_all(server: &Server, repository: &str) {
    let client = server.client_of(ALICE);
    let manifest = registry::get_manifest(&client, repository, "1").expect(200);
    let digest = manifest.header("Docker-Content-Digest").unwrap();
    client.delete(&format!("/v2/{repository}/manifests/{digest}")).expect(202);
    let manifest = manifest.json();
    for blob in manifest["layers"].as_array().unwrap().iter().chain([&manifest["config"]]) {
        client.delete(&format!("/v2/{repository}/blobs/{}", blob["digest"].as_str().unwrap())).expect(202);
    }
}

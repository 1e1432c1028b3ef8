//! A real Docker daemon logs in, pushes and pulls.

use bulkhead_tests::config::Config;
use bulkhead_tests::docker::Docker;
use bulkhead_tests::registry;
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
    docker.run(&["rmi", &name]).expect_success();
    assert_eq!(docker.image_id(&name), None, "the local image is gone");
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
    let push = rita.run(&["push", &name]).expect_failure();
    assert!(push.text().contains("denied"), "{}", push.text());

    let sam = Docker::new();
    sam.login(&server.host(), SAM).expect_success();
    let pull = sam.run(&["pull", &name]).expect_failure();
    assert!(pull.text().contains("denied"), "{}", pull.text());
}

#[test]
fn docker_mounts_layers_that_another_repository_has() {
    let server = Server::start(&Config::standard());
    let docker = Docker::new();
    docker.login(&server.host(), ALICE).expect_success();
    let first = format!("{}/team/first:1", server.host());
    docker.import(&first, "mounted layers");
    docker.run(&["push", &first]).expect_success();

    let second = format!("{}/team/second:1", server.host());
    docker.run(&["tag", &first, &second]).expect_success();
    let push = docker.run(&["push", &second]).expect_success();
    assert!(push.text().contains("Mounted from team/first"), "{}", push.text());
}

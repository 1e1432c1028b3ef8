//! `docker login` with accounts of the server: docker keeps a refresh token in place of the password, and takes one for a password.

use bulkhead_tests::config::Config;
use bulkhead_tests::docker::Docker;
use bulkhead_tests::operator::{Operator, first_password};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use serde_json::Value;

/// The user whose password is a refresh token.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// What a client keeps of its login at this host.
fn kept(docker: &Docker, host: &str) -> (String, Value) {
    let text = std::fs::read_to_string(docker.auth_file()).unwrap();
    let login = serde_json::from_str::<Value>(&text).unwrap()["auths"][host].clone();
    (text, login)
}

#[test]
fn docker_keeps_a_refresh_token_in_place_of_the_password_until_the_account_is_gone() {
    let server = Server::start(&Config::accounts());
    let operator = Operator::of(&server);
    let admin = server.client().basic("admin", &first_password(&server));
    let pusher = operator.principal("AcrPush");
    let docker = Docker::new();
    docker.login_as(&server.host(), &pusher.name, &pusher.secret).expect_success();
    let (text, login) = kept(&docker, &server.host());
    let token = login["identitytoken"].as_str().unwrap_or_else(|| panic!("no refresh token in {text}")).to_owned();
    assert!(!text.contains(&pusher.secret));

    let name = format!("{}/team/app:1", server.host());
    let id = docker.import(&name, "a refresh token");
    docker.run(&["push", &name]).expect_success();
    docker.forget(&name);
    docker.run(&["pull", &name]).expect_success();
    assert_eq!(docker.image_id(&name), Some(id));

    // The token is a password, too: of nobody, or it would be the name's.
    let other = Docker::new();
    other.login_as(&server.host(), NOBODY, &token).expect_success();
    let second = format!("{}/team/app:2", server.host());
    other.run(&["tag", &name, &second]).expect_success();
    other.run(&["push", &second]).expect_success();
    Docker::new().login_as(&server.host(), &pusher.name, &token).expect_failure();
    Docker::new().login_as(&server.host(), NOBODY, &pusher.secret).expect_failure();
    assert_eq!(registry::tags(&admin, "team/app"), ["1", "2"]);

    operator.run(&["principal", "delete", "--id", &pusher.name]).expect_success();
    let third = format!("{}/team/app:3", server.host());
    docker.run(&["tag", &name, &third]).expect_success();
    for client in [&docker, &other] {
        client.run(&["push", &third]).expect_failure();
        client.run(&["pull", &name]).expect_failure();
    }
    Docker::new().login_as(&server.host(), NOBODY, &token).expect_failure();
    assert_eq!(registry::tags(&admin, "team/app"), ["1", "2"], "the refusals left no trace");
}

#[test]
fn a_login_of_docker_ends_with_the_password_that_it_was_made_with() {
    let server = Server::start(&Config::accounts());
    let operator = Operator::of(&server);
    let first = first_password(&server);
    let docker = Docker::new();
    docker.login_as(&server.host(), "admin", &first).expect_success();
    let name = format!("{}/team/app:1", server.host());
    docker.import(&name, "a renewed password");
    docker.run(&["push", &name]).expect_success();

    operator.run(&["credential", "renew", "--slot", "2"]).expect_success();
    docker.run(&["pull", &name]).expect_success();
    operator.run(&["credential", "renew", "--slot", "1"]).expect_success();
    docker.run(&["pull", &name]).expect_failure();
    // It holds over a restart, and over a new key.
    let again = Docker::new();
    let renewed = operator.json(&["credential", "renew", "--slot", "1"])["secret"].as_str().unwrap().to_owned();
    again.login_as(&server.host(), "admin", &renewed).expect_success();
    operator.run(&["keys", "rotate"]).expect_success();
    let mut server = server;
    server.restart();
    again.run(&["pull", &name]).expect_success();
    docker.run(&["pull", &name]).expect_failure();
}

#[test]
fn docker_logs_in_again_with_what_a_first_start_printed() {
    let mut server = Server::start_with_defaults();
    let password = first_password(&server);
    server.restart();
    let docker = Docker::new();
    docker.login_as(&server.host(), "admin", &password).expect_success();
    docker.login_as(&server.host(), "admin", "guessed").expect_failure();
    let (_, login) = kept(&docker, &server.host());
    assert!(login["identitytoken"].is_string(), "a login that fails leaves the one before: {login}");
}

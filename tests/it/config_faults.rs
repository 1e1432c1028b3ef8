//! A configuration with a fault: `serve` and `config check` stop with one clear message that says where it is.

use std::process::Command;

use bulkhead_tests::config::{Config, DISK, RULES, STAFF};
use bulkhead_tests::places;
use bulkhead_tests::programs;
use bulkhead_tests::server::Server;

/// Both commands fail, and say all of these words; what they said.
fn assert_stops(config: &Config, words: &[&str]) -> String {
    let mut server = Server::stopped(config);
    let file = server.config_file();
    let check = programs::run(
        Command::new(places::binary()).args(["config", "check", "--config"]).arg(&file).current_dir(server.folder()),
    );
    let check = check.expect_failure().text();
    let serve = server.try_start().expect_err("the server started in spite of the fault");
    for said in [&check, &serve] {
        for word in words.iter().chain(&["bulkhead.toml"]) {
            assert!(said.contains(word), "`{word}` is not in:\n{said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
    check
}

/// The number of the line that begins with this text, as `file:LINE` has it.
fn line_of(config: &Config, start: &str) -> String {
    let server = Server::stopped(config);
    let text = std::fs::read_to_string(server.config_file()).unwrap();
    let number =
        text.lines().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("`{start}` is not in:\n{text}")) + 1;
    format!("bulkhead.toml:{number}")
}

#[test]
fn a_good_configuration_passes_the_check() {
    let server = Server::stopped(&Config::standard());
    let mut check = Command::new(places::binary());
    programs::run(check.args(["config", "check", "--config"]).arg(server.config_file()).current_dir(server.folder()))
        .expect_success();
}

#[test]
fn a_configuration_file_that_is_not_there_is_named() {
    let ended =
        programs::run(Command::new(places::binary()).args(["serve", "--config", "/nowhere/bulkhead.toml"])).expect_failure();
    assert!(ended.text().contains("/nowhere/bulkhead.toml"), "{}", ended.text());
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let config = Config::standard().registry("storage", "\"disk");
    assert_stops(&config, &[&line_of(&config, "storage =")]);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_a_suggestion() {
    let config = Config::standard().registry("storrage", "\"disk\"");
    assert_stops(&config, &[&line_of(&config, "storrage ="), "storrage", "storage"]);
    let config = Config::standard().plugin("disk", &DISK.replace("component", "compnent"));
    assert_stops(&config, &[&line_of(&config, "compnent ="), "compnent", "component"]);
}

#[test]
fn all_faults_are_told_at_once() {
    let config = Config::standard().registry("storrage", "\"disk\"").plugin("staff", &STAFF.replace("component", "compnent"));
    assert_stops(&config, &["storrage", "compnent"]);
}

#[test]
fn a_name_that_no_plugin_bears_is_refused_with_its_line() {
    let config = Config::standard().registry("storage", "\"disc\"");
    assert_stops(&config, &[&line_of(&config, "storage ="), "disc", "disk"]);
    let config = Config::standard().registry("auth", "[\"staff\", \"ruels\"]");
    assert_stops(&config, &[&line_of(&config, "auth ="), "ruels"]);
}

#[test]
fn a_component_that_is_not_there_is_refused() {
    let config = Config::standard().guest("staff", std::path::Path::new("/nowhere/plugin.wasm"), "");
    assert_stops(&config, &["staff", &line_of(&config, "component = \"/nowhere"), "/nowhere/plugin.wasm"]);
    let config = Config::standard().plugin("staff", "component = \"builtin:auth-htpaswd\"");
    assert_stops(&config, &["staff", "auth-htpaswd", "auth-htpasswd"]);
}

#[test]
fn a_file_that_is_no_component_is_refused() {
    let folder = places::TempDir::new();
    let path = folder.path().join("plugin.wasm");
    for content in [&b"this is text"[..], b"", b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0 and then nonsense"] {
        std::fs::write(&path, content).unwrap();
        let config = Config::standard().guest("staff", &path, "");
        assert_stops(&config, &["staff", &line_of(&config, &format!("component = \"{}", path.display()))]);
    }
}

#[test]
fn a_component_without_the_export_that_its_place_needs_is_refused() {
    let config = Config::standard().guest("staff", &places::guest("hello-auth"), "config = { password = \"x\" }");
    let as_storage = config.registry("storage", "\"staff\"");
    assert_stops(&as_storage, &["staff", "storage"]);
    let config = Config::standard().registry("auth", "[\"disk\", \"rules\"]");
    assert_stops(&config, &["disk"]);
}

#[test]
fn settings_that_a_plugin_rejects_are_refused_with_its_words() {
    let config = Config::standard().guest("staff", &places::guest("hello-auth"), "config = { pasword = \"x\" }");
    assert_stops(&config, &["staff", &line_of(&config, "config = { pasword"), "password"]);
    let config = Config::standard().plugin("rules", &RULES.replace("actions = [\"pull\"]", "actions = [\"pul\"]"));
    assert_stops(&config, &["rules", "pul"]);
}

#[test]
fn a_grant_that_a_plugin_needs_and_lacks_is_named() {
    let config = Config::standard().plugin("disk", "component = \"builtin:storage-fs\"\nconfig = { root = \"/blobs\" }");
    assert_stops(&config, &["disk", "/blobs"]);
    let config = Config::standard().plugin("staff", "component = \"builtin:auth-htpasswd\"");
    assert_stops(&config, &["staff", "/users"]);
}

#[test]
fn a_granted_file_that_is_not_there_is_named() {
    let config = Config::standard().plugin("staff", &STAFF.replace("users.htpasswd", "missing.htpasswd"));
    assert_stops(&config, &["staff", "missing.htpasswd"]);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let config = Config::open();
    let first = Server::start(&config);
    let folder = places::TempDir::new();
    std::fs::write(folder.path().join("bulkhead.toml"), config.render(folder.path(), &first.host())).unwrap();
    let mut serve = Command::new(places::binary());
    let ended =
        programs::run(serve.args(["serve", "--config"]).arg(folder.path().join("bulkhead.toml")).current_dir(folder.path()));
    let said = ended.expect_failure().text();
    assert!(said.contains(&first.host()) && !said.contains("panicked"), "{said}");
}

//! Each kind of plugin is replaced by editing the configuration file, and by nothing else.

use bulkhead_tests::config::{Config, RULES};
use bulkhead_tests::docker::Docker;
use bulkhead_tests::image::Image;
use bulkhead_tests::places;
use bulkhead_tests::receiver::Receiver;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::ALICE;

#[test]
fn an_example_plugin_replaces_htpasswd_and_the_same_docker_login_follows_it() {
    let config = Config::standard();
    let mut server = Server::start(&config);
    let docker = Docker::new();
    docker.login(&server.host(), ALICE).expect_success();
    docker.login_as(&server.host(), "alice", "open sesame").expect_failure();

    server.write_config(&config.guest("staff", &places::guest("hello-auth"), "config = { password = \"open sesame\" }"));
    server.restart();
    docker.login(&server.host(), ALICE).expect_failure();
    docker.login_as(&server.host(), "alice", "open sesame").expect_success();
    let name = format!("{}/team/swapped:1", server.host());
    docker.import(&name, "a login of another kind");
    docker.run(&["push", &name]).expect_success();

    server.write_config(&Config::standard());
    server.restart();
    docker.login_as(&server.host(), "alice", "open sesame").expect_failure();
    docker.login(&server.host(), ALICE).expect_success();
}

#[test]
fn an_example_plugin_replaces_the_rules() {
    let mut server = Server::start(&Config::standard());
    registry::push_image(&server.client_of(ALICE), "team/app", "1", &Image::oci(1, &[10]));
    registry::get_manifest(&server.client(), "team/app", "1").expect(401);

    let policy = "config = { writers = [\"rita\"] }";
    server.write_config(&Config::standard().guest("rules", &places::guest("hello-policy"), policy));
    server.restart();
    registry::get_manifest(&server.client(), "team/app", "1").expect(200);
    server.client_of(ALICE).post("/v2/team/app/blobs/uploads/").expect_error(&[403], &["DENIED"]);

    server.write_config(&Config::standard().plugin("rules", RULES));
    server.restart();
    registry::get_manifest(&server.client(), "team/app", "1").expect(401);
}

#[test]
fn an_example_plugin_replaces_the_storage() {
    let storage = r#"config = { root = "/other" }
grants.directories = { "/other" = { path = "@DIR@/data/other", access = "read-write" } }"#;
    let config = Config::open()
        .without_plugin("disk")
        .guest("other", &places::guest("hello-storage"), storage)
        .registry("storage", "\"other\"");
    let mut server = Server::start(&config);
    let image = Image::oci(1, &[300_000, 5]);
    registry::push_image(&server.client(), "a/app", "1", &image);
    registry::assert_whole(&server.client(), "a/app", "1", &image);
    server.kill9();
    server.restart();
    registry::assert_whole(&server.client(), "a/app", "1", &image);
    let files = std::fs::read_dir(server.folder().join("data/other/objects")).unwrap().count();
    assert!(files >= 3, "two layers and a configuration lie where the example puts them");
    assert!(!server.folder().join("data/blobs").exists(), "nothing lies where the bundled storage would have put it");
}

#[test]
fn an_example_plugin_replaces_the_webhook() {
    let receiver = Receiver::start([]);
    let mut server = Server::start(&Config::open().webhook_http(&receiver.origin()));
    registry::push_image(&server.client(), "a/app", "1", &Image::oci(1, &[10]));
    let first = receiver.wait_until("the envelope", |received| received.iter().any(|request| !request.body.is_empty()));
    assert!(first[0].json()["events"].is_array(), "{:?}", first[0]);

    let lines = format!("grants.http = [\"{}\"]", receiver.origin());
    let config = Config::open().guest("chat", &places::guest("hello-webhook"), &lines).webhook(&format!(
        "name = \"chat\"\nplugin = \"chat\"\nactions = [\"push\"]\nscope = \"**\"\nconfig = {{ url = \"{}/chat\" }}",
        receiver.origin()
    ));
    server.write_config(&config);
    server.restart();
    registry::push_image(&server.client(), "a/app", "2", &Image::oci(2, &[10]));
    let all = receiver.wait_until("a line in the chat", |received| {
        received.iter().any(|request| request.target == "/chat" && String::from_utf8_lossy(&request.body).contains("pushed"))
    });
    assert!(all.len() >= 2);
}

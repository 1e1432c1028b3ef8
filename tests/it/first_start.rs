//! The first minutes of a newcomer: no configuration file, a login that is printed once.

use bulkhead_tests::image::Image;
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

/// Name and password of the `docker login` line that the server prints.
fn printed_login(server: &Server) -> Option<(String, String)> {
    let log = server.log().text();
    let line = log.lines().find(|line| line.contains("docker login"))?.to_owned();
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |options: [&str; 2]| {
        words
            .iter()
            .position(|word| options.contains(word))
            .map(|position| words[position + 1].trim_matches(['\'', '"']).to_owned())
    };
    Some((after(["-u", "--username"])?, after(["-p", "--password"])?))
}

#[test]
fn a_newcomer_logs_in_with_the_printed_line_pushes_and_pulls() {
    let server = Server::start_with_defaults();
    let (user, password) = printed_login(&server).unwrap_or_else(|| panic!("no login in:\n{}", server.log().text()));
    let client = server.client();
    client.get("/v2/").expect(401);
    let image = Image::docker(1, &[1000]);
    let admin = registry::with_token(&client.basic(&user, &password), &["repository:first/image:pull,push"]);
    registry::push_image(&admin, "first/image", "1", &image);
    registry::assert_whole(&admin, "first/image", "1", &image);
    registry::get_manifest(&client, "first/image", "1").expect(401);
    client.basic(&user, "guessed").get("/v2/").expect(401);
}

#[test]
fn the_login_is_printed_once_and_kept_only_as_a_hash() {
    let mut server = Server::start_with_defaults();
    let (user, password) = printed_login(&server).expect("the first start prints a login");
    let printed = server.log().text().matches(&password).count();
    server.restart();
    assert_eq!(server.log().text().matches(&password).count(), printed, "printed again");
    server.client().basic(&user, &password).get("/v2/").expect(200);
    server.stop();
    assert_in_no_file(&server.folder().join("data"), password.as_bytes());
}

fn assert_in_no_file(folder: &std::path::Path, secret: &[u8]) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_in_no_file(&path, secret);
        } else if let Ok(bytes) = std::fs::read(&path) {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "the password is in {}", path.display());
        }
    }
}

#[test]
fn the_start_says_address_plugins_and_how_to_go_on() {
    let server = Server::start_with_defaults();
    let said = server.log().text();
    for word in [server.host().as_str(), "storage-fs", "sha256:", "docker login", "docker push", "docker pull"] {
        assert!(said.contains(word), "`{word}` is not in:\n{said}");
    }
}

#[test]
fn health_and_readiness_are_answered() {
    let server = Server::start_with_defaults();
    server.client().get("/healthz").expect(200);
    server.client().get("/readyz").expect(200);
}

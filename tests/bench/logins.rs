//! The rows about logins: what a credential costs at each request, and how fast tokens are issued.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bulkhead_tests::config::Config;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::ALICE;
use bulkhead_tests::{places, programs};

use crate::connection::Connection;
use crate::rows::{Figures, REPOSITORY, Setting, fetch_manifest, manifest_request, prepare, repeat, timed};
use crate::servers::Contestant;

/// The house's password, which `hello-auth` compares as it is.
const PASSWORD: &str = "open sesame";

fn basic(user: &str, password: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{password}")))
}

/// A manifest by tag, with a password on every request, whose hash is of bcrypt's cost 10.
pub fn manifest_get_basic(_: &Contestant, setting: Setting, _: u64) -> Figures {
    let server = Server::start(&Config::standard());
    let mut htpasswd = Command::new("htpasswd");
    htpasswd.args(["-nbB", "-C", "10", ALICE.name, ALICE.password]);
    let line = programs::run(&mut htpasswd).expect_success().stdout;
    std::fs::write(server.folder().join("users.htpasswd"), line).expect("the server's folder can be written");
    let client = server.client_of(ALICE);
    let expected = prepare(&client);
    let request = manifest_request(client.address(), &basic(ALICE.name, ALICE.password));
    // The first one is checked, and what the plugin said of it is remembered from then on.
    fetch_manifest(&mut Connection::open(client.address()), &request, &expected);
    timed(server.pid(), || {
        repeat(
            32,
            setting.seconds,
            || Connection::open(client.address()),
            |connection, _| fetch_manifest(connection, &request, &expected),
        )
    })
}

/// Tokens for 32 people at once. Each is the work of two plugins, an authenticator and an authorizer, that let nothing be reused.
pub fn token(_: &Contestant, setting: Setting, _: u64) -> Figures {
    let config = Config::standard()
        .guest("staff", &places::guest("hello-auth"), &format!("config = {{ password = \"{PASSWORD}\" }}"))
        .guest("rules", &places::guest("hello-policy"), "config = { writers = [] }");
    let server = Server::start(&config);
    let (host, people) = (server.client().address(), AtomicU32::new(0));
    timed(server.pid(), || {
        repeat(
            32,
            setting.seconds,
            || {
                let user = format!("user{}", people.fetch_add(1, Ordering::Relaxed));
                let target = format!("/oauth2/token?service={host}&scope=repository:{REPOSITORY}:pull");
                let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{}\r\n", basic(&user, PASSWORD));
                (Connection::open(host), request.into_bytes())
            },
            |(connection, request), _| {
                let mut body = Vec::new();
                let head = connection.exchange_with(request, |piece| body.extend_from_slice(piece));
                assert_eq!(head.status, 200, "{}", String::from_utf8_lossy(&body));
            },
        )
    })
}

//! What a command sends, and what it makes of the answers of a server that is none.

use std::sync::{Arc, Mutex};

use clap::Parser;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::*;
use crate::data::ScratchDirectory;

/// Listens at the socket of a data directory, gives these answers in their order, and keeps what it was sent.
struct Server {
    folder: ScratchDirectory,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn answering(answers: &[(u16, Value)]) -> Self {
        let folder = ScratchDirectory::new().unwrap();
        let listener = UnixListener::bind(socket::path(folder.path())).unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&requests);
        let mut answers: std::vec::IntoIter<(u16, Value)> = Vec::from(answers).into_iter();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                // The client looks whether somebody listens before it sends anything.
                while !whole(&request) && stream.read_buf(&mut request).await.unwrap_or(0) > 0 {}
                if request.is_empty() {
                    continue;
                }
                kept.lock().unwrap().push(String::from_utf8(request).unwrap());
                let (status, body) = answers.next().expect("one answer for each request");
                let body = if body.is_null() { String::new() } else { body.to_string() };
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Self { folder, requests }
    }

    fn client(&self) -> Client {
        Client::local(&socket::path(self.folder.path()), self.folder.path(), Elsewhere::Possible).unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Whether a request is there with as many bytes as its head promises.
fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    body.len() >= length
}

fn problem(status: u16, detail: &str) -> (u16, Value) {
    (status, json!({ "type": "about:blank", "title": "No", "status": status, "detail": detail, "request": "0123456789abcdef" }))
}

#[tokio::test]
async fn a_change_is_sent_as_json_and_its_answer_read() {
    let server = Server::answering(&[(200, json!({ "name": "admin" })), (204, Value::Null)]);
    let client = server.client();
    let answer = client.call(Method::PATCH, "/api/v1/registries/r/admin", Some(&json!({ "status": "enabled" }))).await.unwrap();
    assert_eq!(answer, json!({ "name": "admin" }));
    assert_eq!(client.call(Method::DELETE, "/api/v1/registries/r/tokens/a", None).await.unwrap(), Value::Null);
    let requests = server.requests();
    assert!(requests[0].starts_with("PATCH /api/v1/registries/r/admin HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(
        requests[0].contains("content-type: application/json\r\n") && requests[0].ends_with("\r\n\r\n{\"status\":\"enabled\"}")
    );
    assert!(
        requests[1].starts_with("DELETE /api/v1/registries/r/tokens/a HTTP/1.1\r\n") && !requests[1].contains("content-type")
    );
    assert!(requests.iter().all(|request| request.contains("host: localhost\r\n") && !request.contains("authorization")));
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let server = Server::answering(&[
        (200, json!({ "value": [{ "name": "a" }, { "name": "b" }], "next": "b" })),
        (200, json!({ "value": [{ "name": "c" }] })),
    ]);
    let all = server.client().list("/api/v1/registries/r/tokens").await.unwrap();
    assert_eq!(all.len(), 3);
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /api/v1/registries/r/tokens?n=1000 "), "{}", requests[0]);
    assert!(requests[1].starts_with("GET /api/v1/registries/r/tokens?n=1000&after=b "), "{}", requests[1]);
}

#[tokio::test]
async fn a_list_that_does_not_end_is_none() {
    let page = (200, json!({ "value": [], "next": "b" }));
    let server = Server::answering(&[page.clone(), page]);
    assert!(matches!(server.client().list("/x").await, Err(AdminError::Strange { .. })));
}

#[tokio::test]
async fn a_refusal_is_one_sentence() {
    let cases = [
        (problem(404, "there is no token of this name here"), "there is no token of this name here"),
        (problem(401, "the password is wrong"), "does not let an anonymous caller in: the password is wrong"),
        (problem(403, "no rule lets you"), "do this: no rule lets you"),
        (problem(429, "too many logins failed"), "too many logins failed; try again in 7 s"),
        (problem(503, "not now"), "could not do it: not now (request 0123456789abcdef); its log says why"),
        ((405, json!({ "errors": [{ "code": "UNSUPPORTED", "message": "it is locked" }] })), "it is locked"),
        ((404, json!("<html>")), "does not understand (status 404"),
    ];
    let answers: Vec<_> = cases.iter().map(|(answer, _)| answer.clone()).collect();
    let server = Server::answering(&answers);
    let client = server.client();
    for (_, says) in &cases {
        let error = client.get("/x").await.unwrap_err().to_string();
        assert!(error.contains(says) && error.lines().count() == 1, "{error}");
    }
}

#[tokio::test]
async fn what_is_not_there_can_be_looked_for() {
    let server = Server::answering(&[problem(404, "no"), (200, json!({ "name": "m" })), problem(500, "no")]);
    let client = server.client();
    assert_eq!(client.find("/x").await.unwrap(), None);
    assert!(client.find("/x").await.unwrap().is_some());
    assert!(client.find("/x").await.is_err());
}

#[tokio::test]
async fn a_registry_of_another_name_is_told_from_one_that_has_not_what_was_asked_for() {
    let registry = Registry("contoso".parse().unwrap());
    let says = async |there: (u16, Value)| {
        let server = Server::answering(&[there]);
        let mut client = server.client();
        client.log_in(Login { user: "admin".to_owned(), password: "secret".to_owned() });
        let says = registry.asked(&client, Err(AdminError::Missing("no such token".to_owned()))).await;
        let says = says.map(|_| ()).unwrap_err().to_string();
        let request = server.requests().remove(0);
        assert!(request.starts_with("GET /api/v1/registries/contoso/principals?n=0 "), "{request}");
        assert!(request.contains("authorization: Basic YWRtaW46c2VjcmV0\r\n"), "{request}");
        says
    };
    assert!(says(problem(404, "nothing here")).await.contains("is not called contoso: say with --registry"));
    assert_eq!(says((200, json!({ "value": [] }))).await, "no such token");
}

#[tokio::test]
async fn that_no_server_is_running_is_told_with_what_to_do() {
    let folder = ScratchDirectory::new().unwrap();
    let to = |elsewhere: Elsewhere| {
        Client::local(&socket::path(folder.path()), folder.path(), elsewhere).map(|_| ()).unwrap_err().to_string()
    };
    let connect = || to(Elsewhere::Possible);
    let says = format!(
        "no server is running on the data directory {0}: start one with `bulkhead serve --data {0}`",
        folder.path().display()
    );
    assert!(connect().starts_with(&says) && connect().contains("--server"), "{}", connect());
    assert!(to(Elsewhere::Never).starts_with(&says) && !to(Elsewhere::Never).contains("--server"), "it has no such argument");
    drop(UnixListener::bind(socket::path(folder.path())).unwrap());
    assert!(connect().starts_with(&says), "a socket that nobody listens at: {}", connect());
    let long = folder.path().join("d".repeat(200));
    assert!(matches!(Client::local(&socket::path(&long), &long, Elsewhere::Possible), Err(AdminError::Socket { .. })));
}

#[test]
fn a_password_is_the_first_line_and_has_an_end() {
    let read = |text: &str| first_line(text.as_bytes());
    assert_eq!(read("secret\nrest").unwrap(), "secret");
    assert_eq!(read("with space \r\n").unwrap(), "with space ");
    assert!(matches!(read(""), Err(AdminError::NoPassword)) && matches!(read("\nsecret"), Err(AdminError::NoPassword)));
    assert!(matches!(read(&"x".repeat(8 * 1024 + 1)), Err(AdminError::Password(_))));
    assert!(read(&"x".repeat(8 * 1024)).is_ok());
}

/// A command line of nothing but a server.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    target: Target,
}

#[test]
fn the_data_directory_is_the_configurations_unless_the_command_line_names_one() {
    let folder = ScratchDirectory::new().unwrap();
    let file = folder.path().join("c.toml");
    let plugin = "component = 'builtin:storage-fs'\n";
    std::fs::write(
        &file,
        format!("[server]\ndata = 'd'\n[plugins.p]\n{plugin}[registries.default]\nstorage = 'p'\nauth = ['p']\n"),
    )
    .unwrap();
    let says = |arguments: &[&str]| {
        let line = Line::parse_from(std::iter::once("x").chain(arguments.iter().copied()));
        line.target.server.connect().map(|_| ()).unwrap_err().to_string()
    };
    let config = file.to_str().unwrap();
    assert!(says(&["--config", config]).contains(&format!("data directory {}/d:", folder.path().display())));
    assert!(says(&["--config", config, "--data", "/nowhere"]).contains("data directory /nowhere:"));
    assert!(says(&["--config", "/nowhere/c.toml"]).starts_with("the configuration file /nowhere/c.toml cannot be read"));
}

#[test]
fn an_account_is_shown_with_its_passwords() {
    let account: Account = serde_json::from_value(json!({
        "name": "ci", "kind": "token", "display-name": "", "status": "enabled", "roles": [], "scope-map": "apps",
        "created": "2026-11-24T14:15:00Z", "secret": "S3CRET",
        "secrets": [{ "slot": 1, "id": "00", "created": "2026-11-24T14:15:00Z", "expires": "2027-11-24T14:15:00Z" }, { "slot": 2, "id": "01", "created": "2026-11-24T14:15:00Z" }]
    }))
    .unwrap();
    assert_eq!(
        account.text(),
        "\
name       ci
status     enabled
scope map  apps
created    2026-11-24T14:15:00Z
passwords  1: made 2026-11-24T14:15:00Z, until 2027-11-24T14:15:00Z
           2: made 2026-11-24T14:15:00Z, no end

The password, shown this once; only a salted hash of it is kept:

  S3CRET

Log in with: docker login -u ci -p PASSWORD HOST
"
    );
    let admin = json!({ "name": "admin", "aliases": ["r"], "status": "disabled", "secrets": [] });
    let text = serde_json::from_value::<Account>(admin).unwrap().text();
    assert_eq!(text, "name       admin\nalso       r\nstatus     disabled\npasswords  none: nobody can log in\n");
}

#[tokio::test]
async fn accounts_are_a_table() {
    let client = Server::answering(&[]).client();
    let accounts = [
        json!({ "name": "6f", "display-name": "build\u{1b}[2J server", "status": "enabled", "roles": ["AcrPush", "AcrDelete"], "secrets": [{ "slot": 1, "created": "2026-11-24T14:15:00Z", "expires": "2027-11-24T14:15:00Z" }, { "slot": 2, "created": "2026-11-24T14:15:00Z" }] }),
        json!({ "name": "7", "status": "disabled", "roles": [], "scope-map": "apps" }),
    ];
    assert_eq!(
        account::table(&client, &accounts, "there is none").unwrap(),
        "\
NAME  DISPLAY NAME      STATUS    ROLES               SCOPE MAP  PASSWORDS
6f    build\u{fffd}[2J server  enabled   AcrPush, AcrDelete             1 until 2027-11-24; 2
7                       disabled                      apps
"
    );
    assert_eq!(account::table(&client, &[], "there is none").unwrap(), "there is none\n");
    assert!(matches!(account::table(&client, &[json!({})], ""), Err(AdminError::Strange { .. })));
}

/// A token with its first password, in this state.
fn token(status: &str) -> (u16, Value) {
    let secrets = json!([{ "slot": 1, "created": "2026-11-24T14:15:00Z" }]);
    (200, json!({ "name": "ci", "status": status, "secrets": secrets }))
}

fn holder() -> Holder {
    let say = str::to_owned;
    Holder { path: say("/x"), missing: say("there is no ci"), enable: say("enable ci"), renew: say("renew ci") }
}

/// The second password, and no end.
#[derive(Parser)]
struct Second {
    #[command(flatten)]
    slot: SlotArgs,
    #[command(flatten)]
    expiry: Expiry,
}

impl Second {
    fn new(slot: &str) -> Self {
        Self::parse_from(["x", "--slot", slot])
    }
}

#[tokio::test]
async fn a_new_password_is_shown_with_what_became_of_the_one_before() {
    for (slot, status, says) in [
        ("1", "enabled", "the one that was there before lets nobody in any more"),
        ("2", "enabled", "there was none there before"),
        ("2", "disabled", "ci is disabled, so no password lets it in. Enable it with: enable ci"),
    ] {
        let number: u8 = slot.parse().unwrap();
        let server = Server::answering(&[token(status), (201, json!({ "name": "ci", "slot": number, "secret": "S3CRET" }))]);
        let Second { slot, expiry } = Second::new(slot);
        let text = holder().renew(&server.client(), &slot, &expiry).await.unwrap().text;
        assert!(text.starts_with(&format!("password {number} of ci, without an end; ")), "{text}");
        assert!(text.contains("\n  S3CRET\n") && text.contains(says), "{text}");
        assert_eq!(text.contains("disabled"), status == "disabled", "{text}");
    }
}

#[tokio::test]
async fn what_has_no_password_or_is_not_there_is_told_in_a_commands_own_words() {
    let server = Server::answering(&[(404, json!({ "detail": "PATCH it" })), token("enabled"), (404, json!({ "detail": "no" }))]);
    let (client, Second { slot, .. }) = (server.client(), Second::new("2"));
    let says = async || holder().withdraw(&client, &slot).await.map(|_| ()).unwrap_err().to_string();
    assert_eq!(says().await, "there is no ci");
    assert_eq!(says().await, "ci has no password 2: it has password 1");
    let without = holder().shown(&client, json!({ "name": "ci", "status": "enabled", "secrets": [] })).unwrap().text;
    assert!(without.ends_with("\nMake a password with: renew ci\n"), "{without}");
}

#[tokio::test]
async fn an_unknown_registry_at_the_socket_is_told_with_those_that_there_are() {
    let there = (404, json!({ "detail": "this server has no registry nosuch; there are: contoso" }));
    let server = Server::answering(&[there]);
    let registry = Registry("nosuch".parse().unwrap());
    let outcome = registry.asked(&server.client(), Err(AdminError::Missing("there is no token ci".to_owned()))).await;
    let says = outcome.map(|_| ()).unwrap_err().to_string();
    assert_eq!(says, "this server has no registry nosuch; there are: contoso; say one of them with --registry");
}

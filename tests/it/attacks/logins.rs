//! Guessing passwords: how often it may fail, that nobody is asked beyond that, that neither the answer nor its time tells who exists, and
//! that no guess is written down.

use std::time::{Duration, Instant};

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::receiver::{Answer, Receiver};
use bulkhead_tests::registry::{self, post_form, send_json};
use bulkhead_tests::users::ALICE;
use serde_json::json;

use super::{ACCOUNTS, NOBODY, World, config, refresh, refresh_token};

/// As often as one account may fail from one source, unless set otherwise.
const AT_ONCE: usize = 10;

/// A service that knows nobody's password, asked by the chain after `staff`, and not so soon asked again.
fn asking(settings: &str) -> (Receiver, World) {
    let service = Receiver::start((0..10_000).map(|_| Answer::Status(401)));
    let company = format!(
        "component = \"builtin:auth-http\"\nconfig.url = \"{0}/login\"\nconfig.credentials = [\"basic\", \"bearer\"]\ngrants.http = [\"{0}\"]",
        service.origin()
    );
    let config = config()
        .plugin("company", &company)
        .registry("auth", "[\"staff\", \"company\", \"rules\"]")
        .server("failed-logins", &format!("{{ window = \"24h\", answer-after = \"0s\" {settings} }}"));
    (service, World::with(config))
}

/// Told to come back later, and nothing else.
fn assert_stopped(what: &str, answer: &Response) {
    assert_eq!(answer.status, 429, "{what}: {answer:?}\n{}", answer.text());
    let wait = answer.header("Retry-After").and_then(|wait| wait.parse::<u64>().ok());
    assert!(wait.is_some_and(|seconds| (1..=24 * 3600).contains(&seconds)), "{what}: {answer:?}");
    assert_eq!(answer.code().as_deref(), Some("TOOMANYREQUESTS"), "{what}: {}", answer.text());
    assert_eq!(answer.header("WWW-Authenticate"), None, "{what}");
}

fn password_grant(client: &Client, user: &str, password: &str) -> Response {
    let fields = [("grant_type", "password"), ("service", "x"), ("username", user), ("password", password)];
    post_form(client, "/oauth2/token", &fields)
}

#[test]
fn after_ten_wrong_passwords_nobody_is_asked_any_more() {
    let (service, world) = asking("");
    let client = world.server.client();
    let guess = |number: usize| client.basic("mallory", &format!("guess {number}"));
    for number in 0..AT_ONCE {
        match number % 3 {
            0 => guess(number).get("/v2/team/app/manifests/1").expect(401),
            1 => registry::ask_for_token(&guess(number), &["repository:team/app:pull"]).expect(401),
            _ => password_grant(&client, "mallory", &format!("guess {number}")).expect(401),
        };
    }
    assert_eq!(service.received().len(), AT_ONCE);
    for number in 0..5 {
        assert_stopped("a request", &guess(100 + number).get("/v2/team/app/manifests/1"));
        assert_stopped("a push", &guess(100 + number).post("/v2/team/app/blobs/uploads/"));
        assert_stopped("a token by GET", &registry::ask_for_token(&guess(100), &["repository:team/app:pull"]));
        assert_stopped("a token by POST", &password_grant(&client, "mallory", "guess"));
        assert_stopped("another case", &client.basic("MALLORY", "guess").get("/v2/"));
    }
    assert_eq!(service.received().len(), AT_ONCE, "somebody was asked");
    // Others are not held up.
    client.basic("somebody", "else").get("/v2/").expect(401);
    assert_eq!(service.received().len(), AT_ONCE + 1);
    world.alice().get("/v2/").expect(200);
    world.assert_untouched();
}

#[test]
fn the_right_password_is_not_told_from_a_wrong_one_once_there_were_too_many() {
    let world = World::with(config().server("failed-logins", "{ window = \"24h\", answer-after = \"0s\" }"));
    let client = world.server.client();
    for number in 0..AT_ONCE {
        client.basic("rita", &format!("guess {number}")).get("/v2/").expect(401);
    }
    assert_stopped("a wrong one", &client.basic("rita", "guess").get("/v2/team/app/manifests/1"));
    let right = registry::get_manifest(&world.rita(), "team/app", "1");
    assert_stopped("the right one", &right);
    world.assert_untouched();
}

#[test]
fn a_word_of_the_client_s_own_about_where_it_is_does_not_help() {
    let (service, world) = asking("");
    let send = |number: usize| {
        let from = format!("198.51.100.{number}");
        let request = world.server.client().basic("mallory", &format!("guess {number}")).request("GET", "/v2/");
        let request = request.header("X-Forwarded-For", &from).header("X-Real-IP", &from);
        request.header("Forwarded", &format!("for={from}")).header("Client-IP", &from).header("X-Client-IP", &from).send()
    };
    for number in 0..AT_ONCE {
        send(number).expect(401);
    }
    for number in AT_ONCE..2 * AT_ONCE {
        assert_stopped("another address", &send(number));
    }
    assert_eq!(service.received().len(), AT_ONCE, "somebody was asked");
    world.assert_untouched();
}

#[test]
fn behind_a_proxy_it_is_the_last_address_that_counts() {
    let service = Receiver::start((0..10_000).map(|_| Answer::Status(401)));
    let company =
        format!("component = \"builtin:auth-http\"\nconfig.url = \"{0}/login\"\ngrants.http = [\"{0}\"]", service.origin());
    let world = World::with(
        config()
            .plugin("company", &company)
            .registry("auth", "[\"staff\", \"company\", \"rules\"]")
            .server("proxies", "[\"127.0.0.1\", \"192.0.2.0/24\"]")
            .server("failed-logins", "{ window = \"24h\", answer-after = \"0s\" }"),
    );
    let send = |number: usize, from: &str| {
        let request = world.server.client().basic("mallory", &format!("guess {number}")).request("GET", "/v2/");
        request.header("X-Forwarded-For", from).send()
    };
    for number in 0..AT_ONCE {
        // What stands before it is the client's own word; what comes behind are proxies that are known.
        send(number, &format!("203.0.113.{number}, 198.51.100.1, 192.0.2.{number}")).expect(401);
    }
    assert_stopped("the same one", &send(50, "203.0.113.50, 198.51.100.1"));
    assert_stopped("the same one", &send(51, "198.51.100.1, 192.0.2.77"));
    assert_eq!(service.received().len(), AT_ONCE);
    send(52, "198.51.100.2").expect(401);
    assert_eq!(service.received().len(), AT_ONCE + 1, "another client of the proxy is another source");
    world.assert_untouched();
}

#[test]
fn many_names_from_one_source_are_stopped_as_well() {
    let (service, world) = asking(", per-source = 20");
    let client = world.server.client();
    for number in 0..10 {
        client.basic(&format!("user{number}"), "password1").get("/v2/").expect(401);
        client.bearer(&format!("token{number}")).get("/v2/").expect(401);
    }
    assert_eq!(service.received().len(), 20);
    assert_stopped("another name", &client.basic("user99", "password1").get("/v2/"));
    assert_stopped("another token", &client.bearer("token99").get("/v2/"));
    assert_stopped(
        "an exchange",
        &post_form(&client, "/oauth2/exchange", &[("grant_type", "access_token"), ("access_token", "x")]),
    );
    assert_eq!(service.received().len(), 20, "somebody was asked");
    // Nobody needs a login for what is public, and who has one that is known goes on.
    client.get("/healthz").expect(200);
    client.get("/v2/").expect(401);
    world.alice().get("/v2/").expect(200);
    world.assert_untouched();
}

#[test]
fn refresh_tokens_are_guessed_no_more_often() {
    let (service, world) = asking(", per-source = 5");
    let client = world.server.client();
    let good = refresh_token(&world.alice());
    for number in 0..5 {
        let guess = format!("eyJhbGciOiJFUzI1NiJ9.e30.guess{number}");
        match number % 2 {
            0 => refresh(&client, &guess, "repository:secret/app:pull").expect(401),
            _ => client.basic(NOBODY, &guess).get("/v2/secret/app/manifests/1").expect(401),
        };
    }
    assert_stopped("a guess", &refresh(&client, "guess", "repository:secret/app:pull"));
    assert_stopped("a guess", &client.basic(NOBODY, "guess").get("/v2/secret/app/manifests/1"));
    assert_stopped("a good one", &refresh(&client, &good, "repository:secret/app:pull"));
    assert!(service.received().is_empty(), "{:?}", service.received());
    world.assert_untouched();
}

/// What a client sees, and whether it had to wait.
fn timed(send: impl Fn() -> Response) -> (u16, String, Duration) {
    let begun = Instant::now();
    let answer = send();
    (answer.status, answer.text(), begun.elapsed())
}

/// Logs in with this password, in one of the ways there are.
type Way<'a> = dyn Fn(&str) -> Response + Sync + 'a;

#[test]
fn neither_the_answer_nor_its_time_tells_an_unknown_user_from_a_wrong_password() {
    const LEAST: Duration = Duration::from_millis(500);
    // As it is where nothing is set.
    let chain = "[\"accounts\", \"staff\", \"rules\"]";
    let world = World::with(config().plugin("accounts", ACCOUNTS).registry("auth", chain));
    let principals = "/api/v1/registries/default/principals";
    let made = send_json(&world.alice(), "POST", principals, &json!({ "roles": ["AcrPull"] })).expect(201).json();
    let disabled = send_json(&world.alice(), "POST", principals, &json!({ "roles": ["AcrPull"] })).expect(201).json();
    let (principal, disabled) = (made["name"].as_str().unwrap(), disabled["name"].as_str().unwrap());
    send_json(&world.alice(), "PATCH", &format!("{principals}/{disabled}"), &json!({ "status": "disabled" })).expect(200);
    let client = world.server.client();
    let users = ["alice", "nobody-of-this-name", principal, disabled, "admin", "00000000-0000-4000-8000-000000000000", ""];
    let ways: [(&str, &Way<'_>); 3] = [
        ("a request", &|user| client.basic(user, "wrong").get("/v2/team/app/manifests/1")),
        ("a token by GET", &|user| registry::ask_for_token(&client.basic(user, "wrong"), &["repository:team/app:pull"])),
        ("a token by POST", &|user| password_grant(&client, user, "wrong")),
    ];
    for (what, way) in ways {
        let answers: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = users.iter().map(|user| scope.spawn(move || timed(|| way(user)))).collect();
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        for (user, (status, text, took)) in users.iter().zip(&answers) {
            assert_eq!(*status, 401, "{what} as {user:?}: {text}");
            assert_eq!(*text, answers[0].1, "{what} as {user:?}");
            assert!(*took >= LEAST, "{what} as {user:?} was answered after {took:?}");
        }
    }
    world.assert_untouched();
}

/// Every text that is kept below the folder: files as they are.
fn files_with(folder: &std::path::Path, wanted: &str) -> Vec<std::path::PathBuf> {
    let mut files = std::collections::BTreeMap::new();
    super::files_below(folder, &mut files);
    let has = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
    };
    files.into_keys().filter(has).collect()
}

#[test]
fn a_guess_is_written_down_without_the_password() {
    let mut world = World::new();
    // No part of it looks like anything else.
    let (guess, right) = ("qx7-wrong-guess-71c2", ALICE.password);
    let client = world.server.client();
    client.basic("alice", guess).get("/v2/secret/app/manifests/1").expect(401);
    registry::ask_for_token(&client.basic("alice", guess), &["repository:secret/app:pull"]).expect(401);
    password_grant(&client, "alice", guess).expect(401);
    let token = refresh_token(&world.alice());
    world.server.stop();
    let data = world.server.folder().join("data");
    let audit: Vec<_> = std::fs::read_dir(data.join("audit")).unwrap().flatten().map(|entry| entry.path()).collect();
    let lines: String = audit.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let refused: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused = refused.iter().filter(|line| line["claimed"] == "alice" && line["outcome"] == "refused").count();
    assert_eq!(refused, 3, "{lines}");
    let encoded = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("alice:{guess}"))
    };
    for secret in [guess, right, &encoded, &token] {
        assert!(!world.server.log().text().contains(secret), "the log has {secret}");
        assert_eq!(files_with(&data, secret), Vec::<std::path::PathBuf>::new(), "{secret}");
    }
    world.server.restart();
    world.assert_untouched();
}

/// A server that has not been told anything about failed logins bounds them all the same.
#[test]
fn guessing_is_bounded_where_nothing_is_set() {
    let world = World::with(Config::standard().plugin("rules", super::RULES));
    let client = world.server.client();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guess = |number: usize| client.basic("alice", &format!("guess {number}")).get("/v2/").status;
        let running: Vec<_> = (0..40).map(|number| scope.spawn(move || guess(number))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let (failed, stopped) =
        (statuses.iter().filter(|status| **status == 401).count(), statuses.iter().filter(|status| **status == 429).count());
    assert_eq!(failed + stopped, 40, "{statuses:?}");
    // One more comes back each six seconds.
    assert!((AT_ONCE..2 * AT_ONCE).contains(&failed), "{statuses:?}");
    world.assert_untouched();
}

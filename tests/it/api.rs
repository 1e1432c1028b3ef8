//! `/api/v1/` over the network, as an administrator, and as everybody else.

use std::process::Command;

use bulkhead_tests::config::Config;
use bulkhead_tests::http::{Client, Response};
use bulkhead_tests::operator::{Account, Operator, first_password};
use bulkhead_tests::places;
use bulkhead_tests::programs;
use bulkhead_tests::registry::{self, send_json};
use bulkhead_tests::server::Server;
use serde_json::{Value, json};

const HERE: &str = "/api/v1/registries/default";

fn started() -> (Server, Client) {
    let server = Server::start(&Config::accounts());
    let admin = server.client().basic("admin", &first_password(&server));
    (server, admin)
}

/// The answer is a refusal of this status in the form of RFC 9457; returns what it says.
fn problem(answer: &Response, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("Content-Type"), Some("application/problem+json"));
    let body = answer.json();
    assert_eq!((body["status"].as_u64(), body["type"].as_str()), (Some(status.into()), Some("about:blank")), "{body}");
    body["detail"].as_str().unwrap_or_else(|| panic!("no detail in {body}")).to_owned()
}

#[test]
fn an_administrator_looks_after_accounts() {
    let (server, admin) = started();
    let map = json!({ "scopes": [{ "repositories": "apps/*", "rights": ["content/read", "metadata/read"] }] });
    send_json(&admin, "PUT", &format!("{HERE}/scope-maps/apps"), &map).expect(201);
    send_json(&admin, "PUT", &format!("{HERE}/scope-maps/apps"), &map).expect(200);
    let made = send_json(&admin, "POST", &format!("{HERE}/tokens"), &json!({ "name": "ci", "scope-map": "apps" })).expect(201);
    assert_eq!(made.header("Location"), Some(format!("{HERE}/tokens/ci").as_str()));
    assert_eq!(made.header("Cache-Control"), Some("no-store"));
    let token = Account::read(&made.json());
    server.client().basic(&token.name, &token.secret).get("/v2/").expect(200);

    let body = json!({ "display-name": "build", "roles": ["AcrPull"], "expires-in-days": 1 });
    let made = send_json(&admin, "POST", &format!("{HERE}/principals"), &body).expect(201).json();
    let principal = Account::read(&made);
    let place = format!("{HERE}/principals/{}", principal.name);
    let changed = send_json(&admin, "PATCH", &place, &json!({ "roles": ["AcrPush"] })).expect(200).json();
    assert_eq!(changed["roles"], json!(["AcrPush"]));
    assert!(changed.get("secret").is_none());
    let second = send_json(&admin, "POST", &format!("{place}/secrets/2"), &json!({})).expect(201).json();
    let second = Account::read(&second);
    server.client().basic(&second.name, &second.secret).get("/v2/").expect(200);
    admin.delete(&format!("{place}/secrets/1")).expect(204);
    server.client().basic(&principal.name, &principal.secret).get("/v2/").expect(401);
    let listed = admin.get(&format!("{HERE}/principals")).expect(200).json();
    assert_eq!(listed["value"][0]["name"], principal.name.as_str());
    admin.delete(&place).expect(204);
    problem(&admin.get(&place), 404);
    server.client().basic(&second.name, &second.secret).get("/v2/").expect(401);

    let explained =
        send_json(&admin, "POST", &format!("{HERE}/explain"), &json!({ "user": "ci", "action": "pull", "repository": "apps/x" }));
    assert_eq!(explained.expect(200).json()["ruling"], "allowed");
}

#[test]
fn a_list_goes_on_page_by_page() {
    let (_server, admin) = started();
    send_json(
        &admin,
        "PUT",
        &format!("{HERE}/scope-maps/m"),
        &json!({ "scopes": [{ "repositories": "a", "rights": ["content/read"] }] }),
    )
    .expect(201);
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        send_json(&admin, "POST", &format!("{HERE}/tokens"), &json!({ "name": name, "scope-map": "m" })).expect(201);
    }
    let (mut found, mut target) = (Vec::new(), format!("{HERE}/tokens?n=2"));
    loop {
        let page = admin.get(&target).expect(200).json();
        found.extend(page["value"].as_array().unwrap().iter().map(|account| account["name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => target = format!("{HERE}/tokens?n=2&after={next}"),
            None => break,
        }
    }
    assert_eq!(found, names);
}

#[test]
fn who_may_not_administer_changes_and_learns_nothing() {
    let (server, admin) = started();
    let operator = Operator::of(&server);
    let password = first_password(&server);
    let pusher = operator.principal("AcrPush");
    let contributor = operator.principal("Contributor");
    let body = json!({ "roles": ["Owner"] });
    let others = [&pusher, &contributor].map(|account| server.client().basic(&account.name, &account.secret));
    for client in [server.client(), server.client().basic("admin", "guessed"), others[0].clone(), others[1].clone()] {
        let tried = [
            send_json(&client, "POST", &format!("{HERE}/principals"), &body),
            send_json(&client, "PATCH", &format!("{HERE}/principals/{}", pusher.name), &body),
            send_json(&client, "POST", &format!("{HERE}/principals/{}/secrets/1", pusher.name), &json!({})),
            send_json(&client, "POST", &format!("{HERE}/admin/secrets/1"), &json!({})),
            client.delete(&format!("{HERE}/principals/{}", pusher.name)),
            client.get(&format!("{HERE}/admin")),
            client.get(&format!("{HERE}/principals")),
            client.get(&format!("{HERE}/principals/{}", pusher.name)),
        ];
        for answer in tried {
            let said = problem(&answer, if answer.status == 403 { 403 } else { 401 });
            assert!(!said.contains(&pusher.name), "{said}");
        }
    }
    let challenge = server.client().get(&format!("{HERE}/admin")).expect(401);
    assert_eq!(registry::challenge(&challenge).scope.as_deref(), Some("registry:administration:*"));
    let listed = admin.get(&format!("{HERE}/principals")).expect(200).json();
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(2), "the refusals left no trace");
    let shown = admin.get(&format!("{HERE}/principals/{}", pusher.name)).expect(200).json();
    assert_eq!(shown["roles"], json!(["AcrPush"]), "the refusals left no trace");
    server.client().basic("admin", &password).get("/v2/").expect(200);
    server.client().basic(&pusher.name, &pusher.secret).get("/v2/").expect(200);
    // An owner may, and so may whoever has a token for it.
    let owner = operator.principal("Owner");
    let owner = server.client().basic(&owner.name, &owner.secret);
    owner.get(&format!("{HERE}/admin")).expect(200);
    registry::with_token(&owner, &["registry:administration:*"]).get(&format!("{HERE}/admin")).expect(200);
    problem(&registry::with_token(&owner, &["registry:catalog:*"]).get(&format!("{HERE}/admin")), 401);
}

#[test]
fn an_administrator_reaches_no_other_registry_and_no_key() {
    let server = Server::start(&Config::accounts().other_registry("other.test"));
    let admin = server.client().basic("admin", &first_password(&server));
    problem(&admin.get("/api/v1/registries/other/admin"), 404);
    problem(&admin.get("/api/v1/registries/nowhere/admin"), 404);
    problem(&send_json(&admin, "POST", "/api/v1/registries/other/principals", &json!({ "roles": ["Owner"] })), 404);
    problem(&admin.host("other.test").get("/api/v1/registries/other/admin"), 401);
    let keys = server.client().get("/oauth2/keys").expect(200).body;
    problem(&admin.post("/api/v1/keys/rotate"), 404);
    assert_eq!(server.client().get("/oauth2/keys").expect(200).body, keys, "the refusal left no trace");
    let listed = Operator::of(&server).json(&["principal", "list", "--registry", "other"]);
    assert_eq!(listed.as_array().map(Vec::len), Some(0), "the refusal left no trace");
}

#[test]
fn what_cannot_be_is_refused_with_a_word_on_what_is_wrong() {
    let (_server, admin) = started();
    let wrong: [(&str, &str, Value, u16, &str); 6] = [
        ("POST", "principals", json!({ "rols": ["AcrPull"] }), 400, "rols"),
        ("POST", "principals", json!({ "roles": ["AcrPul"] }), 422, "AcrPul"),
        ("POST", "principals", json!({ "roles": ["AcrPull"], "scope-map": "none" }), 422, "scope map"),
        ("POST", "tokens", json!({ "name": "admin", "scope-map": "m" }), 422, "admin"),
        ("PUT", "scope-maps/m", json!({ "scopes": [{ "repositories": "A", "rights": ["content/read"] }] }), 422, "A"),
        ("PATCH", "admin", json!({ "status": "retired" }), 422, "retired"),
    ];
    for (method, place, body, status, word) in wrong {
        let answer = send_json(&admin, method, &format!("{HERE}/{place}"), &body);
        assert!([400, status].contains(&answer.status), "{method} {place} {body}: {}", answer.text());
        let said = problem(&answer, answer.status);
        assert!(said.contains(word), "{method} {place} {body}: {said}");
    }
    problem(&admin.request("POST", &format!("{HERE}/principals")).body("{}").send(), 415);
    for list in ["principals", "tokens", "scope-maps"] {
        let listed = admin.get(&format!("{HERE}/{list}")).expect(200).json();
        assert_eq!(listed["value"], json!([]), "the refusals left no trace");
    }
}

#[test]
fn the_command_line_does_it_from_elsewhere_with_a_password() {
    let (server, _admin) = started();
    let (url, password) = (format!("http://{}", server.host()), first_password(&server));
    let remote = |arguments: &[&str]| {
        let mut command = Command::new(places::binary());
        command.args(arguments).args(["--server", &url, "--user", "admin", "--output", "json"]);
        command.env_remove("BULKHEAD_PASSWORD");
        command
    };
    let create = ["principal", "create", "--role", "AcrPull"];
    let made = programs::run(remote(&create).env("BULKHEAD_PASSWORD", &password)).expect_success().stdout;
    let made = Account::read(&serde_json::from_str(&made).unwrap());
    let input = format!("{password}\n");
    let listed =
        programs::run_with_input(remote(&["principal", "list"]).arg("--password-stdin"), input.as_bytes()).expect_success();
    assert!(listed.stdout.contains(&made.name));

    let refused = programs::run(remote(&create).env("BULKHEAD_PASSWORD", "guessed")).expect_failure();
    assert_eq!(refused.status.code(), Some(1), "{}", refused.text());
    let silent = programs::run(&mut remote(&create)).expect_failure();
    assert!(silent.stderr.contains("BULKHEAD_PASSWORD"), "{}", silent.stderr);
    assert_eq!(
        Operator::of(&server).json(&["principal", "list"]).as_array().map(Vec::len),
        Some(1),
        "the refusals left no trace"
    );
}

//! `auth-http`: an HTTP service of the operator's own says who a caller is, and what it may do.

use bulkhead_tests::config::Config;
use bulkhead_tests::image::Image;
use bulkhead_tests::receiver::{Answer, Received, Receiver};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;
use bulkhead_tests::users::ALICE;
use serde_json::{Value, json};

const SECRET: &str = "what the service knows us by";

/// A company with one employee, who may push to the repositories of her team and pull everything.
fn company(request: &Received) -> Answer {
    if request.header("authorization") != Some(&format!("Bearer {SECRET}")) {
        return Answer::Status(400);
    }
    let question = request.json();
    match request.target.as_str() {
        "/login" => login(&question["credential"]),
        "/rules" => rules(&question),
        _ => Answer::Status(404),
    }
}

fn login(credential: &Value) -> Answer {
    match (credential["user"].as_str(), credential["secret"].as_str()) {
        (Some("erin"), Some("swordfish")) => Answer::Json(
            json!({ "user": "erin", "groups": ["build"], "claims": { "team": "blue" }, "reuse-seconds": 0 }).to_string(),
        ),
        (Some("erin"), _) => Answer::Status(403),
        (Some("broken"), _) => Answer::Json(r#"{"user": "broken", "expire": 1}"#.to_owned()),
        (Some("away"), _) => Answer::Hangup,
        (Some("elsewhere"), _) => Answer::Redirect("/login".to_owned()),
        _ => Answer::Status(404),
    }
}

fn rules(question: &Value) -> Answer {
    let caller = &question["caller"];
    let of_us = caller["vouched-by"] == "company" && caller["claims"]["team"] == "blue";
    let verdict = |access: &Value| {
        let in_blue = access["repository"].as_str().is_some_and(|name| name.starts_with("blue/"));
        match (of_us, access["action"].as_str()) {
            (true, Some("pull")) => json!({ "verdict": "allow", "reason": "colleagues pull" }),
            (true, Some("push")) if in_blue => json!({ "verdict": "allow", "reason": "her own team" }),
            (true, _) => json!({ "verdict": "deny", "reason": "not hers" }),
            (false, _) => json!({ "verdict": "abstain" }),
        }
    };
    let verdicts: Vec<Value> = question["accesses"].as_array().unwrap().iter().map(verdict).collect();
    Answer::Json(json!({ "verdicts": verdicts, "reuse-seconds": 0 }).to_string())
}

/// The service is asked before the password file and the rules.
fn config(service: &Receiver) -> Config {
    let origin = service.origin();
    let plugin = format!(
        r#"component = "builtin:auth-http"
grants.http = ["{origin}"]
grants.secrets = {{ service = "@DIR@/secret" }}
config = {{ url = "{origin}/login", authorize-url = "{origin}/rules", secret = "service", reuse-seconds = 0 }}"#
    );
    Config::standard()
        .plugin("company", &plugin)
        .registry("auth", r#"["company", "staff", "rules"]"#)
        .server("failed-logins", r#"{ answer-after = "0s" }"#)
}

fn started(service: &Receiver) -> Server {
    let mut server = Server::stopped(&config(service));
    std::fs::write(server.folder().join("secret"), SECRET).unwrap();
    server.restart();
    server
}

#[test]
fn a_service_of_one_s_own_says_who_logs_in_and_what_they_may() {
    let service = Receiver::answering(company);
    let server = started(&service);
    let erin = server.client().basic("erin", "swordfish");
    let image = Image::oci(1, &[1000]);
    registry::push_image(&erin, "blue/app", "1", &image);
    let scopes = ["repository:blue/app:pull,push,delete", "repository:red/app:pull,push"];
    let answer = registry::ask_for_token(&erin, &scopes).expect(200).json();
    assert_eq!(answer["scope"], "repository:blue/app:pull,push repository:red/app:pull");
    registry::assert_whole(&server.client().bearer(answer["token"].as_str().unwrap()), "blue/app", "1", &image);
    erin.post("/v2/red/app/blobs/uploads/").expect_error(&[403], &["DENIED"]);
    erin.delete("/v2/blue/app/manifests/1").expect_error(&[403], &["DENIED"]);

    let asked = service.received();
    let login = asked.iter().find(|request| request.target == "/login").unwrap().json();
    assert_eq!(
        (login["version"].as_u64(), login["registry"].as_str(), login["plugin"].as_str()),
        (Some(1), Some("default"), Some("company"))
    );
    assert_eq!(login["credential"], json!({ "kind": "basic", "user": "erin", "secret": "swordfish" }));
    assert!(login["request"]["id"].is_string() && login["request"]["encrypted"] == false, "{login}");
    let rules = asked.iter().find(|request| request.target == "/rules").unwrap().json();
    assert_eq!(rules["caller"]["user"], "erin", "{rules}");
    assert!(rules.get("credential").is_none(), "{rules}");

    let alice = server.client_of(ALICE);
    assert_eq!(registry::repositories(&alice), ["blue/app"], "the refusals left no trace");
    assert_eq!(registry::tags(&alice, "blue/app"), ["1"], "the refusals left no trace");
    let log = server.log().text();
    assert!(!log.contains("swordfish") && !log.contains(SECRET), "a secret is in the log");
}

#[test]
fn whom_the_service_does_not_know_the_next_plugin_is_asked_about() {
    let service = Receiver::answering(company);
    let server = started(&service);
    let alice = server.client_of(ALICE);
    registry::push_image(&alice, "team/app", "1", &Image::oci(1, &[100]));
    server.client().basic("mallory", "anything").get("/v2/").expect_error(&[401], &["UNAUTHORIZED"]);
    // Known there, and wrong: nobody else is asked.
    server.client().basic("erin", "guessed").get("/v2/").expect_error(&[401], &["UNAUTHORIZED"]);
    // Nobody in particular is not sent there to be identified.
    let asked = service.received().iter().filter(|request| request.target == "/login").count();
    server.client().get("/v2/").expect(401);
    assert_eq!(service.received().iter().filter(|request| request.target == "/login").count(), asked);
}

#[test]
fn nobody_is_let_in_by_a_service_that_fails() {
    let service = Receiver::answering(company);
    let server = started(&service);
    for user in ["broken", "away", "elsewhere"] {
        let client = server.client().basic(user, "anything");
        let answer = client.post("/v2/blue/app/blobs/uploads/");
        assert_eq!(answer.status, 503, "{user}: {}", answer.text());
        assert_eq!(registry::ask_for_token(&client, &["repository:blue/app:push"]).status, 503, "{user}");
    }
    let erin = server.client().basic("erin", "swordfish");
    registry::push_image(&erin, "blue/app", "1", &Image::oci(1, &[100]));
    drop(service);
    let answer = erin.post("/v2/blue/other/blobs/uploads/");
    assert_eq!(answer.status, 503, "{}", answer.text());
    // Rules that cannot be asked deny everybody, and so do logins.
    assert_eq!(server.client_of(ALICE).post("/v2/team/app/blobs/uploads/").status, 503);
}

//! What is secret is in no line that a server writes about itself, however much it is told to write.

use base64::Engine as _;
use bulkhead_tests::config::Config;
use bulkhead_tests::operator::{Account, Operator, first_password};
use bulkhead_tests::registry;
use bulkhead_tests::server::Server;

const WRONG: &str = "a-wrong-password-of-alice";
const OFFLINE: &[(&str, &str)] = &[("grant_type", "password"), ("access_type", "offline"), ("scope", "registry:catalog:*")];

#[test]
fn no_password_and_no_token_is_in_the_most_talkative_log_or_in_the_audit_log() {
    let mut server = Server::stopped(&Config::accounts());
    server.log_at("trace");
    server.restart();
    let operator = Operator::of(&server);
    let first = first_password(&server);
    let owner = operator.principal("Owner");
    let renewed = Account::read(&operator.json(&["principal", "reset", "--id", &owner.name, "--slot", "2"])).secret;

    let client = server.client().basic(&owner.name, &owner.secret);
    client.get("/v2/_catalog").expect(200);
    server.client().basic(&owner.name, WRONG).get("/v2/").expect(401);
    let form = [OFFLINE, &[("username", owner.name.as_str()), ("password", renewed.as_str())]].concat();
    let bought = registry::post_form(&server.client(), "/oauth2/token", &form).expect(200).json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let (access, refresh) = (text(&bought["access_token"]), text(&bought["refresh_token"]));
    server.client().bearer(&access).get("/v2/_catalog").expect(200);
    let again = registry::refresh(&server.client(), &refresh, &["registry:administration:*"]).expect(200).json();
    let again = text(&again["access_token"]);
    let made = server.client().bearer(&again).request("POST", "/api/v1/registries/default/principals");
    let made = made.header("content-type", "application/json").body(r#"{"roles":["AcrPull"]}"#).send().expect(201).json();
    // One that is ours and damaged is refused, and told of, in other places than one that is right.
    server.client().bearer(&format!("{access}x")).get("/v2/_catalog").expect(401);
    server.stop();

    let log = server.log().text();
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "the log is not as talkative as it was told to be");
    // The start's own message is meant for the person in front of it, and has the first password.
    let (welcome, log) = log.split_once("listening on").expect("a start ends with this line");
    assert!(welcome.contains(&first), "the start tells the first password");
    let audit: String = std::fs::read_dir(server.folder().join("data/audit"))
        .unwrap()
        .flatten()
        .map(|entry| std::fs::read_to_string(entry.path()).unwrap_or_default())
        .collect();
    let basic = |secret: &str| base64::engine::general_purpose::STANDARD.encode(format!("{}:{secret}", owner.name));
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let secrets = [
        ("the first password", first.clone()),
        ("a principal's password", owner.secret.clone()),
        ("the same as a client sends it", basic(&owner.secret)),
        ("a renewed password", renewed.clone()),
        ("a password that was made over the network", text(&made["secret"])),
        ("a wrong password", WRONG.to_owned()),
        ("the same as a client sends it", basic(WRONG)),
        ("an access token", signature(&access)),
        ("an access token for a refresh token", signature(&again)),
        ("a refresh token", signature(&refresh)),
    ];
    for (what, secret) in secrets {
        assert!(secret.len() > 20 && !log.contains(&secret), "{what} is in the log");
        assert!(!audit.contains(&secret), "{what} is in the audit log");
    }
}
